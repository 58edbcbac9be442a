"""Who calls, in which shop, with which scopes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from sandbox.config import Config
from sandbox.model import Customer, Order, Product
from sandbox.orders import Refused
from sandbox.world import ShopState, World

ORDER_HISTORY = timedelta(days=60)
REQUIRED_SCOPES: dict[str, list[str]] = json.loads((Path(__file__).parent.parent / "scopes.json").read_text())


@dataclass
class Context:
    world: World
    state: ShopState
    config: Config
    caller: str  # app, admin
    scopes: frozenset[str]
    version: str = "2026-10"
    base_url: str = ""
    services: dict[str, Any] = field(default_factory=dict)

    @property
    def sees_everything(self) -> bool:
        return self.caller == "admin"

    def allows(self, needed: list[str]) -> bool:
        """One of several is enough, and who may write may read."""
        if self.sees_everything:
            return True
        return any(s in self.scopes or s.replace("read_", "write_", 1) in self.scopes for s in needed)

    def need(self, what: str, *scopes: str) -> None:
        if not self.allows(list(scopes)):
            raise access_denied(what, list(scopes))

    def visible(self, order: Order) -> bool:
        return bool(self.visible_ones([order]))

    def visible_ones(self, orders: Iterable[Order]) -> list[Order]:
        """Without read_all_orders an app sees the last 60 days."""
        if self.sees_everything or "read_all_orders" in self.scopes:
            return list(orders)
        first = self.world.now() - ORDER_HISTORY
        return [order for order in orders if order.created_at >= first]

    def order(self, gid: str) -> Order | None:
        found = self.state.orders.get(number(gid, "Order"))
        return found if found and self.visible(found) else None

    def must_order(self, gid: str, path: list[str]) -> Order:
        found = self.order(gid)
        if found is None:
            raise Refused("Order does not exist", path, "NOT_FOUND")
        return found

    def customer(self, gid: str) -> Customer | None:
        return self.state.customers.get(number(gid, "Customer"))

    def must_customer(self, gid: str, path: list[str]) -> Customer:
        found = self.customer(gid)
        if found is None:
            raise Refused("Customer does not exist", path, "CUSTOMER_NOT_FOUND")
        return found

    def product(self, gid: str) -> Product | None:
        return self.state.products.get(number(gid, "Product"))

    def namespace(self, wanted: str | None) -> str:
        """`$app` belongs to the app; the sandbox's admin token stands beside it, so that drivers can look."""
        own = f"app--{app_number(self.config)}"
        if wanted is None or wanted == "$app":
            return own
        return own + "--" + wanted.removeprefix("$app:") if wanted.startswith("$app:") else wanted


def access_denied(what: str, scopes: list[str]) -> GraphQLError:
    needed = " or ".join(f"`{scope}`" for scope in scopes) + " access scope."
    return GraphQLError(
        f"Access denied for {what} field. Required access: {needed}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": needed,
        },
    )


def app_number(config: Config) -> int:
    """A number like Shopify's app ids, the same for a client id at every start."""
    return int(config.client_id.encode().hex()[:16], 16) % 900_000_000 + 100_000_000


@cache
def _shape(kind: str) -> re.Pattern[str]:
    return re.compile(rf"gid://shopify/{kind}/(\d+)(\?.*)?")


def number(gid: str, kind: str) -> int:
    """The number of a gid of this kind; any other text is an error of the query, as at Shopify."""
    match = _shape(kind).fullmatch(gid)
    if match is None:
        raise GraphQLError(f"Invalid global id '{gid}'", extensions={"code": "RESOURCE_NOT_FOUND"})
    return int(match[1])


def snake(name: str) -> str:
    return _snake(name)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
