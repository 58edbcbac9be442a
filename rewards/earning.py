"""What an order earns: pure arithmetic on facts, exact until the one rounding at the end.

`target` answers how many points the order deserves in its present state. The ledger posts the
difference to what it already posted, so that duplicates, refunds and edits are one case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from rewards.facts import Line, OrderFact
from rewards.money import decimal, major, minor

ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "down": floor,
    "nearest": lambda exact: floor(exact + Fraction(1, 2)),
    "up": ceil,
}
Exact = int | Fraction
"""Minor units. Most amounts are whole; what isn't stays exact, at many times the cost."""
LARGEST_POINTS = 2**53
"""Above this a browser can no longer count; an order that earns more is refused."""


class TooManyPoints(ValueError):
    """The order would earn more points than can be counted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The earning part of one program version, ready for arithmetic."""

    version: int
    currency: str
    rate_points: int
    rate_per: int
    rounding: str
    award_on: str
    hold_days: int
    signup_bonus: int
    with_tax: bool
    with_shipping: bool
    before_discounts: bool
    with_gift_cards: bool
    excluded_tags: frozenset[str]
    forgive_debt: bool

    @classmethod
    def of(cls, document: dict[str, Any], version: int, currency: str) -> "Rules":
        """From a program document that was checked by `programs`."""
        earning = document["earning"]
        basis = earning["basis"]
        return cls(
            version=version,
            currency=currency,
            rate_points=earning["rate"]["points"],
            rate_per=minor(earning["rate"]["per"], currency),
            rounding=earning["rounding"],
            award_on=earning["award_on"],
            hold_days=earning["hold_days"],
            signup_bonus=earning["signup_bonus"],
            with_tax=basis["tax"],
            with_shipping=basis["shipping"],
            before_discounts=basis["before_discounts"],
            with_gift_cards=basis["gift_cards"],
            excluded_tags=frozenset(tag.casefold() for tag in earning["excluded_customer_tags"]),
            forgive_debt=document["debt"] == "forgive",
        )

    def points_for(self, basis: int | Fraction) -> Fraction:
        """What so many minor units earn, before rounding."""
        return Fraction(basis.numerator * self.rate_points, basis.denominator * self.rate_per)

    def excludes(self, customer_tags: tuple[str, ...] | list[str]) -> bool:
        """Whether a customer with these tags earns nothing."""
        return any(tag.casefold() in self.excluded_tags for tag in customer_tags)


@dataclass(frozen=True, slots=True)
class Target:
    """The points an order deserves, with the reasons as data."""

    points: int
    explanation: dict[str, Any]


def target(order: OrderFact, rules: Rules, *, excluded: bool = False, charged_back: int = 0) -> Target:
    """The points of the order in its present state. Raises TooManyPoints.

    `charged_back`: money that a bank took back; it counts like money refunded as a mere amount.
    """
    if reason := _nothing_because(order, excluded):
        return Target(0, {"rule": "order", "version": rules.version, "nothing": reason, "points": 0})
    lines = {line.id: amount for line in order.lines if (amount := _eligible(line, order, rules))}
    shipping = _shipping(order, rules)
    refunded = _share_without_tax(order.unexplained_refund, order, rules)
    lost = _share_without_tax(charged_back, order, rules)
    basis = max(0, sum(lines.values(), shipping) - refunded - lost)
    exact = rules.points_for(basis)
    points = ROUNDINGS[rules.rounding](exact)
    if points > LARGEST_POINTS:
        raise TooManyPoints(f"The order would earn {points} points; {LARGEST_POINTS} is the most.")
    return Target(points, _explain(rules, lines, shipping, refunded, lost, basis, exact, points))


def _nothing_because(order: OrderFact, excluded: bool) -> str:
    if order.test:
        return "test"
    if order.cancelled:
        return "cancelled"
    if excluded:
        return "customer_tag"
    return ""


def _eligible(line: Line, order: OrderFact, rules: Rules) -> Exact:
    """Discounts and taxes are stated for the ordered quantity, even after a refund: take the share."""
    if line.ordered <= 0 or (line.gift_card and not rules.with_gift_cards):
        return 0
    amount = line.price * line.ordered
    if not rules.before_discounts:
        amount -= line.discount
    if order.taxes_included and not rules.with_tax:
        amount -= line.tax
    if rules.with_tax and not order.taxes_included:
        amount += line.tax
    if amount <= 0 or line.current == line.ordered:
        return max(0, amount)
    return Fraction(amount * line.current, line.ordered)


def _shipping(order: OrderFact, rules: Rules) -> int:
    if not rules.with_shipping:
        return 0
    tax = order.shipping_tax
    if order.taxes_included:
        return order.shipping if rules.with_tax else order.shipping - tax
    return order.shipping + tax if rules.with_tax else order.shipping


def _share_without_tax(amount: int, order: OrderFact, rules: Rules) -> Exact:
    """Money given back as a mere amount contains tax in the proportion of the order's own lines."""
    if not amount or rules.with_tax:
        return amount
    paid = sum(line.price * line.ordered - line.discount for line in order.lines)
    tax = sum(line.tax for line in order.lines)
    gross = paid if order.taxes_included else paid + tax
    return Fraction(amount * (gross - tax), gross) if gross > 0 else amount


def _explain(
    rules: Rules,
    lines: dict[int, Exact],
    shipping: int,
    refunded: Exact,
    lost: Exact,
    basis: Exact,
    exact: Fraction,
    points: int,
) -> dict[str, Any]:
    def money(amount: Exact) -> str:
        return major(amount, rules.currency)

    explanation: dict[str, Any] = {
        "rule": "order",
        "version": rules.version,
        "currency": rules.currency,
        "lines": {str(id): money(amount) for id, amount in lines.items()},
        "basis": money(basis),
        "rate": {"points": rules.rate_points, "per": major(rules.rate_per, rules.currency)},
        "exact": decimal(exact, 0, 6),
        "rounding": rules.rounding,
        "points": points,
    }
    if shipping:
        explanation["shipping"] = money(shipping)
    if refunded:
        explanation["refunded_amount"] = money(refunded)
    if lost:
        explanation["charged_back"] = money(lost)
    return explanation
