"""What shouldn't come: refused at the door, or kept, parked with its reason, and handled later."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

import pytest
import requests

from tests.flows.people import Customer, Merchant

TEN_MEGABYTES = 10 * 1024 * 1024


def deliver(shop: Merchant, body: bytes, **changes: str) -> requests.Response:
    """A delivery that Shopify might have signed."""
    digest = hmac.new(shop.demo.client_secret().encode(), body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Shop-Domain": shop.domain,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        **{f"X-Shopify-{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    return requests.post(f"{shop.demo.app}/webhooks", body, headers=headers, timeout=20)


def deliver_json(shop: Merchant, payload: Any, topic: str, **changes: str) -> requests.Response:
    return deliver(shop, json.dumps(payload).encode(), Topic=topic, **changes)


@pytest.mark.parametrize(
    ("body", "changes", "why"),
    [
        (b"{ this is no JSON", {}, "no readable JSON"),
        (b"\xff\xfe\x00", {}, "no readable JSON"),
        (b"[]", {}, "expected a JSON object"),
        (b'{"id": 77}', {}, "is missing"),
        (b'{"id": 78}', {"Topic": "tender/strange"}, "Nothing handles the topic"),
        (b'{"id": 79}', {"Shop_Domain": "nobody-here.myshopify.com"}, "doesn't have the app"),
    ],
)
def test_what_cant_be_understood_is_kept_with_its_reason(
    shop: Merchant, body: bytes, changes: dict[str, str], why: str
) -> None:
    before = shop.demo.parked()
    assert deliver(shop, body, **changes).status_code == 200
    shop.handled()
    assert shop.demo.parked() == before + 1
    assert why in shop.manage("inbox", "list")


def test_parked_deliveries_are_handled_again_on_demand(shop: Merchant) -> None:
    """They come to rest parked once more: nothing is lost, and nothing waits for ever."""
    deliver(shop, b"{ again no JSON")
    shop.handled()
    parked = shop.demo.parked()
    assert shop.manage("inbox", "replay", "--all")
    shop.handled()
    assert shop.demo.parked() == parked


def test_a_big_order_is_taken_and_a_bigger_body_refused(shop: Merchant, customer: Customer) -> None:
    order = {
        "id": 9_000_000_000_000 + customer.id % 1000,
        "created_at": "2026-11-01T10:00:00Z",
        "updated_at": "2026-11-01T10:00:00Z",
        "processed_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid",
        "currency": "USD",
        "customer": {"id": customer.id},
        "line_items": [{"id": 1, "quantity": 1, "current_quantity": 1, "price": "33.00"}],
    }
    assert deliver(shop, _padded(order, TEN_MEGABYTES)).status_code == 200
    shop.handled()
    assert customer.points == 50 + 33
    assert deliver(shop, _padded(order, TEN_MEGABYTES + 1)).status_code == 413


def test_a_delivery_for_another_shop_changes_nothing(shop: Merchant, customer: Customer) -> None:
    """The signature covers the body, not the header that names the shop."""
    body = json.dumps({"id": 1, "myshopify_domain": "elsewhere.myshopify.com", "name": "Stolen"}).encode()
    before = shop.demo.parked()
    assert deliver(shop, body, Topic="app/uninstalled").status_code == 200
    shop.handled()
    assert shop.demo.parked() == before + 1
    assert customer.points == 50


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reward": "five-off"},
        {"reward": 7, "key": "k"},
        {"reward": "five-off", "key": ""},
        {"reward": "five-off", "key": "k", "points": -1},
        {"reward": "choose", "key": "k"},
        {"reward": "choose", "key": "k", "points": 30},
        {"reward": "choose", "key": "k", "points": 10**30},
        {"reward": "five-off", "key": "k", "member": 1},
        [],
        "text",
    ],
)
def test_a_redemption_that_makes_no_sense_is_422(customer: Customer, body: Any) -> None:
    answer = customer.browser.post("/apps/loyalty/redemptions", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"]
    assert customer.points == 50


def _padded(order: dict[str, Any], size: int) -> bytes:
    empty = json.dumps({**order, "note": ""}).encode()
    return json.dumps({**order, "note": "x" * (size - len(empty))}).encode()
