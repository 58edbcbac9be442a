"""What example orders earn, judged by the code that judges real ones."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from loyalty_app.merchant import words
from loyalty_app.merchant.answers import Json
from rewards import rules as ways
from rewards import timeline
from rewards.contexts import NO_CONTEXT, Context
from rewards.earning import Rules, TooManyPoints, target
from rewards.facts import Line, OrderFact, ProductFact
from rewards.money import exponent, major, minor

SAMPLE = Decimal("29.90")
OTHER_PRODUCT = 2**63 - 1
"""A product that no rule names."""


@dataclass(frozen=True, slots=True)
class Example:
    """An order in words, what it earns by these rules, and the whole calculation."""

    order: str
    points: str
    why: str

    def as_data(self) -> Json:
        return asdict(self)


def of_program(document: Json, currency: str) -> Iterator[Example]:
    """A few orders that no rule is for."""
    goods = _goods(currency)
    tenth, shipping, tax = goods // 10, goods // 6, goods // 5
    cases = [
        (f"Goods for {major(goods, currency)}", Line(1, goods, 1, 1), 0),
        (f"… with a discount of {major(tenth, currency)}", Line(1, goods, 1, 1, discount=tenth), 0),
        (f"… with shipping for {major(shipping, currency)}", Line(1, goods, 1, 1), shipping),
        (f"… with {major(tax, currency)} tax on top", Line(1, goods, 1, 1, tax=tax), 0),
        (f"A gift card of {major(goods, currency)}", Line(1, goods, 1, 1, gift_card=True), 0),
    ]
    for said, line, paid_shipping in cases:
        yield _example(said, (line,), document, currency, shipping=paid_shipping)


def of_rule(rule: Json, document: Json, currency: str) -> Iterator[Example]:
    """An order that the rule is for, beside one that it isn't for. What is no order has no example."""
    if not ways.KINDS[rule["kind"]].of_orders:
        return
    goods = max(_goods(currency), minor(rule["amount"], currency) if "amount" in rule else 0)
    line, product = _meant(rule.get("on", {}), Line(1, goods, 1, 1, product_id=OTHER_PRODUCT))
    other = Line(2, goods, 1, 1, product_id=OTHER_PRODUCT)
    held = Context(rules=frozenset({rule["id"]}), products={line.product_id: product})
    price = major(goods, currency)
    yield _example(f"An order for {price} that this is for", (line,), document, currency, context=held)
    if line.product_id != OTHER_PRODUCT or line.vendor:
        said = f"… with other goods for {price} in it"
        yield _example(said, (line, other), document, currency, context=held)
    yield _example(f"Any other order for {price}", (other,), document, currency)


def _goods(currency: str) -> int:
    """29.90 dollars, 2990 yen: an everyday order in either."""
    return int(SAMPLE * 10 ** (exponent(currency) or 2))


def _meant(on: Json, line: Line) -> tuple[Line, ProductFact]:
    """A line that is among what is named, if anything is."""
    if not any(on.values()):
        return line, ProductFact()
    product = ProductFact(
        frozenset(tag.casefold() for tag in on["product_tags"]), frozenset(on["collections"])
    )
    named = replace(
        line,
        product_id=next(iter(on["products"]), 1),
        variant_id=next(iter(on["variants"]), 0),
        vendor=next(iter(on["vendors"]), ""),
    )
    return named, product


def _example(
    order: str,
    lines: tuple[Line, ...],
    document: Json,
    currency: str,
    *,
    shipping: int = 0,
    context: Context = NO_CONTEXT,
) -> Example:
    now = datetime.now(UTC)
    fact = OrderFact(0, 0, now, now, currency, lines=lines, paid=True, shipping=shipping)
    try:
        goal = target(fact, Rules.of(document, 0, currency), context)
    except TooManyPoints:
        return Example(order, "Too many", "More points than can be counted: such an order would be refused.")
    said = timeline.sentence({**goal.explanation, "order": "", "before": 0}, goal.points, document["points"])
    return Example(order, words.counted(goal.points, document["points"]), said.partition(": ")[2])
