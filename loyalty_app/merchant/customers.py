"""Names of customers, asked for at Shopify for the page at hand and kept nowhere.

A page never depends on it: without an answer in time, or without the right to see names, a customer is
called by number.
"""

import logging
import re
from collections.abc import Iterable

from rewards import people
from rewards.models import Identity, Member
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

NAMES_SECONDS = 1.5
SEARCH_SECONDS = 3.0
FOUND_MAX = 50
NAMED_MAX = 250
"""As many things Shopify names in one answer; others are called by number."""


class CantAsk(Exception):
    """Shopify can't be asked right now."""


def names_of(shop: Shop, members: Iterable[Member]) -> dict[int, str]:
    """A name for each member, by member id."""
    members = list(members)
    numbers: dict[int, int] = {}
    identities = Identity.objects.filter(program_id=shop.program_id, member__in=members).order_by("id")
    for member_id, source_id, external_id in identities.values_list("member_id", "source_id", "external_id"):
        if member_id not in numbers or source_id == shop.pk:
            numbers[member_id] = external_id
    known = _asked(shop, sorted(set(numbers.values())))
    return {member.pk: _called(numbers.get(member.pk), known) for member in members}


def search(shop: Shop, words: str) -> list[Member]:
    """Members by customer id, or by what Shopify finds for a name or mail address. Raises CantAsk."""
    if re.fullmatch(r"[0-9]{1,18}", words):
        ids = [int(words)]
    else:
        # What steers Shopify's search, such as colons and brackets, isn't for people who look for a name.
        plain = " ".join(re.sub(r"[^\w@.+'-]", " ", words).split())
        ids = _found(shop, plain) if plain else []
    found = people.find(shop.program_id, [(shop.pk, id) for id in ids])
    members = Member.objects.filter(program_id=shop.program_id).in_bulk(set(found.values()))
    return [members[found[ref]] for ref in dict.fromkeys((shop.pk, id) for id in ids) if ref in found]


def _called(number: int | None, known: dict[int, str]) -> str:
    if number is None:
        return "Erased customer"
    return known.get(number) or f"Customer {number}"


def _asked(shop: Shop, numbers: list[int]) -> dict[int, str]:
    if not numbers or shop.state != Shop.State.ACTIVE:
        return {}
    ids = [f"gid://shopify/Customer/{number}" for number in numbers[:NAMED_MAX]]
    try:
        nodes = AdminClient(shop).run("customers_named", {"ids": ids}, within=NAMES_SECONDS)["nodes"]
    except (TryAgain, NeedsHuman) as problem:
        log.info("names unknown", extra={"shop": shop.domain, "why": str(problem)})
        return {}
    named = [node for node in nodes if node]
    return {int(node["legacyResourceId"]): str(node.get("displayName") or "").strip() for node in named}


def _found(shop: Shop, words: str) -> list[int]:
    variables = {"query": words, "first": FOUND_MAX}
    try:
        found = AdminClient(shop).run("customers_found", variables, within=SEARCH_SECONDS)
    except (TryAgain, NeedsHuman) as problem:
        raise CantAsk(str(problem)) from problem
    return [int(node["legacyResourceId"]) for node in found["customers"]["nodes"]]
