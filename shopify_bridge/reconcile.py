"""Points equal orders: ask Shopify what changed, and settle what differs from what we know.

Webhooks are delivered at least once, in any order, and sometimes not at all. This finds the lost ones.
https://shopify.dev/docs/apps/build/webhooks/best-practices
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rewards import people
from rewards.models import Order, Program
from rewards.orders import settle_orders
from shopify_bridge import inbox, orders, payloads
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.models import UNKNOWN_PROGRAM, InboxRow, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)
FULL_WINDOW = timedelta(days=60)
"""As far back as Shopify shows orders to an app without `read_all_orders`."""
SETTLING = timedelta(seconds=30)
"""A webhook of the last half minute may still be on its way; its order is no gap yet."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a reconciliation saw: orders looked at, gaps found and healed."""

    looked_at: int = 0
    healed: int = 0


def recent() -> None:
    """Every shop: what changed since the last look, with some overlap."""
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE):
        since = shop.reconcile_watermark or shop.installed_at
        _quietly(shop, max(since - OVERLAP, datetime.now(UTC) - FULL_WINDOW))


def everything() -> None:
    """Every shop: all the orders Shopify shows."""
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE):
        _quietly(shop, datetime.now(UTC) - FULL_WINDOW)


def reconcile(
    shop: Shop, since: datetime, until: datetime | None = None, *, settling: timedelta = SETTLING
) -> Report:
    """Settle every order that changed in this time and isn't known in that state, and enrol new customers.

    `settling`: how long an order is left to its webhooks. Raises TryAgain and NeedsHuman.
    """
    started = datetime.now(UTC)
    program = Program.objects.get(pk=shop.program_id)
    query = f"updated_at:>='{since.isoformat()}'"
    if until is not None:
        query += f" updated_at:<='{until.isoformat()}'"
    looked_at = healed = 0
    for order_id, updated_at in orders.changed(shop, query):
        looked_at += 1
        if updated_at > started - settling or _is_known(shop, order_id, updated_at):
            continue
        found = orders.fetch(shop, order_id)
        if found is not None:
            settle_orders(program, [found])
            healed += 1
            log.warning("order was behind", extra={"shop": shop.domain, "order": order_id})
    enrol_customers(shop, query)
    Shop.objects.filter(pk=shop.pk).update(
        reconciled_at=started,
        reconcile_watermark=started - SETTLING,
        reconcile_report={"looked_at": looked_at, "healed": healed},
    )
    return Report(looked_at, healed)


def enrol_customers(shop: Shop, query: str | None = None) -> int:
    """Make members of the customers a shop has, or of those the query finds; returns how many there are."""
    program = Program.objects.get(pk=shop.program_id)
    client, after, seen = AdminClient(shop), None, 0
    while True:
        page = client.run("customers_changed", {"query": query, "after": after})["customers"]
        joined = {
            (shop.pk, int(node["legacyResourceId"])): payloads.moment(node, "createdAt")
            for node in page["nodes"]
        }
        people.enrol(program, joined)
        seen += len(joined)
        if not page["pageInfo"]["hasNextPage"]:
            return seen
        after = page["pageInfo"]["endCursor"]


def welcome_new_shops() -> None:
    """After an installation: deliveries that came before it are handled, its customers become members."""
    for shop in Shop.objects.filter(state=Shop.State.ACTIVE, customers_enrolled_at=None):
        inbox.replay(InboxRow.objects.filter(program_id=UNKNOWN_PROGRAM, shop_domain=shop.domain))
        try:
            enrol_customers(shop)
        except (TryAgain, NeedsHuman, BadPayload) as problem:
            log.warning("customers wait", extra={"shop": shop.domain, "why": str(problem)})
        else:
            Shop.objects.filter(pk=shop.pk).update(customers_enrolled_at=datetime.now(UTC))


def _is_known(shop: Shop, order_id: int, updated_at: datetime) -> bool:
    return Order.objects.filter(
        program_id=shop.program_id, source_id=shop.pk, external_id=order_id, facts_at__gte=updated_at
    ).exists()


def _quietly(shop: Shop, since: datetime) -> None:
    """One shop that can't be asked doesn't keep the others waiting."""
    try:
        reconcile(shop, since)
    except (TryAgain, NeedsHuman, BadPayload) as problem:
        log.warning("not reconciled", extra={"shop": shop.domain, "why": str(problem)})
