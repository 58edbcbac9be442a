"""The context of an order's first award: what held when it was paid. Given once, kept for good.

`begin` says what the news and the dated versions of the program say, before any row of a member is
locked; it raises Unsure where the order has to be asked for. `finish` adds what depends on the member -
tier, place among their orders, room under caps, places in a budget - under the member's lock.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from rewards import budgets, contexts, dates, earning, programs, tiers
from rewards.contexts import Context
from rewards.earning import Rules
from rewards.facts import FetchedOrder, OrderFact, ProductFact
from rewards.models import Member, Program
from rewards.order_rows import Key, OpenOrder
from rewards.rules import Circumstances, Surprise
from rewards.tier_replays import Replay
from rewards.tier_reviews import Climb, climbs
from rewards.tier_settings import Counted

Catalogue = Mapping[tuple[int, int], ProductFact]
"""(source, product id): what is known of products."""
News = OrderFact | FetchedOrder
Ref = tuple[int, int]
A_MOMENT = timedelta(seconds=1)
"""The moments of facts are cut to the second: what happened may have happened this much later."""


class Unsure(Exception):
    """What the news says isn't enough to settle this order."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """An order whose first award is now, and what is told of it."""

    order: OpenOrder
    item: News

    @property
    def fact(self) -> OrderFact:
        return self.item.fact if isinstance(self.item, FetchedOrder) else self.item

    @property
    def turn(self) -> tuple[datetime, int]:
        """Orders of a member stand in the order of their payment."""
        assert self.order.paid_at is not None  # or there would be no award
        return self.order.paid_at, self.order.external_id


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known beside the news of a batch, read before it is settled."""

    # (effective from, number) of the program's versions, newest first.
    dated: programs.Dated
    catalogue: Catalogue
    # When customers' first orders that count were paid.
    first_paid: Mapping[Ref, datetime]
    # Orders that may be a friend's first.
    awaited: Collection[Key] = ()

    @classmethod
    def of(
        cls,
        program: Program,
        news: Iterable[News],
        catalogue: Catalogue | None,
        awaited: Collection[Key] = (),
    ) -> "Knowledge":
        """Read what the rules in force ask for."""
        dated = programs.versions(program)
        rules = [programs.rules(program, number) for _, number in dated]
        asks = any(version.needs_history for version in rules)
        return cls(dated, catalogue or {}, _first_paid(program.pk, news) if asks else {}, awaited)


def begin(program: Program, order: OpenOrder, item: News, known: Knowledge) -> bool:
    """Give an order what of its context is known already; returns whether it got one. Raises Unsure.

    The moment of payment isn't part of a delivery: it lies between the order's and the news's. Where it
    matters - the rules changed in between, or there is a hold - or where the customer's tags count, the
    order has to be fetched. So has one that owes money: it may have been paid before an edit made it dearer.
    """
    fact = item.fact if isinstance(item, FetchedOrder) else item
    if order.context is not None:
        _learn_products(program, order, fact, known)
        return False
    if fact.customer_id is None or fact.test:
        return False
    fetched = isinstance(item, FetchedOrder)
    if order.paid_at is None:
        if fact.partly_paid and not fetched:
            raise Unsure
        return False
    latest = fact.updated_at + A_MOMENT
    if not fetched and _version(known, fact.processed_at) != _version(known, latest):
        raise Unsure
    rules = programs.rules(program, _version(known, order.paid_at))
    if rules.award_on == "fulfilled" and order.fulfilled_at is None:
        return False
    if not fetched and (_is_awaited(fact, known) or _has_to_be_asked(rules, fact, known, latest)):
        raise Unsure
    if fact.currency != program.currency:
        order.blocked = "currency"
        return False
    tags = item.customer_tags if isinstance(item, FetchedOrder) else ()
    order.blocked = ""
    order.context = {"version": rules.version, "excluded": rules.excludes(tags), "tags": sorted(tags)}
    try:
        _learn_products(program, order, fact, known)
    except Unsure:
        order.context = None
        raise
    return True


def finish(program: Program, fresh: Sequence[Fresh], now: datetime) -> None:
    """Give these orders what of their contexts depends on their members. Needs the members' locks.

    Orders of one member are taken in the order of their payment, and those known before count.
    """
    asking = [one for one in fresh if asks_of_member(_rules(program, one.order))]
    if not asking:
        return
    rules = [_rules(program, one.order) for one in asking]
    past = Past.read(program, asking, rules)
    if any(version.has_tiers for version in rules):
        past.read_tiers(program, asking, now)
    for one in sorted(asking, key=lambda one: one.turn):
        judge(
            one,
            _rules(program, one.order),
            past,
            lambda _, rule: budgets.take(program.pk, rule.id, rule.budget),
        )


def judge(one: Fresh, rules: Rules, past: "Past", take: Callable[[Fresh, Surprise], bool]) -> None:
    """Which rules are for an order, and what caps leave it. `take`: whether it gets a place in a budget."""
    context = one.order.context
    assert context is not None  # fresh orders have the beginning of one
    who = past.circumstances(one, rules)
    if rules.has_tiers and who.tier:
        context["tier"] = who.tier
    if rules.needs_history:
        context["ordinal"] = who.ordinal
    context["rules"] = [rule.id for rule in rules.of_orders if rule.holds(who)]
    if rules.caps.need_history:
        context["room"] = past.room(one, rules)
    _take_places(one, rules, context, take)
    past.note(one, rules)


def next_place(ordinals: Sequence[int]) -> int:
    """The place of a member's next order, by those of the known ones, newest first.

    An order that Shopify told the place of may be followed by others that were counted from less.
    """
    return max((ordinal + later for later, ordinal in enumerate(ordinals)), default=0) + 1


def asks_of_member(rules: Rules) -> bool:
    """Whether a first award depends on the member."""
    return bool(rules.of_orders) or rules.has_tiers or rules.caps.need_history


def _rules(program: Program, order: OpenOrder) -> Rules:
    assert order.context is not None  # or there would be no award
    return programs.rules(program, order.context["version"])


def _version(known: Knowledge, moment: datetime) -> int:
    return programs.in_force(known.dated, moment)


def _is_awaited(fact: OrderFact, known: Knowledge) -> bool:
    return (fact.source_id, fact.external_id) in known.awaited


def _has_to_be_asked(rules: Rules, fact: OrderFact, known: Knowledge, latest: datetime) -> bool:
    """Whether the moment of payment matters, the customer's tags, or which of their orders it is."""
    if rules.needs_tags or rules.hold_days or rules.award_on == "fulfilled":
        return True
    if any(fact.processed_at < moment <= latest for moment in rules.boundaries):
        return True
    if not rules.needs_history or fact.customer_id is None:
        return False
    # Where an earlier order is known, this one is counted from it.
    first = known.first_paid.get((fact.source_id, fact.customer_id))
    return first is None or first >= fact.processed_at


def _learn_products(program: Program, order: OpenOrder, fact: OrderFact, known: Knowledge) -> None:
    """Keep what the rules ask of products; those that came with a later edit are added. Raises Unsure."""
    assert order.context is not None  # who asks has looked
    rules = programs.rules(program, order.context["version"])
    if not rules.needs_products or fact.cancelled:
        return
    learnt = order.context.get("products", {})
    wanted = {
        line.product_id for line in fact.lines if line.product_id and str(line.product_id) not in learnt
    }
    if not wanted and "products" in order.context:
        return
    found = {id: known.catalogue.get((fact.source_id, id)) for id in sorted(wanted)}
    if None in found.values():
        raise Unsure
    products = {id: product for id, product in found.items() if product is not None}
    order.context["products"] = {**learnt, **contexts.products_as_data(products, rules.named)}


def _first_paid(program_id: int, news: Iterable[News]) -> dict[Ref, datetime]:
    facts = [item.fact if isinstance(item, FetchedOrder) else item for item in news]
    refs = sorted({(fact.source_id, fact.customer_id) for fact in facts if fact.customer_id is not None})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.source_id, i.external_id, min(o.paid_at)
            FROM unnest(%s::bigint[], %s::bigint[]) AS w (source_id, external_id)
            JOIN rewards_identity i
              ON i.program_id = %s AND i.source_id = w.source_id AND i.external_id = w.external_id
            JOIN rewards_order o ON o.program_id = %s AND o.member_id = i.member_id
            WHERE o.context IS NOT NULL
            GROUP BY i.source_id, i.external_id
            """,
            [[source for source, _ in refs], [external for _, external in refs], program_id, program_id],
        )
        return {(source, external): paid_at for source, external, paid_at in cursor.fetchall()}


def _take_places(
    one: Fresh, rules: Rules, context: dict[str, Any], take: Callable[[Fresh, Surprise], bool]
) -> None:
    """Places in the budgets of surprises; where none is left, the rule isn't for this order."""
    given = set(context["rules"])
    surprises = [rule for rule in rules.flats if isinstance(rule, Surprise) and rule.id in given]
    if not surprises:
        return
    basis = earning.target(one.fact, rules, Context.of(context)).basis
    for rule in surprises:
        if basis < rule.amount or not take(one, rule):
            context["rules"].remove(rule.id)


@dataclass(slots=True)
class _Earlier:
    """An order of a member that counts: its turn, and its place as far as that is known."""

    turn: tuple[datetime, int]
    ordinal: int

    def __lt__(self, other: "_Earlier") -> bool:
        return self.turn < other.turn


class Past:
    """What the members of a batch did before, as far as the rules ask for it."""

    def __init__(self, program: Program) -> None:
        self.zone = ZoneInfo(program.timezone)
        self.tiers: Mapping[OpenOrder, str] = {}
        self.climbs: Mapping[int, Climb | Replay] = {}
        self.joined: dict[int, datetime] = {}
        self.orders: defaultdict[int, list[_Earlier]] = defaultdict(list)
        self.earned: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)

    @classmethod
    def read(
        cls,
        program: Program,
        fresh: Sequence[Fresh],
        rules: Collection[Rules],
        before: datetime | None = None,
    ) -> "Past":
        """Each question is one statement, and asked only where a rule asks it. `before`: nothing later."""
        past = cls(program)
        members = sorted({one.order.member_id for one in fresh if one.order.member_id is not None})
        if any(rule.audience.member_until for version in rules for rule in version.of_orders):
            joined = Member.objects.filter(program=program, pk__in=members).values_list("pk", "joined_at")
            past.joined = dict(joined)
        if any(version.needs_history for version in rules):
            past._read_orders(program.pk, members, before)
        if any(version.caps.need_history for version in rules):
            longest = max(version.caps.member_days for version in rules)
            since = min(one.turn[0] for one in fresh) - timedelta(days=longest + 1)
            past._read_earned(program.pk, members, since, before)
        return past

    def read_tiers(self, program: Program, fresh: Sequence[Fresh], now: datetime) -> None:
        """The tiers that members had when these orders were paid, and how they may rise by them."""
        held = tiers.held_at(program.pk, [(self._who(one), one.turn[0]) for one in fresh])
        self.tiers = {one.order: tier or "" for one, tier in zip(fresh, held, strict=True)}
        times = Counter(self._who(one) for one in fresh)
        several = [member_id for member_id, number in times.items() if number > 1]
        self.climbs = climbs(program, several, now) if several else {}

    def _read_orders(self, program_id: int, members: list[int], before: datetime | None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT member_id, paid_at, external_id, coalesce((context->>'ordinal')::int, 1)
                FROM rewards_order
                WHERE program_id = %s AND member_id = ANY(%s) AND context IS NOT NULL
                  AND paid_at < coalesce(%s::timestamptz, 'infinity')
                ORDER BY paid_at, external_id
                """,
                [program_id, members, before],
            )
            for member_id, paid_at, external_id, ordinal in cursor.fetchall():
                self.orders[member_id].append(_Earlier((paid_at, external_id), ordinal))

    def _read_earned(
        self, program_id: int, members: list[int], since: datetime, before: datetime | None
    ) -> None:
        """What orders gave, refunds or not: room that a refund frees isn't handed to another order."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT member_id, happened_at, points FROM rewards_movement
                WHERE program_id = %s AND member_id = ANY(%s) AND kind = 'order' AND source = 'issued'
                  AND happened_at >= %s AND happened_at < coalesce(%s::timestamptz, 'infinity')
                """,
                [program_id, members, since, before],
            )
            for member_id, moment, points in cursor.fetchall():
                self.earned[member_id].append((moment, points))

    def circumstances(self, one: Fresh, rules: Rules) -> Circumstances:
        """Under which an order was paid."""
        earlier = [other for other in self.orders[self._who(one)] if other.turn < one.turn]
        told = one.item if isinstance(one.item, FetchedOrder) else None
        counted = next_place([other.ordinal for other in reversed(earlier)])
        moments = [earlier[-1].turn[0]] if earlier else []
        if told and told.previous_at:
            moments.append(told.previous_at)
        context = one.order.context or {}
        return Circumstances(
            moment=one.turn[0],
            zone=self.zone,
            tier=self._tier(one),
            customer_tags=frozenset(tag.casefold() for tag in context["tags"]),
            joined_at=self.joined.get(self._who(one)),
            ordinal=max(counted, (told.ordinal or 1) if told else 1),
            previous_at=max(moments, default=None),
        )

    def _tier(self, one: Fresh) -> str:
        """Before this order, and after those of the same batch that were paid before it."""
        climb = self.climbs.get(self._who(one))
        moved = climb.on(self._day(one.turn[0])) if climb else None
        return self.tiers.get(one.order, "") if moved is None else moved

    def room(self, one: Fresh, rules: Rules) -> dict[str, int]:
        """What the caps leave this order, after what the member's others gave."""
        day, room = self._day(one.turn[0]), {}
        given = [(self._day(moment), points) for moment, points in self.earned[self._who(one)]]
        if rules.caps.day is not None:
            room["day"] = max(0, rules.caps.day - sum(points for other, points in given if other == day))
        if rules.caps.member is not None:
            first = day - timedelta(days=rules.caps.member_days - 1)
            used = sum(points for other, points in given if first <= other <= day)
            room["member"] = max(0, rules.caps.member - used)
        return room

    def note(self, one: Fresh, rules: Rules) -> None:
        """The next order of the member sees this one."""
        context = one.order.context or {}
        if rules.needs_history:
            insort(self.orders[self._who(one)], _Earlier(one.turn, context["ordinal"]))
        climb = self.climbs.get(self._who(one))
        if not (rules.caps.need_history or climb):
            return
        goal = earning.target(one.fact, rules, Context.of(context))
        if rules.caps.need_history:
            self.earned[self._who(one)].append((one.turn[0], goal.points))
        if climb:
            day = self._day(one.turn[0])
            climb.take(Counted.of_order(day, day + timedelta(days=rules.hold_days), goal.basis, goal.points))

    def _day(self, moment: datetime) -> date:
        return dates.local_date(moment, self.zone)

    @staticmethod
    def _who(one: Fresh) -> int:
        """The member; in a forecast, where nobody is made a member, the customer."""
        return one.order.member_id or -(one.fact.customer_id or 0)
