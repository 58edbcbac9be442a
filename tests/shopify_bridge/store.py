"""A shop of a test's own in the sandbox, and its customer who buys. Its deliveries all get lost."""

import itertools
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import requests

from rewards.models import Order
from shopify_bridge import checks
from shopify_bridge.models import Gap, OrderCheck
from shopify_bridge.tokens import access_token
from tests.shopify_bridge.conftest import Sandbox, take_in

NEW_CUSTOMER = """
mutation { customerCreate(input: {firstName: "Check", email: "%s@example.com"}) { customer { id } } }"""
_numbers = itertools.count(1)


class Store:
    """A shop of the test's own, and its customer who buys."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.domain = f"store-{next(_numbers)}.myshopify.com"
        self.sandbox = sandbox
        sandbox.post("/sandbox/shops", {"domain": self.domain, "name": "Checks"})
        sandbox.post("/sandbox/install", shop=self.domain)
        self.shop = take_in(sandbox, self.domain)
        self.customer = self._new_customer()

    def _new_customer(self) -> int:
        made = self.admin(NEW_CUSTOMER % self.domain.partition(".")[0])
        return int(made["customerCreate"]["customer"]["id"].rpartition("/")[2])

    def admin(self, query: str, **variables: Any) -> dict[str, Any]:
        """What another app says that may do anything."""
        return self.sandbox.admin(query, self.domain, **variables)

    def as_app(self, query: str) -> None:
        """What our app says, with its own token."""
        headers = {"Host": self.domain, "X-Shopify-Access-Token": access_token(self.shop)}
        url = f"{self.sandbox.url}/admin/api/2026-10/graphql.json"
        requests.post(url, json={"query": query}, headers=headers, timeout=10).raise_for_status()

    def sells(self, price: str = "10.00", **more: object) -> int:
        lines = [{"title": "Tea", "price": price}, {"title": "Milk", "price": "1.00"}]
        body = {"customer": self.customer, "lines": lines, **more}
        return int(self.sandbox.post("/sandbox/orders", body, shop=self.domain).json()["id"])

    def sell_several(self, baskets: list[dict[str, object]]) -> list[int]:
        host = {"Host": self.domain}
        sold = requests.post(f"{self.sandbox.url}/sandbox/orders", json=baskets, headers=host, timeout=30)
        return [int(order["id"]) for order in sold.json()]

    def points(self, order: int) -> int:
        return Order.objects.get(source_id=self.shop.pk, external_id=order).points


class Checked(Store):
    """A store whose orders are compared."""

    def checked(self, *, heals: bool = False, author: str = "42") -> OrderCheck:
        now = datetime.now(UTC)
        check = checks.begin(self.shop, now - timedelta(hours=1), now, heals=heals, author=author)
        return finished(check)

    def gap(self) -> Gap:
        return Gap.objects.get(shop_id=self.shop.pk)


def finished(check: OrderCheck, step: float = 30.0) -> OrderCheck:
    """Worked on until it ends, a bulk operation's pauses left out."""
    for _ in range(200):
        checks.go_on(check, monotonic() + step)
        check.refresh_from_db()
        if check.state != OrderCheck.State.WAITING:
            return check
    raise AssertionError(f"the check didn't end: {check.problem}")
