"""The inbox: every delivery ends as done or as parked with a reason, once, whatever else fails."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rewards import programs
from rewards.models import Member, Movement, Order
from shopify_bridge import inbox
from shopify_bridge.handlers import HANDLERS
from shopify_bridge.models import InboxRow, Shop

ORDER = json.loads((Path(__file__).parent.parent / "payloads" / "orders_updated.json").read_text())
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    program = programs.start("Shop", "USD", "America/New_York")
    return Shop.objects.create(program_id=program.pk, domain="shop.myshopify.com", currency="USD")


def deliver(shop, topic, payload, webhook_id=None, **changes):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    values = {
        "program_id": shop.program_id if shop else 0,
        "shop_id": shop.pk if shop else 0,
        "shop_domain": shop.domain if shop else "nobody.myshopify.com",
        "webhook_id": webhook_id or str(InboxRow.objects.count()),
        "topic": topic,
        "triggered_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "body": body,
        "body_hash": hashlib.sha256(body).digest(),
    }
    return InboxRow.objects.create(**{**values, **changes})


def state(row):
    row.refresh_from_db()
    return row.state


def test_an_order_is_settled_and_its_row_is_done(shop):
    row = deliver(shop, "orders/updated", ORDER)
    assert inbox.drain() == 1
    assert state(row) == "done"
    # (4 x 10.00 - 10.00) x 3/4 = 22.50, less 12.00 x 80.00/82.50 (its share without tax); 50 for joining.
    assert Member.objects.get().available == 50 + 10


def test_the_same_order_in_many_deliveries_counts_once(shop):
    for topic in ("orders/paid", "orders/updated", "orders/paid"):
        deliver(shop, topic, ORDER)
    inbox.drain()
    assert Order.objects.get().settlements == 1
    assert not InboxRow.objects.exclude(state="done").exists()


def test_one_bad_row_stops_no_other(shop):
    huge = {**ORDER, "id": 5002, "line_items": [{**ORDER["line_items"][0], "price": "9999999999999999.00"}]}
    bad, good = deliver(shop, "orders/updated", huge), deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    assert (state(bad), state(good)) == ("parked", "done")
    assert "is the most" in bad.reason


@pytest.mark.parametrize(
    ("topic", "body", "why"),
    [
        ("orders/updated", b"{", "no readable JSON"),
        ("orders/updated", b"\x00\xff", "no readable JSON"),
        ("orders/updated", b"{}", "currency is missing"),
        ("themes/publish", b"{}", "Nothing handles the topic"),
        ("products/update", b"{}", "id is missing"),
        ("products/delete", b'{"id": "7"}', "no id"),
        ("collections/update", b'{"updated_at": "2026-11-20T12:00:00Z"}', "id is missing"),
        ("customers/merge", b'{"status": "completed"}', "expected an id"),
        ("shop/update", b'{"myshopify_domain": "other.myshopify.com"}', "not the shop of the header"),
        ("customers/redact", b'{"shop_domain": "shop.myshopify.com"}', "customer is missing"),
        ("app/scopes_update", b"{}", "no list of scopes"),
        (
            "disputes/update",
            b'{"currency": "USD", "type": "chargeback", "status": "paused"}',
            "unknown status",
        ),
        ("disputes/update", b'{"currency": "USD", "type": "quarrel", "status": "lost"}', "unknown type"),
        ("disputes/update", b'{"type": "chargeback", "status": "lost"}', "currency is missing"),
    ],
)
def test_what_cant_be_handled_is_parked_with_the_reason(shop, topic, body, why):
    row = deliver(shop, topic, body)
    inbox.drain()
    assert state(row) == "parked"
    assert why in row.reason


def test_deliveries_of_an_unknown_shop_wait_until_it_is_known():
    row = deliver(None, "orders/updated", ORDER)
    inbox.drain()
    assert state(row) == "parked"
    program = programs.start("Late", "USD", "UTC")
    Shop.objects.create(program_id=program.pk, domain="nobody.myshopify.com", currency="USD")
    assert inbox.replay([row]) == 1
    inbox.drain()
    assert state(row) == "done"
    assert Member.objects.get().program_id == program.pk


def test_the_same_bytes_under_another_shops_name_are_a_replay(shop):
    other_program = programs.start("Other", "USD", "UTC")
    other = Shop.objects.create(program_id=other_program.pk, domain="other.myshopify.com", currency="USD")
    deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    replayed = deliver(other, "orders/updated", ORDER)
    inbox.drain()
    assert state(replayed) == "parked"
    assert not Member.objects.filter(program=other_program).exists()


def test_a_customer_becomes_a_member_once(shop):
    for topic in ("customers/create", "customers/update"):
        deliver(shop, topic, {"id": 7001, "created_at": "2026-11-20T07:00:00-05:00"})
    inbox.drain()
    assert Member.objects.get().available == 50
    assert Movement.objects.count() == 1


def test_a_merge_says_who_survives(shop):
    deliver(shop, "customers/create", {"id": 7001})
    deliver(shop, "customers/create", {"id": 7002})
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7002",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/7001",
        "status": "completed",
    }
    deliver(shop, "customers/merge", merge)
    inbox.drain()
    assert Member.objects.get(identities__external_id=7001).available == 100


def test_redaction_and_deletion_bring_nothing_back(shop):
    deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    deliver(shop, "customers/redact", {"shop_domain": shop.domain, "customer": {"id": 7001}})
    deliver(shop, "orders/updated", {**ORDER, "updated_at": "2026-11-21T07:30:00-05:00"})
    deliver(shop, "customers/update", {"id": 7001})
    inbox.drain()
    assert not Member.objects.filter(redacted_at=None).exists()
    assert not InboxRow.objects.exclude(state="done").exists()
    assert "7001" not in json.dumps(Order.objects.get().facts)


def test_the_uninstallation_of_a_reinstalled_shop_is_old_news(shop):
    deliver(shop, "app/uninstalled", {"myshopify_domain": shop.domain})
    inbox.drain()
    shop.refresh_from_db()
    assert shop.state == Shop.State.ACTIVE


def test_a_deleted_order_is_taken_back(shop):
    deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    deliver(shop, "orders/delete", {"id": 5001})
    inbox.drain()
    assert Member.objects.get().available == 50


def test_every_topic_has_a_handler_that_says_what_it_does():
    assert all(callable(handler) for handler in HANDLERS.values())
    assert len(HANDLERS) == 28


def test_a_defect_sets_one_row_aside_and_parks_it_in_the_end(shop):
    """A payload whose parts have odd types broke a handler once; the rest of the batch went on."""
    odd = deliver(shop, "orders/updated", {**ORDER, "id": 5005, "customer": "somebody"})
    good = deliver(shop, "orders/updated", ORDER)
    for _ in range(inbox.ATTEMPTS_MAX):
        inbox.drain()
        InboxRow.objects.filter(state="waiting").update(due_at=datetime.now(UTC))
    assert (state(odd), state(good)) == ("parked", "done")


def test_orders_of_a_shop_that_left_change_nothing(shop):
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    row = deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    assert state(row) == "done"
    assert not Member.objects.exists()


def told(**changes):
    return {**ORDER, "refunds": [], "updated_at": "2026-11-20T11:00:00Z", **changes}


@pytest.mark.parametrize("first", ["orders/paid", "orders/delete"])
def test_news_from_before_a_deletion_that_comes_after_it_earns_nothing(shop, first):
    """The last delivery before the deletion overtaken by it: its state is newer than the one we knew."""
    news = {
        "orders/paid": told(updated_at="2026-11-20T10:00:00Z"),
        "orders/delete": {"id": ORDER["id"]},
    }
    deliver(shop, first, news[first])
    inbox.drain()
    deliver(shop, "orders/delete", news["orders/delete"])
    inbox.drain()
    deliver(shop, "orders/updated", told())
    inbox.drain()
    assert not Order.objects.exclude(points=0).exists()
    assert not InboxRow.objects.exclude(state="done").exists()


def test_a_deletion_that_comes_before_its_merge_loses_no_points(shop):
    for customer in (7001, 7002):
        deliver(shop, "customers/create", {"id": customer})
    deliver(shop, "customers/delete", {"id": 7001})
    inbox.drain()
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7002",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/7001",
        "status": "completed",
    }
    deliver(shop, "customers/merge", merge)
    inbox.drain()
    survivor = Member.objects.get(identities__external_id=7002)
    assert (survivor.available, survivor.closed_at) == (100, None)


def test_old_rows_that_are_done_are_deleted_and_parked_ones_stay(shop):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    deliver(shop, "orders/updated", ORDER, received_at=long_ago)
    deliver(shop, "nothing/known", {}, received_at=long_ago)
    deliver(shop, "customers/create", {"id": 7001})
    inbox.drain()
    assert inbox.purge() == 1
    assert sorted(InboxRow.objects.values_list("state", flat=True)) == ["done", "parked"]


def test_a_refund_that_the_orders_state_contains_asks_nothing(shop):
    """Shopify sends `orders/updated` along with `refunds/create`, in any order."""
    refund = {"id": 801, "order_id": ORDER["id"]}
    first = deliver(shop, "refunds/create", refund, triggered_at=datetime.now(UTC))
    inbox.drain()
    assert (state(first), first.reason) == ("waiting", "")
    deliver(shop, "orders/updated", ORDER)
    InboxRow.objects.filter(pk=first.pk).update(due_at=first.received_at)
    second = deliver(shop, "refunds/create", refund)
    inbox.drain()
    assert (state(first), state(second)) == ("done", "done")


def test_a_refund_whose_state_never_comes_is_asked_for(shop):
    """The shop of this test can't be called, so the question waits, with the reason."""
    row = deliver(shop, "refunds/create", {"id": 802, "order_id": ORDER["id"]}, **came(seconds_ago=60))
    deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    assert state(row) == "waiting"
    assert row.reason


def test_a_refund_whose_state_waits_behind_it_asks_nothing(shop):
    """Found by the soak: while deliveries piled up, each refund became a question to Shopify."""
    row = deliver(shop, "refunds/create", {"id": 801, "order_id": ORDER["id"]}, **came(seconds_ago=60))
    deliver(shop, "orders/updated", ORDER, **came(seconds_ago=59))
    inbox.drain(batch=1)
    assert state(row) == "done"


def came(seconds_ago):
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {"triggered_at": moment, "received_at": moment, "due_at": moment}


DISPUTE = {
    "id": 285332461850802050,
    "order_id": ORDER["id"],
    "type": "chargeback",
    "amount": "5.00",
    "currency": "USD",
    "reason": "fraudulent",
    "network_reason_code": "4827",
    "status": "needs_response",
    "evidence_due_by": "2026-12-30T19:00:00-05:00",
    "evidence_sent_on": None,
    "finalized_on": None,
    "initiated_at": "2026-11-20T19:00:00-05:00",
}


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 10),
        ({"status": "lost"}, 6),
        ({"status": "accepted"}, 6),
        ({"status": "won"}, 10),
        ({"status": "charge_refunded"}, 10),
        ({"status": "lost", "type": "inquiry"}, 10),
        ({"status": "lost", "amount": "500.00"}, 0),
        ({"status": "lost", "order_id": None}, 10),
        ({"status": "under_review", "currency": "CAD"}, 10),
    ],
)
def test_disputes_count_when_they_are_lost(shop, changes, points):
    deliver(shop, "disputes/update", {**DISPUTE, **changes})
    deliver(shop, "orders/updated", ORDER)
    inbox.drain()
    assert Member.objects.get().available == 50 + points
    assert not InboxRow.objects.exclude(state="done").exists()


def test_a_lost_dispute_in_another_currency_needs_a_person(shop):
    row = deliver(shop, "disputes/update", {**DISPUTE, "status": "lost", "currency": "CAD"})
    inbox.drain()
    assert state(row) == "parked"
    assert "in CAD, the points count in USD" in row.reason
