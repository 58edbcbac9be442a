"""The inbox: deliveries wait here until they are done, or parked with a reason. None is ever lost.

`drain` takes a batch of rows that nobody else holds. Rows that say all are settled in one transaction
with their own end; rows that need a question to Shopify get a lease, the question is asked outside of
any transaction, and a second transaction settles them.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import NamedTuple

from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from rewards.accounts import Overtaken
from rewards.earning import TooManyPoints
from rewards.facts import FetchedOrder, OrderFact, OrderRef
from rewards.ledger import again_if_overtaken
from rewards.models import Program
from rewards.orders import is_gone
from rewards.programs import learn
from rewards.settlement import Batch, settle_in_hand, settle_together
from shopify_bridge import catalogue, inbox_rows, orders, payloads
from shopify_bridge.catalogue import Catalogue
from shopify_bridge.client import NeedsHuman, TryAgain
from shopify_bridge.database import retried
from shopify_bridge.handlers import HANDLERS, READING_ONLY, Delivery, Later, Outcome, order_changed
from shopify_bridge.inbox_rows import Row
from shopify_bridge.models import UNKNOWN_PROGRAM, InboxRow, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

BATCH = 500
STATEMENT_LIMIT = "10s"
"""A statement that takes longer is cut, and tried again with half of the rows."""
SHORT_BODY_BYTES = 64
"""Bodies up to this length, such as an id alone, may be the same in two shops by chance."""
LEASED_ANEW_SECONDS = 5.0
ATTEMPTS_MAX = 8
KEPT = timedelta(days=30)
"""Long enough to know a delivery that Shopify repeats, and to look into what happened."""
# What a row can break in code that didn't expect it. One row set aside must not stop the others; a lost
# database connection or the queue's own time limit isn't the row's doing, and goes up.
DEFECTS = (DataError, IntegrityError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
# They arrive after a shop has left, and still have to be obeyed.
OF_SHOPS_THAT_LEFT = {"app/uninstalled", "customers/data_request", "customers/redact", "shop/redact"}
OF_PRODUCTS = ("products/", "collections/")
OF_ORDERS = ("orders/", "disputes/")
Rows = dict[OrderRef, list[Row]]


class _News(NamedTuple):
    """What a row tells of an order."""

    program: Program
    row: Row
    fact: OrderFact


class Parked(Exception):
    """This row can't be handled; the message says why and what to do."""


def drain(batch: int = BATCH) -> int:
    """Handle what is due until nothing is left; returns the number of rows taken."""
    taken = 0
    while part := drain_batch(batch):
        taken += part
    return taken


def drain_batch(batch: int = BATCH) -> int:
    """Handle one batch; returns the number of rows taken, 0 when nothing is due."""
    rows, unsure = _claim_and_handle(batch)
    leaders = _first_of_each_customer(unsure)
    _ask_and_settle(leaders, unsure)
    if followers := unsure.keys() - set(leaders):
        unsure = _handle_again([row for ref in sorted(followers, key=_place) for row in unsure[ref]])
        _ask_and_settle(list(unsure), unsure)
    return len(rows)


def _place(ref: OrderRef) -> tuple[int, int]:
    return ref.source_id, ref.external_id


def _first_of_each_customer(unsure: Rows) -> list[OrderRef]:
    """Whom to ask about first: where one order of a customer is settled, others often need no question."""
    first: dict[object, tuple[datetime, OrderRef]] = {}
    for ref, rows in unsure.items():
        told = [row for row in rows if HANDLERS[row.topic] is order_changed]
        fact = payloads.order(payloads.parse(told[0].content), ref.source_id) if told else None
        customer = (ref.source_id, fact.customer_id) if fact and fact.customer_id else ref
        moment = fact.processed_at if fact else datetime.max.replace(tzinfo=UTC)
        if customer not in first or (moment, _place(ref)) < (first[customer][0], _place(first[customer][1])):
            first[customer] = (moment, ref)
    return [ref for _, ref in first.values()]


def _ask_and_settle(refs: list[OrderRef], rows: Rows) -> None:
    waiting = list(refs)
    while waiting:
        inbox_rows.lease([row for ref in waiting for row in rows[ref]])
        _settle_told(_ask_some(waiting, rows), rows)


def _ask_some(waiting: list[OrderRef], rows: Rows) -> dict[OrderRef, FetchedOrder]:
    """One order after the other, for some seconds; those asked for wait no longer."""
    told: dict[OrderRef, FetchedOrder] = {}
    began = monotonic()
    while waiting:
        ref = waiting.pop(0)
        if found := _ask(ref, rows[ref]):
            told[ref] = found
        if monotonic() - began > LEASED_ANEW_SECONDS:
            break
    return told


@retried
@transaction.atomic
def _claim_and_handle(batch: int) -> tuple[list[Row], Rows]:
    _limit_statements()
    rows = inbox_rows.claim(batch)
    return rows, _handle_and_lease(rows)


@retried
@transaction.atomic
def _handle_again(rows: list[Row]) -> Rows:
    _limit_statements()
    return _handle_and_lease(rows)


def _limit_statements() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_LIMIT])


def _handle_and_lease(rows: list[Row]) -> Rows:
    unsure = _handle(rows)
    inbox_rows.lease([row for group in unsure.values() for row in group])
    return unsure


def replay(rows: Iterable[InboxRow]) -> int:
    """Let parked rows be handled again, now; returns how many."""
    ids = [row.pk for row in rows]
    for row in InboxRow.objects.filter(pk__in=ids, program_id=UNKNOWN_PROGRAM):
        if shop := Shop.objects.filter(domain=row.shop_domain).first():
            InboxRow.objects.filter(pk=row.pk).update(program_id=shop.program_id, shop_id=shop.pk)
    return InboxRow.objects.filter(pk__in=ids, state=InboxRow.State.PARKED).update(
        state=InboxRow.State.WAITING, attempts=0, due_at=datetime.now(UTC), reason=""
    )


def purge() -> int:
    """Delete what was done long ago; returns how many rows. Parked rows wait for a person."""
    old = InboxRow.objects.filter(state=InboxRow.State.DONE, received_at__lt=datetime.now(UTC) - KEPT)
    return old.delete()[0]


def _handle(rows: list[Row]) -> Rows:
    """Settle what can be settled now; the rest, by order, is for asking."""
    shops = {shop.pk: shop for shop in Shop.objects.filter(pk__in={row.shop_id for row in rows})}
    programs = Program.objects.in_bulk({shop.program_id for shop in shops.values()})
    ask: Rows = defaultdict(list)
    rows = _without_replays(rows)
    for part in _in_turn(rows):
        _handle_part(part, shops, programs, ask)
    return ask


def _in_turn(rows: list[Row]) -> Iterator[list[Row]]:
    """Products first, so that an order sees what was changed before it was made. Orders before people, as the
    locks of their rows are taken everywhere."""
    for topics in (OF_PRODUCTS, OF_ORDERS):
        yield [row for row in rows if row.topic.startswith(topics)]
    yield [row for row in rows if not row.topic.startswith(OF_PRODUCTS + OF_ORDERS)]


def _handle_part(rows: list[Row], shops: dict[int, Shop], programs: dict[int, Program], ask: Rows) -> None:
    news: list[_News] = []
    done: list[Row] = []
    for row in rows:
        try:
            with nullcontext() if HANDLERS.get(row.topic) in READING_ONLY else transaction.atomic():
                outcome = _outcome(row, shops.get(row.shop_id), programs)
        except (BadPayload, Parked) as problem:
            inbox_rows.park([row], str(problem))
        except DEFECTS as problem:
            _trip(row, problem)
        else:
            if isinstance(outcome, OrderFact):
                news.append(_News(programs[shops[row.shop_id].program_id], row, outcome))
            elif isinstance(outcome, Later):
                inbox_rows.wait_until(row, outcome.at)
            elif isinstance(outcome, OrderRef):
                ask[outcome].append(row)
            else:
                done.append(row)
    # In one order everywhere, so that workers with the same programs in hand don't wait in a ring.
    news.sort(key=lambda one: one.program.pk)
    inbox_rows.finish(done + _settle_news(news, ask))


def _outcome(row: Row, shop: Shop | None, programs: dict[int, Program]) -> Outcome:
    if shop is None:
        raise Parked(f"{row.shop_domain or 'This shop'} doesn't have the app. Replay after it is installed.")
    handler = HANDLERS.get(row.topic)
    if handler is None:
        raise Parked(f"Nothing handles the topic {row.topic!r}; remove its subscription.")
    if shop.state == Shop.State.UNINSTALLED and row.topic not in OF_SHOPS_THAT_LEFT:
        return None  # after a reinstallation it is found by reconciliation
    payload = payloads.parse(row.content)
    moment = row.triggered_at or row.received_at
    return handler(
        Delivery(shop, programs[shop.program_id], payload, moment, row.topic, row.received_at, row.due_at)
    )


def _without_replays(rows: list[Row]) -> list[Row]:
    """The same bytes under another shop's name are a replay, and parked: shop and topic aren't signed."""
    replays = [row for row in rows if _is_replay(row)]
    inbox_rows.park(
        replays, "The same content came for another shop before. Somebody may be replaying deliveries."
    )
    return [row for row in rows if not _is_replay(row)]


def _is_replay(row: Row) -> bool:
    return row.is_repeated and bool(row.shop_id) and (row.packed or len(row.body) > SHORT_BODY_BYTES)


def _settle_news(news: list[_News], ask: Rows) -> list[Row]:
    """The rows that are done. A batch that fails, or takes too long, is halved: one row stops no other."""
    if not news:
        return []
    try:
        unsure = _settle_together(news)
    except (*DEFECTS, OperationalError, Overtaken) as problem:
        # Overtaken again and again: others have these orders in hand, and fewer at a time collide less.
        if isinstance(problem, OperationalError) and not isinstance(problem.__cause__, QueryCanceled):
            raise
        if len(news) == 1:
            _trip(news[0].row, problem)
            return []
        middle = len(news) // 2
        return _settle_news(news[:middle], ask) + _settle_news(news[middle:], ask)
    done = []
    for one in news:
        ref = OrderRef(one.fact.source_id, one.fact.external_id)
        if ref in unsure:
            ask[ref].append(one.row)
        else:
            done.append(one.row)
    return done


@again_if_overtaken
@transaction.atomic
def _settle_together(news: list[_News]) -> set[OrderRef]:
    """The orders that are unsure, of news that stands in the order of its programs."""
    learn(one.program for one in news)
    batches = []
    for program, items in groupby(news, key=lambda one: one.program):
        facts = [one.fact for one in items]
        batches.append(Batch(program, facts, catalogue.known(program, facts)))
    return set(settle_in_hand(batches).unsure)


def _ask(ref: OrderRef, rows: list[Row]) -> FetchedOrder | None:
    """The order as it is now; None when nobody can say, and the rows were told so."""
    try:
        found = orders.fetch(Shop.objects.get(pk=ref.source_id), ref.external_id)
    except (TryAgain, NeedsHuman) as problem:
        _put_off(rows, problem)
    except BadPayload as problem:
        inbox_rows.park(rows, f"The order Shopify shows can't be understood: {problem}")
    else:
        if found is None:
            _settle_unseen(ref, rows)
        return found
    return None


def _settle_told(told: dict[OrderRef, FetchedOrder], rows: Rows) -> None:
    """Settle fetched orders and end the rows that asked for them. Where that fails each is tried alone."""
    if not told:
        return
    try:
        parts = _with_products(told, rows)
        _settle_and_finish(parts, [row for part in parts for ref in part.orders for row in rows[ref]])
    except DEFECTS as problem:
        if len(told) > 1:
            for ref, found in told.items():
                _settle_told({ref: found}, rows)
            return
        for row in (row for ref in told for row in rows[ref]):
            _trip(row, problem)


@dataclass(frozen=True, slots=True)
class _Part:
    """Fetched orders of one program, with what its rules ask of their products."""

    program: Program
    orders: dict[OrderRef, FetchedOrder] = field(default_factory=dict)
    products: Catalogue = field(default_factory=dict)


def _with_products(told: dict[OrderRef, FetchedOrder], rows: Rows) -> list[_Part]:
    """By program. An order with a product nobody can tell of now isn't among them: its rows were told so."""
    shops = list(Shop.objects.filter(pk__in={ref.source_id for ref in told}))
    programs = Program.objects.filter(pk__in={shop.program_id for shop in shops}).order_by("pk")
    parts = {program.pk: _Part(program) for program in programs}
    for shop in shops:
        part = parts[shop.program_id]
        orders = {ref: found for ref, found in told.items() if ref.source_id == shop.pk}
        try:
            part.products.update(catalogue.complete(shop, part.program, list(orders.values())))
        except (TryAgain, NeedsHuman) as problem:
            _put_off([row for ref in orders for row in rows[ref]], problem)
        else:
            part.orders.update(orders)
    return [part for part in parts.values() if part.orders]


@retried
@transaction.atomic
def _settle_and_finish(parts: list[_Part], rows: list[Row]) -> None:
    fresh = Program.objects.in_bulk([part.program.pk for part in parts])
    settle_together(
        [Batch(fresh[part.program.pk], list(part.orders.values()), part.products) for part in parts]
    )
    inbox_rows.finish(rows)


def _put_off(rows: Iterable[Row], problem: TryAgain | NeedsHuman) -> None:
    after = problem.after if isinstance(problem, TryAgain) else inbox_rows.LONGEST_PAUSE.total_seconds()
    inbox_rows.put_off(rows, str(problem), after)


def _settle_unseen(ref: OrderRef, rows: list[Row]) -> None:
    """Shopify doesn't show the order: what deliveries said is all we have."""
    if is_gone(rows[0].program_id, ref):
        inbox_rows.finish(rows)
        return
    inbox_rows.park(
        rows,
        "Shopify doesn't show this order to the app: it was deleted, or it is older than 60 days. "
        "Ask Shopify for read_all_orders, then replay.",
    )


def _trip(row: Row, problem: Exception) -> None:
    """Something broke that may be ours: try again some times, then park it with an alarm."""
    if isinstance(problem, TooManyPoints):
        inbox_rows.park([row], str(problem))
        return
    if row.attempts + 1 >= ATTEMPTS_MAX:
        inbox_rows.park([row], f"{type(problem).__name__}: {problem}")
        return
    log.warning(
        "delivery set aside", extra={"row": row.id, "topic": row.topic, "why": type(problem).__name__}
    )
    inbox_rows.put_off([row], f"{type(problem).__name__}: {problem}", None)
