"""Orders become points: the target of an order's present state, less what is already posted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from rewards import (
    clock,
    facts,
    first_awards,
    order_news,
    order_rows,
    order_worth,
    people,
)
from rewards.earning import TooManyPoints
from rewards.facts import Dispute, FetchedOrder, OrderFact, OrderRef
from rewards.first_awards import Catalogue, Fresh, Knowledge, News, Unsure
from rewards.ledger import again_if_overtaken
from rewards.models import Order, Program
from rewards.order_news import key_of
from rewards.order_rows import OpenOrder
from rewards.settlement import Batch, Settled, settle_together

DELETED = "deleted"


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
    known = order_rows.found({program.pk: [key_of(item) for item in news]})
    knowledge = Knowledge.of(program, news, catalogue)
    refs = [(item.fact.source_id, item.fact.customer_id or 0) for item in news]
    opened: list[tuple[OpenOrder, FetchedOrder]] = []
    fresh: list[Fresh] = []
    for told, gone in zip(news, people.forgotten(program, refs), strict=True):
        order = known.get(key_of(told)) or OpenOrder(0, program.pk, *key_of(told))
        item = replace(told, fact=facts.remembering(told.fact, order.facts))
        if not gone and order_news.is_news(order, item):
            order_news.open_gates({key_of(item): order}, [item])
            opened.append((order, item))
            if _begins(program, order, item, knowledge):
                fresh.append(Fresh(order, item))
    with transaction.atomic():
        first_awards.finish(program, fresh, clock.now())
        transaction.set_rollback(True)  # places in budgets aren't taken
    changes = {OrderRef(*key_of(item)): _change_of(program, order, item) for order, item in opened}
    return {ref: points for ref, points in changes.items() if points}


def _begins(program: Program, order: OpenOrder, item: FetchedOrder, known: Knowledge) -> bool:
    try:
        return first_awards.begin(program, order, item, known)
    except Unsure:
        return False  # a product nobody could tell of: it earns when it is settled


def _change_of(program: Program, order: OpenOrder, item: FetchedOrder) -> int:
    try:
        return order_worth.goal(program, order, item.fact).points - order.points if order.context else 0
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
        return order_worth.goal(program, order, facts.remembering(fact, order.facts)).points != order.points
    except TooManyPoints:
        return True
