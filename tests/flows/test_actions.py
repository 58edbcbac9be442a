"""Points that no order gave, from what Shopify tells and what shoppers do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Merchant
from tests.smoke.shop import gid

JOINED = 50
RULES = [
    {"id": "news", "kind": "newsletter", "points": 30},
    {"id": "texts", "kind": "sms", "points": 20},
    {"id": "follow", "kind": "social", "points": 10, "url": "https://social.example/shop"},
]
EMAIL = """
mutation($id: ID!, $state: CustomerEmailMarketingState!) {
  customerEmailMarketingConsentUpdate(
    input: {customerId: $id, emailMarketingConsent: {marketingState: $state}}
  ) { userErrors { message } }
}"""
SMS = EMAIL.replace("Email", "Sms").replace("emailM", "smsM")
UPDATE = "mutation($input: CustomerInput!) { customerUpdate(input: $input) { userErrors { message } } }"


@pytest.fixture
def ruled(own_shop: OwnShop, tmp_path: Path) -> Merchant:
    shop = own_shop()
    program = shop.program()
    program["earning"]["rules"] = RULES
    file = tmp_path / "ruled.json"
    file.write_text(json.dumps(program))
    shop.manage("program", "apply", "--shop", shop.domain, str(file))
    return shop


def test_consent_in_shopify_gives_once(ruled: Merchant, make_customer: MakeCustomer) -> None:
    customer = make_customer(ruled)
    who = gid("Customer", customer.id)
    ruled.admin(UPDATE, input={"id": who, "phone": f"+49{customer.id % 10**10}"})
    for state in ("SUBSCRIBED", "UNSUBSCRIBED", "SUBSCRIBED"):
        ruled.admin(EMAIL, id=who, state=state)
        ruled.admin(SMS, id=who, state=state)
    ruled.handled()
    assert customer.points == JOINED + 30 + 20


def test_a_click_through_the_storefront_gives_once(ruled: Merchant, make_customer: MakeCustomer) -> None:
    customer = make_customer(ruled)
    answers = [customer.browser.post("/apps/loyalty/actions/follow", json={}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["url"] == RULES[2]["url"]
    assert customer.points == JOINED + 10
    ways = customer.browser.get("/apps/loyalty/ways").json()["ways"]
    assert {way["rule"]: way["state"] for way in ways} == {"news": "open", "texts": "open", "follow": "done"}
