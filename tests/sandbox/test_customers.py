"""Customers made, changed, merged and deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import commerce
from sandbox.model import Customer, GiftCard, StoreCreditAccount
from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query, number

CREATE = """
mutation($input: CustomerInput!) {
  customerCreate(input: $input) { customer { id tags email } userErrors { field message } }
}"""
MERGE = """
mutation($one: ID!, $two: ID!, $override: CustomerMergeOverrideFields) {
  customerMerge(customerOneId: $one, customerTwoId: $two, overrideFields: $override) {
    resultingCustomerId
    userErrors { code }
  }
}"""


def gid(customer: Customer) -> str:
    return f"gid://shopify/Customer/{customer.id}"


@pytest.fixture
def ada(state: ShopState) -> Customer:
    return next(c for c in state.customers.values() if c.first_name == "Ada")


@pytest.fixture
def jonas(state: ShopState) -> Customer:
    return next(c for c in state.customers.values() if c.first_name == "Jonas")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "ADA.okafor@example.com"}, ["email"]),
        ({"email": "nonsense"}, ["email"]),
        ({"note": "nobody"}, None),
        ({"id": "gid://shopify/Customer/1", "email": "x@example.com"}, ["id"]),
    ],
)
def test_what_shopify_refuses(query: Query, given: dict[str, str], field: list[str] | None) -> None:
    (error,) = query(CREATE, input=given)["data"]["customerCreate"]["userErrors"]
    assert error["field"] == field


def test_tags_are_trimmed_and_kept_once(query: Query) -> None:
    made = query(CREATE, input={"firstName": "Io", "tags": [" vip ", "VIP", "a,b"]})["data"]["customerCreate"]
    assert made["customer"]["tags"] == ["a", "b", "vip"]


def test_an_update_replaces_all_tags(query: Query, state: ShopState) -> None:
    rosa = next(c for c in state.customers.values() if c.tags == ["wholesale"])
    document = "mutation($input: CustomerInput!) { customerUpdate(input: $input) { customer { tags } } }"
    answer = query(document, input={"id": gid(rosa), "tags": ["staff"]})
    assert answer["data"]["customerUpdate"]["customer"] == {"tags": ["staff"]}


def test_a_merge_moves_orders_and_visitors_to_the_one_that_stays(
    query: Query,
    world: World,
    state: ShopState,
    ada: Customer,
    jonas: Customer,
    make_order: Callable[..., dict[str, Any]],
) -> None:
    order = make_order(("10.00", 1), customer={"toAssociate": {"id": gid(jonas)}})
    with world.change():
        session = world.new_session(state)
        commerce.sign_in(world, state, session, jonas.id)
    merged = query(MERGE, one=gid(ada), two=gid(jonas))["data"]["customerMerge"]
    assert merged == {"resultingCustomerId": gid(ada), "userErrors": []}
    assert state.orders[number(order["id"])].customer_id == ada.id
    assert session.customer_id == ada.id
    assert jonas.id not in state.customers


def test_the_one_whose_mail_is_kept_stays(query: Query, ada: Customer, jonas: Customer) -> None:
    override = {"customerIdOfEmailToKeep": gid(jonas)}
    merged = query(MERGE, one=gid(ada), two=gid(jonas), override=override)["data"]["customerMerge"]
    assert merged["resultingCustomerId"] == gid(jonas)


def test_nobody_is_merged_with_himself_or_a_stranger(query: Query, ada: Customer) -> None:
    for other, code in ((gid(ada), "INVALID_CUSTOMER"), ("gid://shopify/Customer/1", "INVALID_CUSTOMER_ID")):
        assert query(MERGE, one=gid(ada), two=other)["data"]["customerMerge"]["userErrors"] == [
            {"code": code}
        ]


def test_money_that_a_customer_still_has_stands_against_a_merge(
    query: Query, world: World, state: ShopState, ada: Customer, jonas: Customer
) -> None:
    with world.change():
        account = StoreCreditAccount(world.new_id(), ada.id, "USD", balance=1)
        card = GiftCard(world.new_id(), "abcd1234", "USD", 1, 1, world.now(), world.now(), jonas.id)
        world.save(state, account)
        world.save(state, card)
    merged = query(MERGE, one=gid(ada), two=gid(jonas))["data"]["customerMerge"]
    assert merged["userErrors"] == [{"code": "INVALID_CUSTOMER"}]
    account.balance = 0
    merged = query(MERGE, one=gid(ada), two=gid(jonas))["data"]["customerMerge"]
    assert merged["userErrors"] == [{"code": "CUSTOMER_HAS_GIFT_CARDS"}]


def test_a_customer_with_orders_is_not_deleted(
    query: Query, state: ShopState, ada: Customer, make_order: Callable[..., dict[str, Any]]
) -> None:
    make_order(("10.00", 1), customer={"toAssociate": {"id": gid(ada)}})
    document = "mutation($id: ID!) { customerDelete(input: {id: $id}) { userErrors { message } } }"
    assert query(document, id=gid(ada))["data"]["customerDelete"]["userErrors"] != []
    assert ada.id in state.customers


def test_an_order_makes_the_customer_it_names(
    state: ShopState, make_order: Callable[..., dict[str, Any]]
) -> None:
    upsert = {"toUpsert": {"email": "new@example.com", "firstName": "New"}}
    made = [number(make_order(("1.00", 1), customer=upsert)["id"]) for _ in range(2)]
    first, second = (state.orders[order_id].customer_id for order_id in made)
    assert first == second
    assert state.customers[first or 0].email == "new@example.com"


CONSENT = """
mutation($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) {
    customer { defaultEmailAddress { marketingState marketingUpdatedAt } }
    userErrors { field code }
  }
}"""
SMS_CONSENT = CONSENT.replace("Email", "Sms").replace("defaultSmsAddress", "defaultPhoneNumber")


def test_consent_is_kept_and_shown(query: Query, ada: Customer) -> None:
    consent = {"marketingState": "SUBSCRIBED", "consentUpdatedAt": "2026-01-02T03:04:05Z"}
    answer = query(CONSENT, input={"customerId": gid(ada), "emailMarketingConsent": consent})
    shown = answer["data"]["customerEmailMarketingConsentUpdate"]["customer"]["defaultEmailAddress"]
    assert shown == {"marketingState": "SUBSCRIBED", "marketingUpdatedAt": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        ({"marketingState": "REDACTED"}, "INCLUSION"),
        ({"marketingState": "NOT_SUBSCRIBED"}, "INCLUSION"),
        ({"marketingState": "SUBSCRIBED", "consentUpdatedAt": "2199-01-01T00:00:00Z"}, "INVALID"),
    ],
)
def test_consent_that_is_refused(query: Query, ada: Customer, consent: dict[str, str], code: str) -> None:
    answer = query(CONSENT, input={"customerId": gid(ada), "emailMarketingConsent": consent})
    (error,) = answer["data"]["customerEmailMarketingConsentUpdate"]["userErrors"]
    assert error["code"] == code


def test_consent_needs_something_to_send_to(query: Query, ada: Customer) -> None:
    ada.email = ada.phone = None
    for mutation, name in ((CONSENT, "email"), (SMS_CONSENT, "sms")):
        consent = {"marketingState": "SUBSCRIBED"}
        answer = query(mutation, input={"customerId": gid(ada), f"{name}MarketingConsent": consent})
        (payload,) = answer["data"].values()
        assert payload["userErrors"][0]["code"] == "INVALID"
