"""What products, variants and collections are called, asked for at Shopify and kept for a minute.

A page never depends on it: without an answer in time a thing is called by its number.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.cache import cache

from loyalty_app.merchant.answers import Json
from rewards.rules.words import THINGS, Thing
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

ASKED_SECONDS = 1.5
ASKED_MOST = 250
"""Shopify answers no more at once; more than these are called by number."""
KEPT_SECONDS = 60
GONE = ""
"""Kept in the place of a title: Shopify knows no such thing."""
KINDS = {"product": "Product", "variant": "ProductVariant", "collection": "Collection"}


@dataclass(frozen=True, slots=True)
class Titles:
    """By thing: its title, or GONE. What isn't here couldn't be asked for."""

    known: Mapping[Thing, str] = field(default_factory=dict)

    def in_sentences(self) -> dict[Thing, str]:
        """As `rules.Saying` takes them."""
        return {
            thing: title if title != GONE else f"{thing[1]} (no longer exists: matches nothing)"
            for thing, title in self.known.items()
        }

    def shown(self, kind: str, ids: Iterable[int]) -> list[Json]:
        """For a list of what is chosen."""
        return [self._shown(kind, id) for id in ids]

    def _shown(self, kind: str, id: int) -> Json:
        title = self.known.get((kind, id))
        return {"id": id, "title": title or f"{kind.capitalize()} {id}", "gone": title == GONE}


def titles(shop: Shop, wanted: Iterable[Thing]) -> Titles:
    """The titles of things, as far as Shopify tells them in time."""
    keys = {_key(shop, thing): thing for thing in islice(dict.fromkeys(wanted), ASKED_MOST)}
    kept = {keys[key]: title for key, title in cache.get_many(keys).items()}
    asked = _asked(shop, [thing for thing in keys.values() if thing not in kept])
    cache.set_many({_key(shop, thing): title for thing, title in asked.items()}, KEPT_SECONDS)
    return Titles({**kept, **asked})


def named(part: Any) -> Iterator[Thing]:
    """What a part of a program's document names by its id."""
    if isinstance(part, list):
        for inner in part:
            yield from named(inner)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name in THINGS and isinstance(inner, list):
                yield from ((THINGS[name], id) for id in inner)
            elif name == "product" and isinstance(inner, int) and not isinstance(inner, bool):
                yield "product", inner
            else:
                yield from named(inner)


def _key(shop: Shop, thing: Thing) -> str:
    return f"title:{shop.pk}:{thing[0]}:{thing[1]}"


def _asked(shop: Shop, things: list[Thing]) -> dict[Thing, str]:
    if not things or shop.state != Shop.State.ACTIVE:
        return {}
    ids = [f"gid://shopify/{KINDS[kind]}/{id}" for kind, id in things]
    try:
        nodes = AdminClient(shop).run("titles", {"ids": ids}, within=ASKED_SECONDS)["nodes"]
    except (TryAgain, NeedsHuman) as problem:
        log.info("titles unknown", extra={"shop": shop.domain, "why": str(problem)})
        return {}
    return {thing: _title(node) for thing, node in zip(things, nodes, strict=True)}


def _title(node: Json | None) -> str:
    if node is None:
        return GONE
    return str(node.get("displayName") or node.get("title") or "untitled")
