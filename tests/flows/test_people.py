"""Customers become one, or are forgotten, in every order in which the news may come."""

import uuid
from datetime import UTC, datetime, timedelta

from tests.flows.conftest import MakeCustomer
from tests.flows.people import Customer, Merchant
from tests.flows.test_bad_input import deliver_json
from tests.flows.test_order_states import _payload
from tests.smoke.shop import gid, wait_until

JOINED = 50


def merged(kept: int, lost: int) -> dict[str, object]:
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", kept),
        "admin_graphql_api_customer_deleted_id": gid("Customer", lost),
        "admin_graphql_api_job_id": f"gid://shopify/Job/{uuid.uuid4()}",
        "status": "completed",
        "errors": [],
    }


def test_a_chain_of_merges_leads_late_news_of_the_first_to_the_last(
    shop: Merchant, make_customer: MakeCustomer
) -> None:
    first, second, third = make_customer(), make_customer(), make_customer()
    order = first.buys("20.00")
    shop.handled()
    deliver_json(shop, merged(second.id, first.id), "customers/merge")
    deliver_json(shop, merged(third.id, second.id), "customers/merge")
    shop.handled()
    assert third.points == 3 * JOINED + 20
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    late = {**_payload(first, order, "20.00", updated_at=soon), "refunds": []}
    late["line_items"][0]["current_quantity"] = 0
    deliver_json(shop, late, "orders/updated")
    unseen = _payload(first, order + 1, "33.00", updated_at="2026-11-01T10:00:00Z")
    deliver_json(shop, unseen, "orders/paid")
    shop.handled()
    assert third.points == 3 * JOINED + 33


def test_a_merge_that_is_told_before_its_customers(shop: Merchant) -> None:
    shop.drive("faults", webhooks={"drop": 1})
    kept, lost = (Customer(shop, shop.new_customer(f"Unknown {name}")) for name in ("One", "Two"))
    shop.drive("faults", reset=True)
    deliver_json(shop, merged(kept.id, lost.id), "customers/merge")
    shop.handled()
    for customer in (lost, kept):
        known = {
            "id": customer.id,
            "created_at": "2026-11-01T10:00:00Z",
            "updated_at": "2026-11-01T10:00:00Z",
        }
        deliver_json(shop, known, "customers/create")
    deliver_json(shop, {"id": lost.id}, "customers/delete")
    shop.handled()
    assert kept.points == 2 * JOINED


def test_a_merge_while_a_code_is_being_made(shop: Merchant, make_customer: MakeCustomer) -> None:
    one, two = make_customer(), make_customer()
    for customer in (one, two):
        customer.buys("100.00")
    shop.handled()
    shop.fault("discountCodeBasicCreate", "5xx", times=2)
    asked = {c.id: c.browser.redeem("five-off", f"merging-{c.id}").json()["id"] for c in (one, two)}
    kept = shop.browser(shop.merge(one.id, two.id))
    shop.handled()
    for redemption in asked.values():
        kept.state_becomes(redemption, "issued", 90)
    assert kept.available() == 2 * JOINED + 200 - 200


def test_who_is_forgotten_while_a_code_is_being_made_gets_none(shop: Merchant, customer: Customer) -> None:
    customer.buys("100.00")
    shop.handled()
    before = shop.number_of_codes()
    shop.fault("discountCodeBasicCreate", "5xx", times=1)
    assert customer.browser.redeem("five-off", "forgotten").status_code in (201, 202)
    shop.drive("privacy/customer_redact", customer=str(customer.id))
    shop.handled()
    assert customer.browser.me()["member"] is None
    wait_until(90, "the redemption comes to rest", lambda: "none" in shop.manage("shell", "-c", WAITING))
    assert shop.number_of_codes() == before
    shop.manage("audit")


WAITING = """
from rewards.models import Redemption
print(Redemption.objects.filter(customer_id=0, state="reserved").count() or "none")
"""
