"""Orders in which one field holds what it shouldn't: read, or parked with a reason a person can read.

Each field of a recorded delivery is replaced by each of some values. None may break anything: a delivery
that does is tried again and again, and stands in the way of nobody only because others are tried alone.
"""

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rewards.audit import audit
from rewards.models import Member
from shopify_bridge import inbox, payloads
from shopify_bridge.handlers import HANDLERS
from shopify_bridge.models import InboxRow
from tests.factories import InboxRowFactory, ShopFactory

RECORDED = json.loads((Path(__file__).parents[1] / "payloads" / "orders_updated.json").read_text())
MISSING = object()
A_MINUTE = timedelta(minutes=1)
HOSTILE = [
    MISSING,
    None,
    True,
    "",
    "frozen",
    "9" * 40,
    "-5",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "1e-999",
    "0x10",
    "٣",
    "\x00",
    "\ud800",
    -1,
    0,
    2**31,
    2**63,
    10**40,
    1.5,
    [],
    [None],
    [[]],
    {},
    {"shop_money": None},
    {"shop_money": {"amount": "1e999"}},
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
]
Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Each field, and each part of each field."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*path, name)
        yield from places(part, (*path, name))


def with_change(path: Path_, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(RECORDED)
    place = changed
    for name in path[:-1]:
        place = place[name]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(value)
    return changed


CHANGED = [(path, value, with_change(path, value)) for path in places(RECORDED) for value in HOSTILE]


def read(raw: bytes) -> object:
    return payloads.order(payloads.parse(raw), 1)


def verdict(payload: dict[str, Any]) -> str:
    try:
        read(json.dumps(payload).encode())
    except payloads.BadPayload:
        return "refused"
    except inbox.DEFECTS as problem:
        return repr(problem)
    return "read"


def test_every_field_is_read_or_refused() -> None:
    found = [(verdict(payload), path, value) for path, value, payload in CHANGED]
    assert [broken for broken in found if broken[0] not in ("read", "refused")] == []
    assert sum(one[0] == "refused" for one in found) > len(found) / 4


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("name", ["id", "price", "quantity"])
def test_numbers_that_are_none_are_refused(number: str, name: str) -> None:
    line = {"id": 1, "price": "1.00", "quantity": 1}
    raw = json.dumps({**RECORDED, "line_items": [{**line, name: "HERE"}]}).replace('"HERE"', number)
    with pytest.raises(payloads.BadPayload):
        read(raw.encode())


@pytest.mark.django_db
def test_hostile_orders_are_done_or_parked_at_once_and_stop_nobody() -> None:
    """The same through the inbox, a program that counts in any currency's smallest unit behind it."""
    shop = ShopFactory(currency=RECORDED["currency"])
    for number, (_, _, payload) in enumerate(CHANGED[::3]):
        if payload.get("id") == RECORDED["id"]:
            payload = {**payload, "id": 10_000 + number}
        body = json.dumps(payload).encode()
        InboxRowFactory(shop=shop, topic="orders/updated", body=body)
    good = {**RECORDED, "id": 5, "customer": {"id": 77_777}, "financial_status": "paid"}
    InboxRowFactory(shop=shop, topic="orders/updated", body=json.dumps(good).encode())
    inbox.drain()
    left = InboxRow.objects.exclude(state=InboxRow.State.DONE)
    tried = [(row.state, row.reason) for row in left if row.state != InboxRow.State.PARKED]
    assert tried == []
    for reason in set(left.values_list("reason", flat=True)):
        assert reason
        assert not any(name.__name__ in reason for name in inbox.DEFECTS), reason
    assert Member.objects.get(identities__external_id=77_777).available > 50
    assert not any(finding.rows for finding in audit(shop.program_id))


BODIES: list[dict[str, Any]] = [
    {},
    {"id": None, "order_id": None, "customer": None, "order_edit": None, "tags": None, "current": None},
    {"id": 2**63, "order_id": 2**63, "customer": {"id": 2**63}, "order_edit": {"order_id": 10**40}},
    {"id": "7", "order_id": "7", "customer": [], "order_edit": [7], "tags": "vip", "current": {}},
    {"id": True, "order_id": 1.5, "customer": {"id": -1}, "order_edit": 7, "tags": [None, 7], "current": [7]},
    {
        "id": 7,
        "created_at": "yesterday",
        "order_id": 7,
        "customerId": "gid://x/" + "9" * 40,
        "tags": ["\ud800"],
    },
    {"customerId": "gid://shopify/Customer/" + "0" * 18 + "9" * 40, "tags": ["a"], "status": 7},
    {"status": "teleported", "type": "chargeback", "currency": "EUR", "id": 7, "order_id": 7},
    {"status": ["lost"], "type": {}, "currency": "\x00", "amount": "1e999", "id": 7, "order_id": 7},
    {"myshopify_domain": ["x"], "shop_domain": None, "name": 7, "iana_timezone": "\x00"},
    {"myshopify_domain": "HERE", "name": "\ud800", "iana_timezone": "../../etc/passwd"},
    {"shop_domain": "HERE", "customer": {"id": [7]}},
]


@pytest.mark.django_db
@pytest.mark.parametrize("topic", sorted(set(HANDLERS) - {"shop/redact", "app/uninstalled"}))
def test_every_topic_reads_or_parks_what_makes_no_sense(topic: str) -> None:
    shop = ShopFactory()
    for number, body in enumerate(BODIES):
        raw = json.dumps(body).replace("HERE", shop.domain).encode()
        InboxRowFactory(shop=shop, topic=topic, body=raw, webhook_id=f"{topic}-{number}", age=A_MINUTE)
    inbox.drain()
    for row in InboxRow.objects.exclude(state=InboxRow.State.DONE):
        # What asks Shopify waits for its answer: this shop has no token.
        assert row.state == InboxRow.State.PARKED or "token" in row.reason.lower(), (row.body, row.reason)
        assert not any(name.__name__ in row.reason for name in inbox.DEFECTS), (row.body, row.reason)


@pytest.mark.django_db
def test_more_points_than_can_be_counted_are_parked_with_the_numbers() -> None:
    shop = ShopFactory()
    line = {"id": 1, "quantity": 10**9, "price": "90071992547409.93"}
    order = {**RECORDED, "currency": "USD", "line_items": [line], "refunds": [], "financial_status": "paid"}
    row = InboxRowFactory(shop=shop, topic="orders/paid", body=json.dumps(order).encode())
    inbox.drain()
    row.refresh_from_db()
    assert (row.state, row.reason.split(";")[1]) == (InboxRow.State.PARKED, f" {2**53} is the most.")
    assert row.reason.startswith("The order would earn ")
