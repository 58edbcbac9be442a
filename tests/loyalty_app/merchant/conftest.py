"""A merchant's shop and its panel. Its tokens are of no use, so Shopify is never asked."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from rewards import orders, people, programs
from rewards.audit import audit
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Member, Program
from shopify_bridge.models import Shop
from tests.shopify_bridge import signing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Merchant:
    """A shop with a program, and staff who use its panel."""

    def __init__(self, domain: str = "demo.myshopify.com", currency: str = "EUR") -> None:
        self.program: Program = programs.start("Demo", currency, "Europe/Berlin")
        self.shop = Shop.objects.create(
            program_id=self.program.pk,
            domain=domain,
            name="Demo",
            currency=currency,
            timezone="Europe/Berlin",
            access_token="1:x",
            refresh_token="1:x",
            state=Shop.State.ACTIVE,
        )
        self.apply(signup_bonus=0)

    def apply(self, **earning: Any) -> None:
        """Change the rules, for the past too: the tests' orders are older than the test."""
        document = {**programs.document(self.program)}
        self.save({**document, "earning": {**document["earning"], **earning}})

    def save(self, document: dict[str, Any]) -> None:
        """Make it the program of all times."""
        programs.apply(self.program, document, "test")
        self.program.versions.update(effective_from=programs.BEGINNING)

    def document(self) -> dict[str, Any]:
        self.program.refresh_from_db()
        return programs.document(self.program)

    def reward(self, reward_id: str) -> dict[str, Any]:
        found = programs.reward(self.document(), reward_id)
        assert found is not None
        return found

    def member(self, customer_id: int = 7001, joined_at: datetime = NOON) -> Member:
        ref = (self.shop.pk, customer_id)
        return Member.objects.get(pk=people.enrol(self.program, {ref: joined_at})[ref])

    def order(self, euros: int, *, at: datetime = NOON, **changes: Any) -> None:
        """Settle an order of so many euros; the same `external_id` again is the same order."""
        values: dict[str, Any] = {
            "source_id": self.shop.pk,
            "external_id": 5001,
            "updated_at": at,
            "processed_at": at,
            "currency": self.program.currency,
            "customer_id": 7001,
            "paid": True,
            "lines": (Line(1, euros * 100, 1, 1),),
        }
        fact = OrderFact(**{**values, **changes})
        assert not orders.settle_orders(self.program, [FetchedOrder(fact, paid_at=at)], now=at).unsure

    def _token(self) -> str:
        issuer = f"https://{self.shop.domain}"
        return signing.id_token(iss=f"{issuer}/admin", dest=issuer)

    def page(self, path: str, status: int = 200) -> str:
        mark = "&" if "?" in path else "?"
        answer = Client().get(f"{path}{mark}shop={self.shop.domain}&id_token={self._token()}")
        assert answer.status_code == status, answer.content[:500]
        return answer.content.decode()

    def fetch(self, path: str, method: str = "get") -> HttpResponse:
        headers = {"Authorization": f"Bearer {self._token()}"}
        answer: HttpResponse = getattr(Client(enforce_csrf_checks=True), method)(path, headers=headers)
        return answer

    def post(self, path: str, body: Any, status: int = 200) -> dict[str, Any]:
        answer = self.fetch_with(path, body)
        assert answer.status_code == status, answer.content[:500]
        content: dict[str, Any] = json.loads(answer.content)
        return content

    def fetch_with(self, path: str, body: Any) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self._token()}"}
        client = Client(enforce_csrf_checks=True)
        return client.post(path, body, content_type="application/json", headers=headers)

    def errors(self, path: str, body: Any) -> dict[str, str]:
        found: dict[str, str] = self.post(path, body, 422)["errors"]
        return found


@pytest.fixture
def merchant(db: None) -> Iterator[Merchant]:
    """The ledger's promises are checked after every test that uses it."""
    yield Merchant()
    assert not [finding.check.name for finding in audit() if finding.rows]
