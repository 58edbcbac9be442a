"""Orders from before the program: collected by a bulk operation, counted, posted when the merchant agrees.

Counting and posting read the same file, 500 orders at a time; how far they are stands in the row, so that a
restart goes on there. An order that is known already earns nothing again: its own settlement says so.
"""

import logging
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import monotonic

from django.db import IntegrityError, models, transaction

from rewards.facts import FetchedOrder, OrderRef
from rewards.models import Program
from rewards.orders import forecast
from shopify_bridge import bulk, catalogue, gaps, orders
from shopify_bridge.catalogue import Catalogue
from shopify_bridge.checks import ANEW_SECONDS, RESTARTS_MAX, STEP_SECONDS, TRY_AGAIN_SECONDS
from shopify_bridge.database import alone
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Backfill, BackfillCustomer, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

State = Backfill.State
PART = 500
"""As many as the inbox settles at once. A hundred at a time took a quarter more processor time."""
FILE_KEPT = timedelta(days=6)
"""Shopify keeps the file of a bulk operation for seven days."""


class NotNow(Exception):
    """This can't be done in the state the back-fill is in; the message says why."""


def begin(shop: Shop, since: datetime | None, author: str) -> Backfill:
    """Have the orders since then counted. Raises NotNow while there is another back-fill."""
    try:
        with transaction.atomic():
            return Backfill.objects.create(
                program_id=shop.program_id, shop_id=shop.pk, since=since, author=author
            )
    except IntegrityError as error:
        raise NotNow("Another back-fill is under way.") from error


def confirm(backfill: Backfill, author: str) -> None:
    """Post what was counted. Raises NotNow."""
    if backfill.created_at < datetime.now(UTC) - FILE_KEPT:
        raise NotNow("This preview is too old. Discard it and make a new one.")
    _change(
        backfill,
        (State.READY,),
        State.WORKING,
        confirmed_by=author,
        bulk_offset=0,
        looked_at=0,
        failed=0,
        due_at=datetime.now(UTC),
    )


def stop(backfill: Backfill) -> None:
    """Take a rest; what is posted stays. Raises NotNow."""
    _change(backfill, (State.WORKING,), State.STOPPED, problem="")


def resume(backfill: Backfill) -> None:
    """Go on where it stopped. Raises NotNow."""
    _change(backfill, (State.STOPPED,), State.WORKING, problem="", restarts=0, due_at=datetime.now(UTC))


def cancel(backfill: Backfill) -> None:
    """End it; what is posted stays. Raises NotNow."""
    _change(backfill, Backfill.OPEN, State.CANCELLED, finished_at=datetime.now(UTC))
    _counted(backfill).delete()


def work(seconds: float = STEP_SECONDS) -> None:
    """Go on with what is due."""
    deadline = monotonic() + seconds
    due = Backfill.objects.filter(state=State.WORKING, due_at__lte=datetime.now(UTC))
    for backfill in due.order_by("due_at"):
        go_on(backfill, deadline)


def go_on(backfill: Backfill, deadline: float) -> None:
    """Work until it ends, has to wait, is stopped, or the time is up; nobody else does meanwhile."""
    with alone(f"backfill:{backfill.pk}") as nobody_else:
        backfill.refresh_from_db()
        if not nobody_else or backfill.state != State.WORKING:
            return
        shop = Shop.objects.get(pk=backfill.shop_id)
        try:
            if _through_the_file(shop, backfill, deadline):
                _end(backfill)
        except bulk.Lost as problem:
            _start_anew(shop, backfill, str(problem))
        except TryAgain as problem:
            later = datetime.now(UTC) + timedelta(seconds=problem.after or TRY_AGAIN_SECONDS)
            _note(backfill, due_at=later, problem=str(problem))
        except (NeedsHuman, BadPayload) as problem:
            _note(backfill, state=State.STOPPED, problem=str(problem))
            log.warning("back-fill stopped", extra={"shop": shop.domain, "why": str(problem)})


def _start_anew(shop: Shop, backfill: Backfill, problem: str) -> None:
    """Collect everything once more, but not for ever. What is posted already earns nothing again."""
    if backfill.restarts >= RESTARTS_MAX:
        _note(backfill, state=State.STOPPED, problem=f"{problem}, {RESTARTS_MAX + 1} times in a row")
        log.warning("back-fill stopped", extra={"shop": shop.domain, "why": problem})
        return
    counted = {} if backfill.confirmed_by else {"orders": 0, "points": 0}
    _note(
        backfill,
        bulk_id="",
        bulk_offset=0,
        looked_at=0,
        failed=0,
        **counted,
        restarts=backfill.restarts + 1,
        problem=problem,
        due_at=datetime.now(UTC) + timedelta(seconds=ANEW_SECONDS),
    )


def _through_the_file(shop: Shop, backfill: Backfill, deadline: float) -> bool:
    """Count, or post, part after part; whether all is done."""
    if not backfill.bulk_id:
        since = backfill.since
        _note(backfill, bulk_id=bulk.orders(shop, f"created_at:>='{since.isoformat()}'" if since else ""))
    answer = bulk.answer(shop, backfill.bulk_id)
    _note(backfill, expected=answer.count, problem="")
    if answer.url is None:
        return True
    program = Program.objects.get(pk=shop.program_id)
    found = bulk.read(answer.url, backfill.bulk_offset)
    while part := list(islice(found, PART)):
        states, failed = _readable(shop, part)
        products = catalogue.complete(shop, program, states, spare=orders.spare_for_news)
        with transaction.atomic():
            if backfill.confirmed_by:
                failed += _post(program, states, products)
            else:
                _count(program, backfill, states, products)
            backfill.failed += failed
            backfill.looked_at += len(part)
            if not _note(
                backfill,
                bulk_offset=part[-1].end,
                looked_at=backfill.looked_at,
                failed=backfill.failed,
                orders=backfill.orders,
                points=backfill.points,
            ):
                return False  # stopped meanwhile, after this part
        if monotonic() > deadline:
            return False
    return True


def _readable(shop: Shop, part: list[bulk.Found]) -> tuple[list[FetchedOrder], int]:
    states = []
    for one in part:
        try:
            states.append(orders.of_bulk(one.node, shop))
        except (BadPayload, LookupError, TypeError) as problem:
            log.warning("order can't be read", extra={"shop": shop.domain, "why": type(problem).__name__})
    return states, len(part) - len(states)


def _post(program: Program, states: list[FetchedOrder], products: Catalogue) -> int:
    problems = gaps.settle(program, states, products)
    for external_id, why in problems.items():
        log.warning("order can't be settled", extra={"order": external_id, "why": why})
    return len(problems)


def _count(program: Program, backfill: Backfill, states: list[FetchedOrder], products: Catalogue) -> None:
    changes = forecast(program, states, catalogue=products)
    backfill.orders += len(changes)
    backfill.points += sum(changes.values())
    earning = {
        state.fact.customer_id
        for state in states
        if OrderRef(state.fact.source_id, state.fact.external_id) in changes
    }
    BackfillCustomer.objects.bulk_create(
        [
            BackfillCustomer(program_id=program.pk, backfill=backfill, customer_id=customer)
            for customer in earning
            if customer is not None
        ],
        ignore_conflicts=True,
    )


def _end(backfill: Backfill) -> None:
    if backfill.confirmed_by:
        _note(backfill, state=State.DONE, finished_at=datetime.now(UTC))
        return
    customers = _counted(backfill)
    _note(backfill, state=State.READY, members=customers.count())
    customers.delete()


def _counted(backfill: Backfill) -> "models.QuerySet[BackfillCustomer]":
    return BackfillCustomer.objects.filter(program_id=backfill.program_id, backfill=backfill)


def _note(backfill: Backfill, **values: object) -> bool:
    """Save how far it is; whether it is still to go on. Who stopped it meanwhile isn't overruled."""
    kept = {name: value for name, value in values.items() if name != "state"}
    row = Backfill.objects.filter(program_id=backfill.program_id, pk=backfill.pk)
    going = row.filter(state=State.WORKING).update(**values)
    if not going:
        row.update(**kept)
    backfill.refresh_from_db()
    return bool(going)


def _change(backfill: Backfill, before: tuple[str, ...], after: str, **values: object) -> None:
    row = Backfill.objects.filter(program_id=backfill.program_id, pk=backfill.pk)
    if not row.filter(state__in=before).update(state=after, **values):
        raise NotNow("Somebody else has changed it meanwhile. Reload the page.")
    backfill.refresh_from_db()
