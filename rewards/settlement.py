"""News of orders is settled: for any number of orders, of any number of programs, in one transaction.

What programs ask of the database and write to it, they do at once; what follows for a member or an order is
decided program by program. So a thousand orders cost as many statements as one, whosesoever they are. What
only some programs have - tiers, challenges, rules that look at members - is asked for each of these.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from rewards import (
    challenges,
    dates,
    earning,
    facts,
    first_awards,
    gift_reviews,
    ledger,
    order_news,
    order_rows,
    order_worth,
    people,
    promotions,
    redemptions,
    referrals,
    tenancy,
    tier_grants,
    tiers,
)
from rewards.facts import OrderFact, OrderRef
from rewards.first_awards import Catalogue, Fresh, Knowledge, News, Unsure
from rewards.ledger import Book, Opening, again_if_overtaken, reverse
from rewards.lifetimes import Policy
from rewards.models import Program
from rewards.order_news import fact_of, key_of
from rewards.order_rows import Key, OpenOrder
from rewards.people import Ref
from rewards.referrals import First
from rewards.tier_reviews import Step
from rewards.tier_settings import Counted


@dataclass(frozen=True, slots=True)
class Settled:
    """`unsure`: orders whose state or moment isn't known for sure; fetch them and settle what comes."""

    unsure: tuple[OrderRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """News of one program's orders, to be settled with those of others.

    `program`: as the transaction in hand has read it. `catalogue`: products of these orders, for rules that
    ask for their tags or collections; an order with one that is needed and missing is unsure.
    """

    program: Program
    news: Sequence[News]
    catalogue: Catalogue = field(default_factory=dict)


@again_if_overtaken
@transaction.atomic
def settle_together(batches: Sequence[Batch], *, now: datetime | None = None) -> Settled:
    """Make the points of these orders right: of all of them, or of none where one fails.

    A program is in one batch at most.
    """
    return settle_in_hand(batches, now=now)


def settle_in_hand(batches: Sequence[Batch], *, now: datetime | None = None) -> Settled:
    """The same, for a caller whose transaction (or savepoint) is undone whatever this raises, and begun again
    after Overtaken.

    In the order of the programs' ids, so that two who do this don't wait for each other in a ring.
    """
    moment = order_rows.plan_for_growth()
    now = now or moment
    parts = [_Part(batch, now) for batch in sorted(batches, key=lambda batch: batch.program.pk)]
    for some in tenancy.shares(parts):
        _settle(some)
    return Settled(tuple(OrderRef(*key) for key in sorted(key for part in parts for key in part.unsure)))


def _settle(parts: Sequence["_Part"]) -> None:
    orders = order_rows.locked({part.id: part.keys for part in parts})
    for part in parts:
        part.accept({key: orders[key] for key in part.keys})
    at_work = [part for part in parts if part.accepted]
    _link_members(at_work)
    _leave_out_the_forgotten(at_work)
    books = ledger.open_books([part.opening() for part in at_work])
    for part, book in zip(at_work, books, strict=True):
        part.post(book)
    order_rows.save([order for part in parts for order in part.to_save])
    for part in at_work:
        part.follow_up()
    ledger.write_books(books)


def _link_members(parts: Sequence["_Part"]) -> None:
    """Find or make the members of orders that have none yet."""
    found, new = people.resolve({part.program: part.strangers() for part in parts})
    for part in parts:
        part.join(found, new.get(part.id, {}))


def _leave_out_the_forgotten(parts: Sequence["_Part"]) -> None:
    """What is kept of an order doesn't name who asked to be forgotten."""
    named = {part.program: part.named() for part in parts}
    gone = people.forgotten_among({program: orders for program, orders in named.items() if orders})
    for orders in named.values():
        for ref in gone & orders.keys():
            for order in orders[ref]:
                assert order.facts is not None  # or it would name nobody
                order.facts["customer_id"] = None
                order.context = order.context and {**order.context, "tags": []}


@dataclass(frozen=True, slots=True)
class _Change:
    """An order that deserves other points than it has, or counts for another amount."""

    order: OpenOrder
    fact: OrderFact
    goal: earning.Target
    happened_at: datetime
    # What it counted for.
    before: Counted | None

    @property
    def points(self) -> int:
        return self.goal.points - self.order.points

    @property
    def counts_otherwise(self) -> bool:
        return self.order.counts_on is None or self.goal.basis != self.order.spend


class _Part:
    """One program's part of a settlement, filled in step by step."""

    def __init__(self, batch: Batch, now: datetime) -> None:
        self.program, self.news, self.catalogue = batch.program, batch.news, batch.catalogue
        self.id, self.now = batch.program.pk, now
        self.newest, self.unsure = order_news.newest(batch.news)
        self.keys = sorted({key_of(item) for item in batch.news})
        # Orders whose state changes now, with what is told of them; of these, whose first award it is.
        self.accepted: list[tuple[OpenOrder, News]] = []
        self.fresh: set[OpenOrder] = set()
        # Of orders that aren't settled now: the state in doubt is fetched, what opened stays open.
        self.kept: list[OpenOrder] = []
        # Orders that have got their members, and the members who are new.
        self.joined: set[OpenOrder] = set()
        self.new: Mapping[int, datetime] = {}
        # What the orders deserve beyond what they have; the first awards among them.
        self.changes: list[_Change] = []
        self.awarded: list[Fresh] = []
        # The redemptions whose codes these orders carry, each with its member.
        self.carried: dict[int, int] = {}

    def accept(self, orders: dict[Key, OpenOrder]) -> None:
        """Find out which of these orders change, and which have to be asked about."""
        opened = order_news.open_gates(orders, self.news)
        awaited = referrals.awaited(self.program, [fact_of(item) for item in self.newest.values()])
        known = Knowledge.of(self.program, self.newest.values(), self.catalogue, awaited)
        for key, told in self.newest.items():
            try:
                self._accept(orders[key], told, key in opened, known)
            except Unsure:
                self.unsure.add(key)
        self.kept = [orders[key] for key in sorted(opened - {key_of(item) for _, item in self.accepted})]

    def _accept(self, order: OpenOrder, told: News, has_opened: bool, known: Knowledge) -> None:
        item = order_news.remembering(told, order)
        is_news = order_news.is_news(order, item)
        if not is_news:
            if not has_opened or not order.facts:
                return
            item = facts.from_data(order.facts)
        if first_awards.begin(self.program, order, item, known):
            self.fresh.add(order)
        if is_news:
            order.facts, order.facts_at = facts.as_data(fact_of(item)), fact_of(item).updated_at
        self.accepted.append((order, item))

    def strangers(self) -> dict[Ref, datetime]:
        """The customers of orders that have no member yet, and when they joined if they are new."""
        return {
            (order.source_id, fact.customer_id): fact.processed_at
            for order, item in self.accepted
            if (fact := fact_of(item)).customer_id is not None and order.member_id is None and not fact.test
        }

    def join(self, found: Mapping[Ref, int], new: Mapping[int, datetime]) -> None:
        """Link these orders to their members."""
        self.new = new
        for order, item in self.accepted:
            customer_id = fact_of(item).customer_id
            if order.member_id is None and customer_id is not None:
                order.member_id = found.get((order.source_id, customer_id))
                if order.member_id is not None:
                    self.joined.add(order)

    def named(self) -> dict[Ref, list[OpenOrder]]:
        """The customers that orders name which have no member, or had one before."""
        named: defaultdict[Ref, list[OpenOrder]] = defaultdict(list)
        for order, _ in self.accepted:
            if order not in self.joined and order.facts and order.facts["customer_id"]:
                named[order.source_id, order.facts["customer_id"]].append(order)
        return named

    def opening(self) -> Opening:
        """The accounts of who gets a new order, or other points; with lots only where some are taken.

        The lock on a member makes sure that nobody is merged away while an order is linked to them.
        """
        # What an order had before may be taken back, from members whose lots are read with their locks.
        self.changes = list(self._changes(pair for pair in self.accepted if pair[0] not in self.fresh))
        awarded = [pair for pair in self.accepted if pair[0] in self.fresh and pair[0].member_id is not None]
        self.awarded = [Fresh(*pair) for pair in awarded]
        self.carried = redemptions.carried_by(self.id, [fact_of(item) for _, item in self.accepted])
        reversals = [change.order for change in self.changes if change.points < 0]
        takers = _members(reversals) | set(self.carried.values())
        others = _members(self.joined) | _members(one.order for one in self.awarded) | self.new.keys()
        return Opening(
            self.id,
            takers | others | _members(change.order for change in self.changes),
            self.now,
            spenders=takers,
            order_ids=[order.id for order in reversals],
            redemption_ids=self.carried,
        )

    def post(self, book: Book) -> None:
        """Say what the orders earn, or lose, and what they count for."""
        self.book = book
        book.policy = Policy.of(self.program)
        people.welcome(book, self.program, self.new)
        first_awards.finish(self.program, self.awarded, self.now)
        self.changes += self._changes((one.order, one.item) for one in self.awarded)
        for change in self.changes:
            self._post(change)
            self._count(change)

    @property
    def to_save(self) -> list[OpenOrder]:
        """Orders whose rows may be others now."""
        return [*self.kept, *(order for order, _ in self.accepted)]

    def follow_up(self) -> None:
        """What follows from the orders as they are saved, beside their own points."""
        book, program = self.book, self.program
        orders = [order for order, _ in self.accepted]
        settled = [(order, fact_of(item)) for order, item in self.accepted]
        states = [(order.id, fact) for order, fact in settled]
        redemptions.note_orders(book, self.carried, states)
        promotions.note_orders(self.id, states)
        referrals.note_orders(program, self._first(), settled, self.now)
        challenges.review(book, program, _members(orders))
        gift_reviews.review(book, program, orders)
        tier_grants.note(program, [(change.order, change.fact) for change in self.changes])
        happened_to = _members(change.order for change in self.changes) | self.new.keys()
        tiers.review(book, program, happened_to, self.now, lambda: _steps(self.changes))

    def _changes(self, accepted: Iterable[tuple[OpenOrder, News]]) -> Iterator[_Change]:
        for order, item in accepted:
            if order.context is not None and order.member_id is not None:
                fact = fact_of(item)
                goal = order_worth.goal(self.program, order, fact)
                moment = order_worth.happened_at(self.program, order, fact, goal)
                change = _Change(order, fact, goal, moment, order.counted)
                if change.points or change.counts_otherwise or tier_grants.bought(self.program, order, fact):
                    yield change

    def _post(self, change: _Change) -> None:
        if not change.points:
            return
        order, fact, happened_at = change.order, change.fact, change.happened_at
        assert order.member_id is not None  # or there would be no change
        rules = order_worth.rules_of(self.program, order, fact)
        posting = self.book.posting(
            order.member_id,
            f"order:{order.id}:{order.settlements}",
            "order" if change.points > 0 else "refund",
            {**change.goal.explanation, "order": fact.name or str(order.external_id), "before": order.points},
            happened_at,
            order_id=order.id,
        )
        if change.points > 0:
            available_at = order_worth.available_at(happened_at, rules, self.program, self.now)
            posting.award(change.points, "order", available_at=available_at)
        else:
            reverse(posting, -change.points, self.book.lots_of(order.id), forgive=rules.forgive_debt)
        order.settlements += 1
        order.points = change.goal.points

    def _count(self, change: _Change) -> None:
        """What the order counts for on the way to a tier, from the day of its first award, now and later."""
        order = change.order
        order.spend = change.goal.basis
        if order.counts_on is None:
            rules = order_worth.rules_of(self.program, order, change.fact)
            moment = order_worth.moment_of(order, rules)
            order.counts_on = dates.local_date(moment, ZoneInfo(self.program.timezone))
            order.firm_on = order.counts_on + timedelta(days=rules.hold_days)

    def _first(self) -> Iterator[First]:
        """Orders whose first award this was, with the end of their holds."""
        for one in self.awarded:
            rules = order_worth.rules_of(self.program, one.order, one.fact)
            moment = order_worth.moment_of(one.order, rules)
            yield First(one, order_worth.available_at(moment, rules, self.program, self.now))


def _members(orders: Iterable[OpenOrder]) -> set[int]:
    return {order.member_id for order in orders if order.member_id is not None}


def _steps(changes: Iterable[_Change]) -> dict[int, list[Step]]:
    """What happened to each member on the way to a tier."""
    steps: dict[int, list[Step]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: (change.happened_at, change.order.external_id)):
        assert change.order.member_id is not None  # or there would be no change
        after = change.order.counted
        steps[change.order.member_id].append(Step(change.happened_at, change.before, after))
    return steps
