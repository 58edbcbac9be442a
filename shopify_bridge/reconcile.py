"""Points equal orders: ask Shopify what changed, and settle what differs from what we know.

Webhooks are delivered at least once, in any order, and sometimes not at all. This finds the lost ones.
https://shopify.dev/docs/apps/build/webhooks/best-practices
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from shopify_bridge import checks, customers, gaps, inbox, orders
from shopify_bridge.checks import FULL_WINDOW, OVERLAP, SEARCHED_MOST
from shopify_bridge.client import NeedsHuman, TryAgain
from shopify_bridge.gaps import Compared
from shopify_bridge.models import UNKNOWN_PROGRAM, InboxRow, OrderCheck, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
WELCOME_SECONDS = 30.0
A_DAY = timedelta(hours=23)
"""A little less, so that what is asked every hour keeps to its time of the day."""


def recent() -> None:
    """Every shop: what changed since the last look, with some overlap."""
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE):
        _quietly(shop, _recent)


def everything() -> None:
    """Every shop, once a day: all the orders Shopify shows. The checks' own work does it, in steps."""
    now = datetime.now(UTC)
    under_way = OrderCheck.objects.filter(state=OrderCheck.State.WAITING, author="")
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE).exclude(pk__in=under_way.values("shop_id")):
        if checks.begun_lately(shop, now - FULL_WINDOW, now - A_DAY):
            continue
        checks.begin(shop, now - FULL_WINDOW, now, heals=True)


def reconcile(
    shop: Shop,
    since: datetime,
    until: datetime | None = None,
    *,
    author: str = "manage.py",
    watch: Callable[[OrderCheck], None] = lambda check: None,
) -> OrderCheck:
    """Settle every order that changed in this time and isn't known in that state, and enrol new customers.

    Whoever asks wants to see it right now: no order is left to a webhook that may still come, and the
    end is waited for. Raises TryAgain and NeedsHuman when the shop can't be asked.
    """
    until = until or datetime.now(UTC)
    check = checks.begin(shop, since, until, heals=True, author=author, settled=True)
    while check.state == OrderCheck.State.WAITING:
        checks.go_on(check, monotonic() + LOOK_SECONDS)
        check.refresh_from_db()
        watch(check)
        pause = (check.due_at - datetime.now(UTC)).total_seconds()
        if check.state == OrderCheck.State.WAITING and pause > 0:
            sleep(min(pause, LOOK_SECONDS))
    if check.state == OrderCheck.State.STOPPED:
        raise NeedsHuman(check.problem, "stopped")
    return check


def _quietly(shop: Shop, work: Callable[[Shop], object]) -> None:
    """One shop that can't be asked doesn't keep the others waiting."""
    try:
        work(shop)
    except (TryAgain, NeedsHuman, BadPayload) as problem:
        log.warning("not reconciled", extra={"shop": shop.domain, "why": str(problem)})


def _recent(shop: Shop) -> None:
    """What takes longer than a few pages, after an outage, is left to a check of its own."""
    until, compared = checks.horizon(shop), Compared()
    since = max((shop.reconcile_watermark or shop.installed_at) - OVERLAP, until - FULL_WINDOW)
    for page in checks.searched(shop, since, until):
        part = gaps.compare(shop, page, heals=True, by="reconcile")
        compared = Compared(
            compared.looked_at + part.looked_at, compared.found + part.found, compared.healed + part.healed
        )
        if compared.looked_at >= SEARCHED_MOST:
            checks.begin(shop, page[-1].updated_at, until, heals=True)
            break
    search, deadline = orders.changed_between(since, until), monotonic() + LOOK_SECONDS
    if not customers.enrol(shop, search, 0, deadline, lambda _: None):
        checks.begin(shop, since, until, heals=True)
    checks.remember(shop, until, compared)
    Shop.objects.filter(pk=shop.pk).update(reconcile_watermark=until)


def welcome_new_shops() -> None:
    """After an installation: deliveries that came before it are handled, its customers become members."""
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE, customers_enrolled_at=None):
        inbox.replay(InboxRow.objects.filter(program_id=UNKNOWN_PROGRAM, shop_domain=shop.domain))
        _quietly(shop, _enrol_all)


def _enrol_all(shop: Shop) -> None:
    """Goes on, after an accident or a while, with the customer after the last one."""
    row = Shop.objects.filter(pk=shop.pk)
    deadline = monotonic() + WELCOME_SECONDS
    if customers.enrol(shop, "", shop.last_customer, deadline, lambda id: row.update(last_customer=id)):
        row.update(customers_enrolled_at=datetime.now(UTC))
