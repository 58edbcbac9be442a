"""What an order earns: pure arithmetic on facts, exact until the one rounding at the end.

`target` answers how many points the order deserves in its present state. The ledger posts the
difference to what it already posted, so that duplicates, refunds and edits are one case.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from rewards import rules as ways
from rewards.contexts import NO_CONTEXT, Context
from rewards.facts import Line, OrderFact
from rewards.money import decimal, major, minor
from rewards.rules import Basket, Flat, Multiplier, Selection

ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "down": floor,
    "nearest": lambda exact: floor(exact + Fraction(1, 2)),
    "up": ceil,
}
Exact = int | Fraction
"""Minor units. Most amounts are whole; what isn't stays exact, at many times the cost."""
LARGEST_POINTS = 2**53
"""Above this a browser can no longer count; an order that earns more is refused."""
RENEWAL = "subscription_contract"
"""The sales channel of a subscription's later orders."""


class TooManyPoints(ValueError):
    """The order would earn more points than can be counted."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that an order, a member's local day, a member in so many days can earn by orders."""

    order: int | None = None
    day: int | None = None
    member: int | None = None
    member_days: int = 365

    @property
    def need_history(self) -> bool:
        return self.day is not None or self.member is not None


@dataclass(frozen=True)
class Rules:
    """The earning part of one program version, ready for arithmetic. What follows from it is found once."""

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
    # What earns nothing, if anything is named.
    excluded: Selection | None = None
    # In small letters.
    excluded_channels: frozenset[str] = frozenset()
    caps: Caps = Caps()
    multipliers: tuple[Multiplier, ...] = ()
    flats: tuple[Flat, ...] = ()
    actions: tuple[ways.Action, ...] = ()
    # What challenges ask for.
    challenged: frozenset[int] = frozenset()
    tiers: dict[str, Multiplier] = field(default_factory=dict)
    has_tiers: bool = False

    @classmethod
    def of(cls, document: dict[str, Any], version: int, currency: str, zone: str = "UTC") -> "Rules":
        """From a program document that was checked by `documents`. Rules begin and end in this time zone."""
        earning = document["earning"]
        basis, excluded = earning["basis"], earning["excluded"]
        renewals = [RENEWAL] if excluded["subscription_renewals"] else []
        rules = ways.compiled(document, ways.Reading(currency, ZoneInfo(zone)))
        levels = document["tiers"]["levels"]
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
            excluded=None if (goods := Selection.of(excluded)).is_empty else goods,
            excluded_channels=frozenset(name.casefold() for name in [*excluded["channels"], *renewals]),
            caps=Caps(**earning["caps"]),
            multipliers=tuple(rule for rule in rules if isinstance(rule, Multiplier)),
            flats=tuple(rule for rule in rules if isinstance(rule, Flat)),
            actions=tuple(rule for rule in rules if isinstance(rule, ways.Action)),
            challenged=frozenset(
                id
                for challenge in document["challenges"]
                if challenge["kind"] == "collections" and not challenge["archived"]
                for id in challenge["collections"]
            ),
            tiers={level["id"]: Multiplier.of_tier(level) for level in levels if level["multiplier"]},
            has_tiers=bool(levels),
        )

    def points_for(self, basis: Exact) -> Fraction:
        """What so many minor units earn, before rounding."""
        return Fraction(basis.numerator * self.rate_points, basis.denominator * self.rate_per)

    def excludes(self, customer_tags: tuple[str, ...] | list[str]) -> bool:
        """Whether a customer with these tags earns nothing."""
        return any(tag.casefold() in self.excluded_tags for tag in customer_tags)

    @cached_property
    def of_orders(self) -> tuple[Multiplier | Flat, ...]:
        """The rules that are judged at an order's first award."""
        return (*self.multipliers, *self.flats)

    @cached_property
    def needs_products(self) -> bool:
        """Whether tags or collections of what is bought are asked for."""
        return self.named.needs_products

    @cached_property
    def looks_at_lines(self) -> bool:
        """Whether it matters what is bought, and not only for how much."""
        return not all(some.is_empty for some in self._selections)

    @cached_property
    def needs_tags(self) -> bool:
        """Whether the customer's tags are asked for."""
        return bool(self.excluded_tags) or any(rule.audience.customer_tags for rule in self.of_orders)

    @cached_property
    def needs_history(self) -> bool:
        """Whether a rule asks which of the member's orders it is."""
        return any(rule.needs_history for rule in self.of_orders)

    @cached_property
    def named(self) -> Selection:
        """Every tag and collection that some rule asks for."""
        return Selection(
            collections=self.challenged.union(*(some.collections for some in self._selections)),
            tags=frozenset().union(*(some.tags for some in self._selections)),
        )

    @cached_property
    def boundaries(self) -> tuple[datetime, ...]:
        """Where a rule begins or ends."""
        return tuple(moment for rule in self.of_orders for moment in rule.period.boundaries)

    @cached_property
    def _selections(self) -> tuple[Selection, ...]:
        return (self.excluded or Selection(), *(rule.on for rule in self.of_orders))


@dataclass(frozen=True, slots=True)
class Target:
    """The points an order deserves, with the reasons as data; and the money that counted, in minor units."""

    points: int
    explanation: dict[str, Any]
    basis: int = 0


@dataclass(slots=True)
class _Reckoning:
    """An order's calculation, step by step."""

    lines: dict[int, Exact]
    shipping: int
    refunded: Exact
    lost: Exact
    basis: Exact = 0
    # Each multiplier that counts, and the part of the basis that it counts for.
    multiplied: list[tuple[Multiplier, Exact]] = field(default_factory=list)
    exact: Fraction = Fraction(0)
    rounded: int = 0
    flats: tuple[Flat, ...] = ()
    # Which cap cut the points, and its room.
    cap: tuple[str, int] | None = None
    points: int = 0


def target(order: OrderFact, rules: Rules, context: Context = NO_CONTEXT, *, charged_back: int = 0) -> Target:
    """The points of the order in its present state, by what held at its first award. Raises TooManyPoints.

    `charged_back`: money that a bank took back; it counts like money refunded as a mere amount.
    """
    if reason := _nothing_because(order, rules, context):
        return Target(0, {"rule": "order", "version": rules.version, "nothing": reason, "points": 0})
    done = _Reckoning(
        lines={line.id: amount for line in order.lines if (amount := _eligible(line, order, rules, context))},
        shipping=_shipping(order, rules),
        refunded=_share_without_tax(order.unexplained_refund, order, rules),
        lost=_share_without_tax(charged_back, order, rules),
    )
    whole = sum(done.lines.values(), done.shipping)
    done.basis = max(0, whole - done.refunded - done.lost)
    done.multiplied = _multiplied(done, whole, order, rules, context)
    extra = sum((amount * (rule.factor - 1) for rule, amount in done.multiplied), Fraction(0))
    # Several below 1 could take away more than there is.
    done.exact = max(Fraction(0), rules.points_for(done.basis + extra))
    done.rounded = ROUNDINGS[rules.rounding](done.exact)
    basket = Basket(done.basis, order.lines, context.products)
    done.flats = tuple(rule for rule in rules.flats if rule.id in context.rules and rule.is_due(basket))
    earned = done.rounded + sum(rule.points for rule in done.flats)
    done.cap = _cap(earned, rules, context)
    done.points = min(earned, done.cap[1]) if done.cap else earned
    if done.points > LARGEST_POINTS:
        raise TooManyPoints(f"The order would earn {done.points} points; {LARGEST_POINTS} is the most.")
    return Target(done.points, _explain(rules, done, earned), floor(done.basis))


def counts(order: OrderFact, rules: Rules, context: Context) -> bool:
    """Whether an order is one that earns, and something of it is still bought."""
    return not _nothing_because(order, rules, context) and any(line.current > 0 for line in order.lines)


def _nothing_because(order: OrderFact, rules: Rules, context: Context) -> str:
    if order.test:
        return "test"
    if order.cancelled:
        return "cancelled"
    if context.excluded:
        return "customer_tag"
    if order.channel.casefold() in rules.excluded_channels:
        return "channel"
    return ""


def _eligible(line: Line, order: OrderFact, rules: Rules, context: Context) -> Exact:
    """Discounts and taxes are stated for the ordered quantity, even after a refund: take the share."""
    if line.ordered <= 0 or (line.gift_card and not rules.with_gift_cards):
        return 0
    if rules.excluded and rules.excluded.names(line, context.products):
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


def _multiplied(
    done: _Reckoning, whole: Exact, order: OrderFact, rules: Rules, context: Context
) -> list[tuple[Multiplier, Exact]]:
    """The part of the basis that each multiplier counts for; money given back lowers all parts alike."""
    active = [rule for rule in rules.multipliers if rule.id in context.rules]
    if context.tier in rules.tiers:
        active.append(rules.tiers[context.tier])
    if not active or not done.basis:
        return []
    parts: dict[str, Exact] = dict.fromkeys((rule.id for rule in active), 0)
    for line in order.lines:
        if amount := done.lines.get(line.id):
            meant = (rule for rule in active if rule.on.is_empty or rule.on.names(line, context.products))
            for rule in _counting(meant):
                parts[rule.id] += amount
    if done.shipping:
        for rule in _counting(rule for rule in active if rule.on.is_empty):
            parts[rule.id] += done.shipping
    left = 1 if done.basis == whole else Fraction(done.basis) / whole
    return [(rule, parts[rule.id] * left) for rule in active if parts[rule.id]]


def _counting(meant: Iterable[Multiplier]) -> Iterator[Multiplier]:
    """All that add up, and of the others the best."""
    best: Multiplier | None = None
    for rule in meant:
        if rule.stackable:
            yield rule
        elif best is None or rule.factor > best.factor:
            best = rule
    if best is not None:
        yield best


def _cap(earned: int, rules: Rules, context: Context) -> tuple[str, int] | None:
    """The cap that leaves the order the least, if it leaves less than was earned."""
    rooms = dict(context.room)
    if rules.caps.order is not None:
        rooms["order"] = rules.caps.order
    name = min(rooms, key=lambda one: (rooms[one], one), default=None)
    return (name, rooms[name]) if name is not None and rooms[name] < earned else None


def _explain(rules: Rules, done: _Reckoning, earned: int) -> dict[str, Any]:
    def money(amount: Exact) -> str:
        return major(amount, rules.currency)

    explanation: dict[str, Any] = {
        "rule": "order",
        "version": rules.version,
        "currency": rules.currency,
        "lines": {str(id): money(amount) for id, amount in done.lines.items()},
        "basis": money(done.basis),
        "rate": {"points": rules.rate_points, "per": major(rules.rate_per, rules.currency)},
        "exact": decimal(done.exact, 0, 6),
        "rounding": rules.rounding,
        "points": done.points,
    }
    if done.shipping:
        explanation["shipping"] = money(done.shipping)
    if done.refunded:
        explanation["refunded_amount"] = money(done.refunded)
    if done.lost:
        explanation["charged_back"] = money(done.lost)
    if done.multiplied:
        explanation["multipliers"] = [
            {"rule": rule.id, "title": rule.title, "factor": decimal(rule.factor, 0, 4), "of": money(amount)}
            for rule, amount in done.multiplied
        ]
    if done.flats:
        explanation["rounded"] = done.rounded
        explanation["flat"] = [
            {"rule": rule.id, "title": rule.title, "points": rule.points} for rule in done.flats
        ]
    if done.cap:
        explanation["cap"] = {"of": done.cap[0], "room": done.cap[1], "earned": earned}
    return explanation
