"""Checks of a shop's orders over some time, in steps: whoever comes next goes on where the last one stopped.

Few orders are searched page by page, many are collected by a bulk operation. What counts stands in the
check's row, so that a restart loses a page at most.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import monotonic

from rewards.models import Program
from shopify_bridge import bulk, customers, gaps, orders, payloads
from shopify_bridge.database import alone
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.gaps import Compared, Seen
from shopify_bridge.models import Gap, InboxRow, OrderCheck, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

Stage = OrderCheck.Stage

OVERLAP = timedelta(minutes=10)
"""So much of what was looked at before is looked at again: clocks and searches aren't that exact."""
SETTLING = timedelta(seconds=30)
"""A webhook of the last half minute may still be on its way; its order is no gap yet."""
FULL_WINDOW = timedelta(days=60)
"""As far back as Shopify shows orders to an app without `read_all_orders`."""
SEARCHED_MOST = 2_000
"""More orders than this are asked for in bulk. (A search ends at 25,000.)"""
PAGE = 100
STEP_SECONDS = 45.0
KEPT = timedelta(days=90)
TRY_AGAIN_SECONDS = 10.0
RESTARTS_MAX = 3
ANEW_SECONDS = 60.0
"""A bulk operation whose result is lost is started again, so often and so much later."""


def begin(
    shop: Shop,
    since: datetime,
    until: datetime,
    *,
    heals: bool,
    author: str = "",
    settled: bool = False,
) -> OrderCheck:
    """Have the orders that changed in this time compared, by whoever works next.

    What last changed before the program began is no gap: that is for a back-fill to bring in.
    `settled`: what changed just now counts too, though its news may still be on its way.
    """
    began = Program.objects.values_list("created_at", flat=True).get(pk=shop.program_id)
    return OrderCheck.objects.create(
        program_id=shop.program_id,
        shop_id=shop.pk,
        since=max(since, began - OVERLAP),
        until=until if settled else min(until, horizon(shop)),
        heals=heals,
        author=author,
    )


def begun_lately(shop: Shop, since: datetime, after: datetime) -> bool:
    """Whether the app itself has begun to look at everything from `since` on, after this moment."""
    began = Program.objects.values_list("created_at", flat=True).get(pk=shop.program_id)
    own = OrderCheck.objects.filter(program_id=shop.program_id, shop_id=shop.pk, author="")
    return (
        own.filter(created_at__gt=after, since__lt=max(since, began))
        .exclude(state=OrderCheck.State.STOPPED)
        .exists()
    )


def horizon(shop: Shop) -> datetime:
    """Up to when news should have been handled: what waits untouched in the inbox is no gap yet."""
    waiting = InboxRow.objects.filter(
        state=InboxRow.State.WAITING, attempts=0, program_id=shop.program_id, shop_id=shop.pk
    )
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    now = datetime.now(UTC)
    return min(oldest or now, now) - SETTLING


def work(seconds: float = STEP_SECONDS) -> None:
    """Go on with the checks and repairs that are due."""
    deadline = monotonic() + seconds
    due = OrderCheck.objects.filter(state=OrderCheck.State.WAITING, due_at__lte=datetime.now(UTC))
    for check in due.order_by("due_at"):
        go_on(check, deadline)
    _repair_asked(deadline)


def go_on(check: OrderCheck, deadline: float) -> None:
    """Work on a check until it ends, has to wait, or the time is up; nobody else does meanwhile."""
    with alone(f"check:{check.pk}") as nobody_else:
        check.refresh_from_db()
        if not nobody_else or check.state != OrderCheck.State.WAITING:
            return
        shop = Shop.objects.get(pk=check.shop_id)
        try:
            if _through_the_stages(shop, check, deadline):
                _end(shop, check)
        except bulk.Lost as problem:
            _start_anew(shop, check, str(problem))
        except TryAgain as problem:
            check.due_at = datetime.now(UTC) + timedelta(seconds=problem.after or TRY_AGAIN_SECONDS)
            check.problem = str(problem)
            check.save()
        except (NeedsHuman, BadPayload) as problem:
            _stop(shop, check, str(problem))


def purge() -> int:
    """Delete checks and closed gaps of long ago; returns how many."""
    old = datetime.now(UTC) - KEPT
    checks = OrderCheck.objects.filter(finished_at__lt=old).delete()[0]
    return checks + Gap.objects.filter(healed_at__lt=old).delete()[0]


def searched(shop: Shop, since: datetime, until: datetime) -> Iterator[list[Seen]]:
    """The orders that changed in this time, oldest change first, in pages."""
    found = orders.changed(shop, orders.changed_between(since, until))
    while page := [Seen(*one) for one in islice(found, PAGE)]:
        yield page


def _through_the_stages(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    """Whether all is looked at."""
    stages: list[tuple[str, Callable[[Shop, OrderCheck, float], bool]]] = [
        (Stage.SHOWN, _compare_all),
        (Stage.KNOWN, _ask_for_known),
        (Stage.CUSTOMERS, _enrol),
    ]
    for (stage, work), following in zip(stages, [*(s for s, _ in stages[1:]), Stage.END], strict=True):
        if check.stage == stage:
            if not work(shop, check, deadline):
                return False
            check.stage = following
            check.save()
    return True


def _compare_all(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    """Whether all is compared."""
    if check.since >= check.until:
        return True
    if check.expected is None:
        search = orders.changed_between(check.since, check.until)
        check.expected = orders.number(shop, search, SEARCHED_MOST + 1)
        if check.expected > SEARCHED_MOST:
            check.bulk_id = bulk.orders(shop, search)
        check.save()
    return _collected(shop, check, deadline) if check.bulk_id else _paged(shop, check, deadline)


def _paged(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    for page in searched(shop, check.reached_at or check.since, check.until):
        _compare(shop, check, page)
        check.reached_at = page[-1].updated_at
        check.save()
        if len(page) < PAGE:
            return True
        if monotonic() > deadline:
            return False
    return True


def _collected(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    answer = bulk.answer(shop, check.bulk_id)
    check.expected = answer.count
    if answer.url is None:
        return True
    found = bulk.read(answer.url, check.bulk_offset)
    while part := list(islice(found, PAGE)):
        _compare(shop, check, [_seen(one.node, shop) for one in part])
        check.bulk_offset = part[-1].end
        check.save()
        if monotonic() > deadline:
            return False
    return True


def _ask_for_known(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    """Orders that count here and of whose deletion nobody told."""
    while part := gaps.counting(shop, check.since, check.until, check.last_order):
        _count(check, gaps.compare_known(shop, part, heals=check.heals, by=check.author or "reconcile"))
        check.last_order = part[-1].external_id
        check.save()
        if monotonic() > deadline:
            return False
    return True


def _enrol(shop: Shop, check: OrderCheck, deadline: float) -> bool:
    def reached(id: int) -> None:
        check.last_customer, check.problem = id, ""
        check.save()

    search = orders.changed_between(check.since, check.until)
    return not check.heals or customers.enrol(shop, search, check.last_customer, deadline, reached)


def _compare(shop: Shop, check: OrderCheck, page: list[Seen]) -> None:
    # By its author's name where a person asked for it, else the app's own.
    compared = gaps.compare(shop, page, heals=check.heals, by=check.author or "reconcile")
    check.looked_at += compared.looked_at
    _count(check, compared)


def _count(check: OrderCheck, compared: Compared) -> None:
    check.found += compared.found
    check.healed += compared.healed
    check.problem = ""


def _seen(node: bulk.Json, shop: Shop) -> Seen:
    external_id, updated_at = payloads.gid_number(node.get("id")), payloads.moment(node, "updatedAt")
    name = payloads.printable(node.get("name"))[:60]
    try:
        return Seen(external_id, name, updated_at, orders.of_bulk(node, shop))
    except (BadPayload, LookupError, TypeError):
        # Compared by its moment, and fetched alone if that differs.
        return Seen(external_id, name, updated_at)


def _start_anew(shop: Shop, check: OrderCheck, problem: str) -> None:
    """Collect the orders once more, but not for ever. What is healed already is found as it should be."""
    if check.restarts >= RESTARTS_MAX:
        _stop(shop, check, f"{problem}, {RESTARTS_MAX + 1} times in a row")
        return
    check.restarts += 1
    check.expected, check.bulk_id, check.bulk_offset, check.looked_at = None, "", 0, 0
    check.due_at = datetime.now(UTC) + timedelta(seconds=ANEW_SECONDS)
    check.problem = problem
    check.save()


def _stop(shop: Shop, check: OrderCheck, problem: str) -> None:
    check.state, check.finished_at, check.problem = OrderCheck.State.STOPPED, datetime.now(UTC), problem
    check.save()
    log.warning("check stopped", extra={"shop": shop.domain, "why": problem})


def _end(shop: Shop, check: OrderCheck) -> None:
    check.state, check.finished_at, check.problem = OrderCheck.State.DONE, datetime.now(UTC), ""
    check.save()
    if check.heals:
        remember(shop, check.created_at, Compared(check.looked_at, check.found, check.healed))


def remember(shop: Shop, at: datetime, compared: Compared) -> None:
    """What the panel's first page says of the last comparison."""
    report = {"looked_at": compared.looked_at, "found": compared.found, "healed": compared.healed}
    Shop.objects.filter(pk=shop.pk).update(reconciled_at=at, reconcile_report=report)


def _repair_asked(deadline: float) -> None:
    for gap in Gap.objects.filter(healed_at=None).exclude(asked_by="").order_by("pk"):
        if monotonic() > deadline:
            return
        shop = Shop.objects.get(pk=gap.shop_id)
        try:
            gaps.repair(shop, gap, gap.asked_by)
        except TryAgain as problem:
            _note(gap, problem=str(problem))
        except NeedsHuman as problem:
            _note(gap, problem=str(problem), asked_by="")


def _note(gap: Gap, **values: str) -> None:
    Gap.objects.filter(program_id=gap.program_id, pk=gap.pk).update(**values)
