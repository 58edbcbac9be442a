"""Every customer of a shop is a member: who isn't yet is enrolled, page by page."""

from collections.abc import Callable
from time import monotonic

from rewards import people
from rewards.models import Program
from shopify_bridge import payloads
from shopify_bridge.client import AdminClient
from shopify_bridge.models import Shop
from shopify_bridge.orders import spare_for_news


def enrol(shop: Shop, search: str, after: int, deadline: float, reached: Callable[[int], object]) -> bool:
    """Make members of the customers that a search finds, from the one after this id on; whether of all.

    `reached` is told the id of the last one after each page. Raises TryAgain and NeedsHuman.
    """
    program = Program.objects.get(pk=shop.program_id)
    while True:
        client = AdminClient(shop, spare=spare_for_news(shop))
        found = client.run("customers_changed", {"query": f"{search} id:>={after + 1}".strip()})["customers"]
        joined = {
            (shop.pk, int(node["legacyResourceId"])): payloads.moment(node, "createdAt")
            for node in found["nodes"]
        }
        people.enrol(program, joined)
        if joined:
            after = max(id for _, id in joined)
            reached(after)
        if not found["pageInfo"]["hasNextPage"]:
            return True
        if monotonic() > deadline:
            return False
