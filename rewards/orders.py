"""Orders become points: the target of an order's present state, less what is already posted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from rewards import (
    challenges,
    clock,
    dates,
    earning,
    facts,
    first_awards,
    gift_reviews,
    order_rows,
    people,
    programs,
    promotions,
    redemptions,
    referrals,
    tier_grants,
    tiers,
)
from rewards.contexts import Context
from rewards.earning import Rules, TooManyPoints
from rewards.facts import Dispute, FetchedOrder, OrderFact, OrderRef
from rewards.first_awards import Catalogue, Fresh, Knowledge, News, Unsure
from rewards.ledger import Book, again_if_overtaken, reverse
from rewards.ledger_rows import ids_at_hand
from rewards.lifetimes import Policy
from rewards.models import Order, Program
from rewards.order_rows import Key, OpenOrder
from rewards.referrals import First
from rewards.tier_reviews import Step
from rewards.tier_settings import Counted

DELETED = "deleted"


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


def settle_orders(
    program: Program, news: Sequence[News], *, catalogue: Catalogue | None = None, now: datetime | None = None
) -> Settled:
    """Make the points of these orders right, in one transaction (or the caller's).

    Any number of orders, any number of states of each, in any order: the newest state wins, an older
    one changes nothing but that it opens a gate, and settling the same twice posts nothing.
    """
    fresh = Program.objects.get(pk=program.pk)
    return settle_together([Batch(fresh, news, catalogue or {})], now=now)


@again_if_overtaken
@transaction.atomic
def settle_together(batches: Sequence[Batch], *, now: datetime | None = None) -> Settled:
    """The same for several programs: all of them, or none where one fails.

    In the order of the programs' ids, so that two who do this don't wait for each other in a ring.
    """
    now = now or clock.now()
    order_rows.plan_for_growth()
    with ids_at_hand(sum(len(batch.news) for batch in batches)):
        ordered = sorted(batches, key=lambda batch: batch.program.pk)
        unsure = {key for batch in ordered for key in _settle(batch, now)}
    return Settled(tuple(OrderRef(*key) for key in sorted(unsure)))


@again_if_overtaken
@transaction.atomic
def settle_deleted(program: Program, ref: OrderRef, at: datetime, *, now: datetime | None = None) -> None:
    """The order was deleted in the shop: as if cancelled. What was before and comes late is old news."""
    order = order_rows.locked_or_made(program.pk, (ref.source_id, ref.external_id))
    if order.facts is None:
        Order.objects.filter(program=program, pk=order.id).update(facts_at=at, blocked=DELETED)
        return
    fact = replace(facts.from_data(order.facts), cancelled=True)
    settle_orders(program, [FetchedOrder(replace(fact, updated_at=max(fact.updated_at, at)))], now=now)


def is_gone(program_id: int, ref: OrderRef) -> bool:
    """Whether nothing more is to be learnt of an order: it was cancelled, or deleted."""
    gone = Q(facts__cancelled=True) | Q(blocked=DELETED)
    refs = {"source_id": ref.source_id, "external_id": ref.external_id}
    return Order.objects.filter(gone, program_id=program_id, **refs).exists()


@again_if_overtaken
@transaction.atomic
def settle_dispute(
    program: Program, ref: OrderRef, dispute: Dispute, *, now: datetime | None = None
) -> Settled:
    """What a bank takes back counts as refunded, from whenever we hear of it, and for every later state."""
    order = order_rows.locked_or_made(program.pk, (ref.source_id, ref.external_id))
    known = order.disputes.get(str(dispute.id))
    if known and _is_older(dispute, known):
        return Settled()
    order.disputes[str(dispute.id)] = {
        "amount": dispute.amount,
        "currency": dispute.currency,
        "lost": dispute.lost,
        "final": dispute.final,
        "at": dispute.at.isoformat(),
    }
    Order.objects.filter(program=program, pk=order.id).update(disputes=order.disputes)
    return settle_orders(program, [facts.from_data(order.facts)], now=now) if order.facts else Settled()


def _is_older(dispute: Dispute, known: dict[str, Any]) -> bool:
    """Of the same second, what ended comes last."""
    return (dispute.at, dispute.final) < (datetime.fromisoformat(known["at"]), known["final"])


def knows_refund(program: Program, ref: OrderRef, refund_id: int) -> bool:
    """Whether the state that is known of the order takes this refund into account."""
    return Order.objects.filter(
        program=program,
        source_id=ref.source_id,
        external_id=ref.external_id,
        facts__refunds__contains=refund_id,
    ).exists()


def forecast(
    program: Program, news: Sequence[FetchedOrder], *, catalogue: Catalogue | None = None
) -> dict[OrderRef, int]:
    """What settling these orders would change, by the code that settles. Nothing is saved."""
    known = order_rows.found(program.pk, [_key(item) for item in news])
    knowledge = Knowledge.of(program, news, catalogue)
    refs = [(item.fact.source_id, item.fact.customer_id or 0) for item in news]
    opened: list[tuple[OpenOrder, FetchedOrder]] = []
    fresh: list[Fresh] = []
    for told, gone in zip(news, people.forgotten(program, refs), strict=True):
        order = known.get(_key(told)) or OpenOrder(0, *_key(told))
        item = replace(told, fact=facts.remembering(told.fact, order.facts))
        if not gone and _is_news(order, item):
            _open_gates({_key(item): order}, [item])
            opened.append((order, item))
            if _begins(program, order, item, knowledge):
                fresh.append(Fresh(order, item))
    with transaction.atomic():
        first_awards.finish(program, fresh, clock.now())
        transaction.set_rollback(True)  # places in budgets aren't taken
    changes = {OrderRef(*_key(item)): _change_of(program, order, item) for order, item in opened}
    return {ref: points for ref, points in changes.items() if points}


def _begins(program: Program, order: OpenOrder, item: FetchedOrder, known: Knowledge) -> bool:
    try:
        return first_awards.begin(program, order, item, known)
    except Unsure:
        return False  # a product nobody could tell of: it earns when it is settled


def _change_of(program: Program, order: OpenOrder, item: FetchedOrder) -> int:
    try:
        return _goal(program, order, item.fact).points - order.points if order.context else 0
    except TooManyPoints:
        return 0  # it would be refused


def deserves_other_points(program: Program, order: Order | OpenOrder, fact: OrderFact) -> bool:
    """Whether the points of an order aren't those its state earns by the rules of its first award.

    Nor are they when it was paid and nobody told of it: a state of the same moment that a delivery told of
    may not say so, as when an edit made the order dearer.
    """
    if fact.paid and order.paid_at is None:
        return True
    if order.context is None or order.member_id is None:
        return False
    try:
        return _goal(program, order, facts.remembering(fact, order.facts)).points != order.points
    except TooManyPoints:
        return True


def _newest(news: Iterable[News]) -> tuple[dict[Key, News], set[Key]]:
    """One state per order; two states of one moment that differ are no knowledge, unless one was fetched."""
    newest: dict[Key, News] = {}
    unsure: set[Key] = set()
    for item in news:
        fact, key = _fact(item), _key(item)
        known = newest.get(key)
        if known is None or _supersedes(item, known):
            newest[key] = item
            unsure.discard(key)
        elif (
            not isinstance(known, FetchedOrder)
            and _fact(known).updated_at == fact.updated_at
            and known != item
        ):
            unsure.add(key)
    return {key: item for key, item in newest.items() if key not in unsure}, unsure


def _supersedes(item: News, known: News) -> bool:
    ours, theirs = _fact(item), _fact(known)
    if ours.updated_at == theirs.updated_at:
        return isinstance(item, FetchedOrder)
    return ours.updated_at > theirs.updated_at


def _settle(batch: Batch, now: datetime) -> set[Key]:
    program, news = batch.program, batch.news
    newest, unsure = _newest(news)
    orders = order_rows.locked(program.pk, sorted({_key(item) for item in news}))
    opened = _open_gates(orders, news)
    awaited = referrals.awaited(program, [_fact(item) for item in newest.values()])
    known = Knowledge.of(program, newest.values(), batch.catalogue, awaited)
    accepted, fresh, doubtful = _accept(program, orders, newest, opened, known)
    unsure |= doubtful
    # Of orders that aren't settled now: the state in doubt is fetched, what opened stays open.
    kept = [orders[key] for key in sorted(opened - {_key(item) for _, item in accepted})]
    if not accepted:
        order_rows.save(program.pk, kept)
        return unsure
    joined, new = _link_members(program, accepted)
    _leave_out_the_forgotten(program, [order for order, _ in accepted if order not in joined])
    # What an order had before may be taken back, from members whose lots are read with their locks.
    changes = list(_changes(program, [pair for pair in accepted if pair[0] not in fresh]))
    awarded = [Fresh(*pair) for pair in accepted if pair[0] in fresh and pair[0].member_id is not None]
    carried = redemptions.carried_by(program.pk, [_fact(item) for _, item in accepted])
    book = _book(program, joined | {one.order for one in awarded}, changes, carried, new, now)
    first_awards.finish(program, awarded, now)
    changes += _changes(program, [(one.order, one.item) for one in awarded])
    for change in changes:
        _post(book, program, change)
        _count(program, change)
    order_rows.save(program.pk, [*kept, *(order for order, _ in accepted)])
    settled = [(order, _fact(item)) for order, item in accepted]
    states = [(order.id, fact) for order, fact in settled]
    redemptions.note_orders(book, carried, states)
    promotions.note_orders(program.pk, states)
    referrals.note_orders(program, _first(program, awarded, now), settled, now)
    challenges.review(book, program, _members(order for order, _ in accepted))
    gift_reviews.review(book, program, [order for order, _ in accepted])
    tier_grants.note(program, [(change.order, change.fact) for change in changes])
    happened_to = _members(change.order for change in changes) | new.keys()
    tiers.review(book, program, happened_to, now, lambda: _steps(changes))
    book.write()
    return unsure


def _accept(
    program: Program,
    orders: dict[Key, OpenOrder],
    newest: dict[Key, News],
    opened: set[Key],
    known: Knowledge,
) -> tuple[list[tuple[OpenOrder, News]], set[OpenOrder], set[Key]]:
    """The orders whose state changes now, with what is told of them; of these, whose first award it is;
    and those to be asked about."""
    accepted: list[tuple[OpenOrder, News]] = []
    fresh: set[OpenOrder] = set()
    unsure: set[Key] = set()
    for key, told in newest.items():
        order = orders[key]
        item = _remembering(told, order)
        try:
            is_news = _is_news(order, item)
            if not is_news:
                if key not in opened or not order.facts:
                    continue
                item = facts.from_data(order.facts)
            if first_awards.begin(program, order, item, known):
                fresh.add(order)
        except Unsure:
            unsure.add(key)
            continue
        if is_news:
            order.facts, order.facts_at = facts.as_data(_fact(item)), _fact(item).updated_at
        accepted.append((order, item))
    return accepted, fresh, unsure


def _remembering(item: News, order: OpenOrder) -> News:
    if isinstance(item, FetchedOrder):
        return replace(item, fact=facts.remembering(item.fact, order.facts))
    return facts.remembering(item, order.facts)


def _is_news(order: OpenOrder, item: News) -> bool:
    """Deliveries come twice, late and in any order; their moment has a resolution of one second.

    Older than what is stored is ignored. Equal with another content is nothing to decide on: fetch.
    """
    fact = _fact(item)
    if order.facts_at is None or fact.updated_at > order.facts_at:
        return True
    if fact.updated_at < order.facts_at:
        return False
    if isinstance(item, FetchedOrder) or facts.as_data(fact) == order.facts:
        return True
    raise Unsure


def _open_gates(orders: dict[Key, OpenOrder], news: Sequence[News]) -> set[Key]:
    """Having once been paid, or fulfilled, counts for good: old news says so too. Returns whose opened."""
    opened: set[Key] = set()
    for item in sorted(news, key=lambda item: _fact(item).updated_at):
        fact, order = _fact(item), orders[_key(item)]
        fetched = item if isinstance(item, FetchedOrder) else FetchedOrder(fact)
        before = (order.paid_at, order.fulfilled_at)
        # What was fetched knows the moment; what a delivery says of it is a guess.
        if (fact.paid and order.paid_at is None) or (
            order.paid_at and fetched.paid_at and order.context is None
        ):
            order.paid_at = fetched.paid_at or fact.processed_at
        if (fact.fulfilled and order.fulfilled_at is None) or (
            order.fulfilled_at and fetched.fulfilled_at and order.context is None
        ):
            order.fulfilled_at = fetched.fulfilled_at or fact.updated_at
        if before != (order.paid_at, order.fulfilled_at):
            opened.add(_key(item))
    return opened


def _leave_out_the_forgotten(program: Program, orders: list[OpenOrder]) -> None:
    """What is kept of an order doesn't name who asked to be forgotten."""
    named = [order for order in orders if order.facts and order.facts["customer_id"]]
    refs = [(order.source_id, order.facts["customer_id"]) for order in named if order.facts]
    for order, gone in zip(named, people.forgotten(program, refs), strict=True):
        if gone and order.facts:
            order.facts["customer_id"] = None
            order.context = order.context and {**order.context, "tags": []}


def _link_members(
    program: Program, accepted: list[tuple[OpenOrder, News]]
) -> tuple[set[OpenOrder], dict[int, datetime]]:
    """Find or make the members of orders that have none yet. Returns those orders, and the new members."""
    strangers = {
        (order.source_id, fact.customer_id): fact.processed_at
        for order, item in accepted
        if (fact := _fact(item)).customer_id is not None and order.member_id is None and not fact.test
    }
    found, new = people.resolve(program, strangers)
    joined = set()
    for order, item in accepted:
        customer_id = _fact(item).customer_id
        if order.member_id is None and customer_id is not None:
            order.member_id = found.get((order.source_id, customer_id))
            if order.member_id is not None:
                joined.add(order)
    return joined, new


def _changes(program: Program, accepted: list[tuple[OpenOrder, News]]) -> Iterator[_Change]:
    for order, item in accepted:
        if order.context is not None and order.member_id is not None:
            fact = _fact(item)
            goal = _goal(program, order, fact)
            change = _Change(order, fact, goal, _happened_at(program, order, fact, goal), order.counted)
            if change.points or change.counts_otherwise or tier_grants.bought(program, order, fact):
                yield change


def _book(
    program: Program,
    joined: set[OpenOrder],
    changes: list[_Change],
    carried: dict[int, int],
    new: dict[int, datetime],
    now: datetime,
) -> Book:
    """Open the accounts of who gets a new order, or other points; with lots only where some are taken.

    The lock on a member makes sure that nobody is merged away while an order is linked to them.
    """
    reversals = [change.order for change in changes if change.points < 0]
    takers = _members(reversals) | set(carried.values())
    book = Book.open(
        program.pk,
        takers | _members(joined) | _members(change.order for change in changes) | new.keys(),
        now=now,
        spenders=takers,
        order_ids=[order.id for order in reversals],
        redemption_ids=carried,
    )
    book.policy = Policy.of(program)
    people.welcome(book, program, new)
    return book


def _members(orders: Iterable[OpenOrder]) -> set[int]:
    return {order.member_id for order in orders if order.member_id is not None}


def _post(book: Book, program: Program, change: _Change) -> None:
    if not change.points:
        return
    order, fact, happened_at = change.order, change.fact, change.happened_at
    assert order.member_id is not None  # or there would be no change
    rules = _rules(program, order, fact)
    posting = book.posting(
        order.member_id,
        f"order:{order.id}:{order.settlements}",
        "order" if change.points > 0 else "refund",
        {**change.goal.explanation, "order": fact.name or str(order.external_id), "before": order.points},
        happened_at,
        order_id=order.id,
    )
    if change.points > 0:
        available_at = _available_at(happened_at, rules, program, book.now)
        posting.award(change.points, "order", available_at=available_at)
    else:
        reverse(posting, -change.points, book.lots_of(order.id), forgive=rules.forgive_debt)
    order.settlements += 1
    order.points = change.goal.points


def _count(program: Program, change: _Change) -> None:
    """What the order counts for on the way to a tier, from the day of its first award, now and later."""
    order = change.order
    order.spend = change.goal.basis
    if order.counts_on is None:
        rules = _rules(program, order, change.fact)
        order.counts_on = dates.local_date(_moment(order, rules), ZoneInfo(program.timezone))
        order.firm_on = order.counts_on + timedelta(days=rules.hold_days)


def _steps(changes: Iterable[_Change]) -> dict[int, list[Step]]:
    """What happened to each member on the way to a tier."""
    steps: dict[int, list[Step]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: (change.happened_at, change.order.external_id)):
        assert change.order.member_id is not None  # or there would be no change
        after = change.order.counted
        steps[change.order.member_id].append(Step(change.happened_at, change.before, after))
    return steps


def _first(program: Program, awarded: Iterable[Fresh], now: datetime) -> Iterator[First]:
    """Orders whose first award this was, with the end of their holds."""
    for one in awarded:
        rules = _rules(program, one.order, one.fact)
        yield First(one, _available_at(_moment(one.order, rules), rules, program, now))


def _rules(program: Program, order: Order | OpenOrder, fact: OrderFact) -> Rules:
    """Those of its first award."""
    assert order.context is not None  # who asks has looked
    return programs.rules(program, order.context["version"], fact.currency)


def _goal(program: Program, order: Order | OpenOrder, fact: OrderFact) -> earning.Target:
    """What an order deserves, by the rules of its first award. Raises TooManyPoints."""
    rules = _rules(program, order, fact)
    assert order.context is not None  # who asks has looked
    lost = sum(dispute["amount"] for dispute in order.disputes.values() if dispute["lost"])
    return earning.target(fact, rules, Context.of(order.context), charged_back=lost)


def _happened_at(program: Program, order: OpenOrder, fact: OrderFact, goal: earning.Target) -> datetime:
    """A first award is dated back to the payment; what changes it later is dated by the news."""
    if order.settlements == 0 and (order.counts_on is None or goal.points):
        return _moment(order, _rules(program, order, fact))
    return _changed_at(order, fact)


def _moment(order: OpenOrder, rules: Rules) -> datetime:
    assert order.paid_at is not None  # the context is only given when the gates are open
    if rules.award_on == "fulfilled" and order.fulfilled_at is not None:
        return max(order.paid_at, order.fulfilled_at)  # what is paid on delivery earns at the payment
    return order.paid_at


def _changed_at(order: OpenOrder, fact: OrderFact) -> datetime:
    return max([fact.updated_at, *(datetime.fromisoformat(one["at"]) for one in order.disputes.values())])


def _available_at(moment: datetime, rules: Rules, program: Program, now: datetime) -> datetime:
    """When points of this moment can be spent: at once, or at the start of the local day the hold ends."""
    if not rules.hold_days:
        return min(moment, now)  # the shop's clock may be ahead of ours
    zone = ZoneInfo(program.timezone)
    return dates.start_of_day(dates.local_date(moment, zone) + timedelta(days=rules.hold_days), zone)


def _key(item: News) -> Key:
    fact = _fact(item)
    return fact.source_id, fact.external_id


def _fact(item: News) -> OrderFact:
    return item.fact if isinstance(item, FetchedOrder) else item
