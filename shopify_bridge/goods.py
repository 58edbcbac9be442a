"""Goods that rewards name and that are no more: Shopify makes no discount for them, so nobody is offered it.

A reward that is withheld comes back when the merchant changes it; see `programs.withhold`.
"""

import logging
from collections.abc import Set
from typing import Any

from django.db.models import F

from rewards import programs
from rewards.kinds import codes
from rewards.models import Program
from rewards.rules.words import Thing
from shopify_bridge.client import AdminClient
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

Json = dict[str, Any]

GONE, PERMISSION = "gone", "permission"
"""Why a reward is withheld."""
KINDS = {"product": "Product", "variant": "ProductVariant", "collection": "Collection"}


def deleted(shop: Shop, thing: Thing) -> None:
    """Shopify tells that a product or a collection is no more."""
    document = programs.document(Program.objects.get(pk=shop.program_id))
    for reward_id, reward in programs.given_out(document).items():
        if thing in codes.goods(reward):
            withhold(shop.program_id, reward_id, GONE, _gone({thing}))


def refused(client: AdminClient, reward_id: str, reward: Json, within: float) -> None:
    """A discount was refused: if it is for want of its goods, nobody else shall ask for it.

    `reward`: as it was promised. `reward_id`: of the one on offer, see `programs.given_out`.
    """
    wanted = sorted(codes.goods(reward))
    if not wanted:
        return
    try:
        ids = [f"gid://shopify/{KINDS[kind]}/{id}" for kind, id in wanted]
        nodes = client.run("titles", {"ids": ids}, within=within)["nodes"]
    except (TryAgain, NeedsHuman) as problem:
        log.info("goods unknown", extra={"shop": client.shop.domain, "why": str(problem)})
        return
    gone = {thing for thing, node in zip(wanted, nodes, strict=True) if node is None}
    # What was redeemed by an older version may name what the reward on offer doesn't any more.
    program_id = client.shop.program_id
    document = programs.document(Program.objects.get(pk=program_id))
    on_offer = programs.given_out(document).get(reward_id)
    if on_offer and (missing := gone & codes.goods(on_offer)):
        withhold(program_id, reward_id, GONE, _gone(missing))


def withhold(program_id: int, reward_id: str, code: str, why: str) -> None:
    """Take a reward off the offer, in the program and in the shops' themes. `why` is for the merchant."""
    programs.withhold(program_id, reward_id, code, why)
    tell_themes(program_id)


def tell_themes(program_id: int) -> None:
    """What they print of the program is out of date."""
    shops = Shop.objects.filter(program_id=program_id, published_program_version__gt=0)
    shops.update(published_program_version=F("published_program_version") - 1)


def _gone(things: Set[Thing]) -> str:
    named = ", ".join(f"{kind} {id}" for kind, id in sorted(things))
    return f"Shopify no longer has what it names ({named}). Choose something else."
