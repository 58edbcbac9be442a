"""A customer asks what is stored: the merchant is told, gets a file, and notes that it was handed over."""

import json

from rewards import people
from shopify_bridge import inbox
from shopify_bridge.models import DataRequest, InboxRow
from tests.loyalty_app.merchant.conftest import NOON, Merchant

PATH = "/app/data-requests"


def told(merchant: Merchant, topic: str, customer: int = 7001, number: int = 1) -> None:
    payload = {
        "shop_id": 1,
        "shop_domain": merchant.shop.domain,
        "customer": {"id": customer, "email": "ada@example.com", "phone": None},
        "orders_requested": [5001],
        "data_request": {"id": 9000 + number},
    }
    body = json.dumps(payload).encode()
    InboxRow.objects.create(
        program_id=merchant.program.pk,
        shop_id=merchant.shop.pk,
        shop_domain=merchant.shop.domain,
        webhook_id=f"{topic}-{InboxRow.objects.count()}",
        topic=topic,
        triggered_at=NOON,
        body=body,
        body_hash=b"x",
    )
    inbox.drain()
    assert not InboxRow.objects.filter(state="parked").exists()


def test_the_merchant_is_told_once_and_gets_everything(merchant: Merchant) -> None:
    merchant.order(50)
    merchant.order(20, external_id=5002, customer_id=7002)
    ref = {number: (merchant.shop.pk, number) for number in (7001, 7002)}
    people.merge(merchant.program, ref[7002], ref[7001], happened_at=NOON)
    for _ in range(2):
        told(merchant, "customers/data_request", 7002)
    assert "1 customer asks what is stored" in merchant.page("/app/")
    html = merchant.page(PATH)
    assert "Customer 7002" in html
    assert "by 20 Dec 2026" in html
    asked = DataRequest.objects.get()
    file = json.loads(merchant.fetch(f"{PATH}/{asked.pk}/data").content)
    assert file["customer"] == 7002
    assert sorted(row["external_id"] for row in file["stored"]["orders"]) == [5001, 5002]
    kinds = [row["kind"] for row in file["stored"]["movements"]]
    assert sorted(set(kinds)) == ["merge", "order"], "what was the lost one's is theirs too"
    assert "ada@example.com" not in json.dumps(file)


def test_what_is_answered_waits_no_longer(merchant: Merchant) -> None:
    told(merchant, "customers/data_request")
    asked = DataRequest.objects.get()
    merchant.post(f"{PATH}/{asked.pk}/answered", {})
    asked.refresh_from_db()
    assert asked.answered_by == "42"
    html = merchant.page(PATH)
    assert "Nobody waits" in html
    assert "what is stored about them" not in merchant.page("/app/")


def test_of_a_stranger_nothing_is_stored(merchant: Merchant) -> None:
    told(merchant, "customers/data_request", 7777)
    asked = DataRequest.objects.get()
    assert json.loads(merchant.fetch(f"{PATH}/{asked.pk}/data").content)["stored"] is None


def test_who_is_erased_leaves_no_request_behind(merchant: Merchant) -> None:
    merchant.order(50)
    told(merchant, "customers/data_request", 7001, 1)
    told(merchant, "customers/data_request", 7002, 2)
    told(merchant, "customers/redact", 7001)
    assert DataRequest.objects.get().customer_id == 7002
    assert "7001" not in merchant.page(PATH)
