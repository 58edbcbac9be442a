"""Permissions that a shop may give beyond those that every shop gives: the merchant is asked in the panel.

https://shopify.dev/docs/apps/build/authentication-authorization/manage-access-scopes
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from rewards import kinds
from shopify_bridge import install
from shopify_bridge.client import AdminClient
from shopify_bridge.models import Shop

Json = dict[str, Any]


def learn(shop: Shop) -> None:
    """The merchant decided just now: ask Shopify what is granted, and note it."""
    installation = AdminClient(shop).run("installation")["currentAppInstallation"]
    install.scopes_changed(shop, ",".join(scope["handle"] for scope in installation["accessScopes"]))


def missing(shop: Shop, scopes: Iterable[str]) -> list[str]:
    """Which of these permissions the shop hasn't given. Who may write may read."""
    return _missing(shop.scopes, scopes)


def _missing(granted: str, scopes: Iterable[str]) -> list[str]:
    names = set(granted.split(","))
    return [scope for scope in scopes if not names & {scope, scope.replace("read_", "write_", 1)}]


def allowed(shop: Shop, rewards: Iterable[Json]) -> list[Json]:
    """Those of these rewards that can be made in this shop."""
    without = _kinds_without(shop.scopes)
    return [reward for reward in rewards if reward["kind"] not in without]


@lru_cache(maxsize=1000)
def _kinds_without(granted: str) -> frozenset[str]:
    return frozenset(name for name, kind in kinds.KINDS.items() if _missing(granted, kind.scopes))
