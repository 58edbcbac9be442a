"""Orders asked for at Shopify."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rewards.facts import FetchedOrder
from shopify_bridge import payloads
from shopify_bridge.client import AdminClient
from shopify_bridge.models import Shop


def fetch(shop: Shop, external_id: int, *, within: float = 10.0) -> FetchedOrder | None:
    """The order as it is now; None when Shopify doesn't show it (deleted, or older than 60 days)."""
    client = AdminClient(shop)
    variables: dict[str, Any] = {"id": f"gid://shopify/Order/{external_id}", "after": None}
    node = client.run("order", variables, within=within)["order"]
    if node is None:
        return None
    page = node["lineItems"]["pageInfo"]
    while page["hasNextPage"]:
        more = client.run("order", {**variables, "after": page["endCursor"]}, within=within)["order"]
        if more is None or more["updatedAt"] != node["updatedAt"]:
            return fetch(shop, external_id, within=within)  # it changed while we were reading
        node["lineItems"]["nodes"] += more["lineItems"]["nodes"]
        page = more["lineItems"]["pageInfo"]
    return payloads.fetched_order(node, shop.pk)


def changed(shop: Shop, query: str) -> Iterator[tuple[int, datetime]]:
    """(order id, updated at) of the orders that a search finds, oldest change first."""
    client = AdminClient(shop)
    after = None
    while True:
        page = client.run("orders_changed", {"query": query, "after": after})["orders"]
        for node in page["nodes"]:
            yield int(node["legacyResourceId"]), payloads.moment(node, "updatedAt")
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
