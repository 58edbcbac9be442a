"""Orders asked for at Shopify."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rewards.facts import FetchedOrder
from shopify_bridge import catalogue, payloads
from shopify_bridge.client import AdminClient
from shopify_bridge.models import InboxRow, Shop


def fetch(shop: Shop, external_id: int, *, within: float = 10.0, spare: float = 0.0) -> FetchedOrder | None:
    """The order as it is now; None when Shopify doesn't show it (deleted, or older than 60 days)."""
    client = AdminClient(shop, spare=spare)
    variables: dict[str, Any] = {
        "id": f"gid://shopify/Order/{external_id}",
        "after": None,
        "products": catalogue.may_read(shop),
    }
    node = client.run("order", variables, within=within)["order"]
    if node is None:
        return None
    page = node["lineItems"]["pageInfo"]
    while page["hasNextPage"]:
        more = client.run("order", {**variables, "after": page["endCursor"]}, within=within)["order"]
        if more is None or more["updatedAt"] != node["updatedAt"]:
            return fetch(shop, external_id, within=within, spare=spare)  # it changed while we were reading
        node["lineItems"]["nodes"] += more["lineItems"]["nodes"]
        page = more["lineItems"]["pageInfo"]
    return payloads.fetched_order(node, shop.pk)


def changed(shop: Shop, search: str) -> Iterator[tuple[int, str, datetime]]:
    """(order id, name, updated at) of the orders that a search finds, oldest change first."""
    after = None
    while True:
        client = AdminClient(shop, spare=spare_for_news(shop))
        page = client.run("orders_changed", {"query": search, "after": after})["orders"]
        for node in page["nodes"]:
            name = payloads.printable(node["name"])[:60]
            yield int(node["legacyResourceId"]), name, payloads.moment(node, "updatedAt")
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def number(shop: Shop, search: str, limit: int) -> int:
    """How many orders a search finds; above the limit, the limit."""
    client = AdminClient(shop, spare=spare_for_news(shop))
    counted = client.run("orders_count", {"query": search, "limit": limit})["ordersCount"]
    return int(counted["count"]) if counted else 0


def absent(shop: Shop, external_ids: Sequence[int]) -> set[int]:
    """Which of these the shop doesn't show: they were deleted, or are too old to be shown."""
    client = AdminClient(shop, spare=spare_for_news(shop))
    ids = [f"gid://shopify/Order/{external_id}" for external_id in external_ids]
    found = client.run("orders_there", {"ids": ids})
    return set(external_ids) - {payloads.gid_number(node["id"]) for node in found["nodes"] if node}


def oldest(shop: Shop) -> int | None:
    """The oldest order that the shop shows. Ids grow with time."""
    client = AdminClient(shop, spare=spare_for_news(shop))
    nodes = client.run("orders_oldest")["orders"]["nodes"]
    return int(nodes[0]["legacyResourceId"]) if nodes else None


def of_bulk(node: dict[str, Any], shop: Shop) -> FetchedOrder:
    """An order as a bulk operation answers it."""
    lines, shipping = node.get("LineItem", []), node.get("ShippingLine", [])
    return payloads.fetched_order(
        {**node, "lineItems": {"nodes": lines}, "shippingLines": {"nodes": shipping}}, shop.pk
    )


def changed_between(since: datetime, until: datetime) -> str:
    """The search for orders that changed in this time."""
    return f"updated_at:>='{since.isoformat()}' updated_at:<='{until.isoformat()}'"


def spare_for_news(shop: Shop) -> float:
    """While deliveries wait, looking back leaves them half of the shop's cost bucket."""
    waiting = InboxRow.objects.filter(
        state=InboxRow.State.WAITING, program_id=shop.program_id, shop_id=shop.pk
    )
    return 0.5 if waiting.exists() else 0.0
