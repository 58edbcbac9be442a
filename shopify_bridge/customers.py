"""Customers asked for at Shopify: all of them, page by page, to be members; and somebody's e-mail address."""

import logging
from collections.abc import Callable
from time import monotonic

from rewards import people
from rewards.models import Program
from shopify_bridge import payloads
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.orders import spare_for_news

log = logging.getLogger(__name__)

MAIL_SECONDS = 1.5


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


def mail_of(shop: Shop, customer_id: int) -> str | None:
    """An e-mail address, as far as the app may see it, and Shopify says so at once."""
    if shop.state != Shop.State.ACTIVE:
        return None
    variables = {"id": f"gid://shopify/Customer/{customer_id}"}
    try:
        found = AdminClient(shop).run("customer_mail", variables, within=MAIL_SECONDS)["customer"]
    except (TryAgain, NeedsHuman) as problem:
        log.info("e-mail unknown", extra={"shop": shop.domain, "why": str(problem)})
        return None
    known = (found or {}).get("defaultEmailAddress") or {}
    address: str | None = known.get("emailAddress")
    return address
