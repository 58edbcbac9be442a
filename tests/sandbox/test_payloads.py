"""Deliveries have the keys that are noted for their topic, and numbers and strings as Shopify mixes them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query, number, usd
from tests.sandbox.test_orders import CANCEL, line, refund

KEYS = json.loads((Path(__file__).parents[2] / "sandbox/payload_keys.json").read_text())
Sent = dict[str, list[dict[str, Any]]]


@pytest.fixture
def sent(world: World) -> Sent:
    """Every payload by topic, before `include_fields` makes it smaller."""
    seen: Sent = {}
    world.listen(lambda state, topic, payload, event: seen.setdefault(topic, []).append(payload))
    return seen


def same_keys(payload: dict[str, Any], kind: str) -> None:
    assert sorted(payload) == KEYS[kind]


def test_payloads_of_an_order_and_its_refund(
    sent: Sent, query: Query, make_order: Callable[..., Any]
) -> None:
    made = query('mutation { customerCreate(input: {firstName: "Ada", tags: ["vip"]}) { customer { id } } }')
    customer = made["data"]["customerCreate"]["customer"]["id"]
    order = make_order(
        ("10.00", 2),
        customer={"toAssociate": {"id": customer}},
        shippingLines=[{"title": "Post", "priceSet": usd("6.00")}],
        fulfillmentStatus="FULFILLED",
    )
    refund(query, order, refundLineItems=[line(order, 0)], shipping={"amount": "1.00"}, money="12.00")
    query(CANCEL, id=order["id"], refund=True)
    for topic in ("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled"):
        same_keys(sent[topic][0], topic)
    payload = sent["orders/updated"][1]
    same_keys(payload["line_items"][0], "line_items")
    same_keys(payload["customer"], "order customer")
    same_keys(payload["refunds"][0], "refunds/create")
    given_back = sent["refunds/create"][0]
    for part in ("refund_line_items", "transactions", "order_adjustments", "refund_shipping_lines"):
        same_keys(given_back[part][0], part)
    assert (payload["total_price"], payload["line_items"][0]["price"]) == ("26.00", "10.00")
    first = given_back["refund_line_items"][0]
    assert isinstance(first["subtotal"], float)
    assert first["subtotal_set"]["shop_money"] == {"amount": "10.00", "currency_code": "USD"}
    kinds = {a["kind"]: a["amount"] for a in given_back["order_adjustments"]}
    assert kinds == {"shipping_refund": "-1.00", "refund_discrepancy": "-1.00"}
    same_keys(sent["customers/create"][0], "customers/create")
    same_keys(sent["customer.tags_added"][0], "customer.tags_added")


def test_payloads_of_consents_to_marketing(sent: Sent, query: Query) -> None:
    fields = 'firstName: "Ada", email: "consenting@example.com", phone: "+49301234567"'
    made = query(f"mutation {{ customerCreate(input: {{{fields}}}) {{ customer {{ id }} }} }}")
    customer = made["data"]["customerCreate"]["customer"]["id"]
    for way, topic in (
        ("Email", "customers_email_marketing_consent/update"),
        ("Sms", "customers_marketing_consent/update"),
    ):
        name = f"{way.lower()}MarketingConsent"
        query(
            f"mutation($id: ID!) {{ customer{way}MarketingConsentUpdate(input: {{customerId: $id, "
            f"{name}: {{marketingState: SUBSCRIBED}}}}) {{ userErrors {{ code }} }} }}",
            id=customer,
        )
        payload = sent[topic][0]
        same_keys(payload, topic)
        consent = payload[f"{way.lower()}_marketing_consent"]
        assert (consent["state"], consent["opt_in_level"]) == ("subscribed", "single_opt_in")
        assert consent["consent_updated_at"]
    assert sent["customers_email_marketing_consent/update"][0]["customer_id"] == number(customer)
    assert sent["customers_marketing_consent/update"][0]["id"] == number(customer)


def test_a_guest_order_has_no_customer(sent: Sent, make_order: Callable[..., Any]) -> None:
    make_order(("10.00", 1))
    assert sent["orders/paid"][0]["customer"] is None


def test_one_action_is_one_event_and_later_ones_are_others(
    world: World, query: Query, make_order: Callable[..., Any]
) -> None:
    events: list[str] = []
    world.listen(lambda state, topic, payload, event: events.append(event))
    make_order(("10.00", 1))
    assert (len(events), len(set(events))) == (3, 1)
    make_order(("10.00", 1))
    assert len(set(events)) == 2


def test_payloads_about_customers_shop_and_app(
    sent: Sent, client: FlaskClient, query: Query, state: ShopState
) -> None:
    one, two, three = list(state.customers.values())[:3]
    gids = [f"gid://shopify/Customer/{c.id}" for c in (one, two, three)]
    pair = f'customerOneId: "{gids[0]}", customerTwoId: "{gids[1]}"'
    merge = f"customerMerge({pair}) {{ resultingCustomerId }}"
    kept = query(f"mutation {{ {merge} }}")["data"]["customerMerge"]["resultingCustomerId"]
    assert kept == gids[0]
    assert number(kept) in state.customers
    for change in (
        f'customerDelete(input: {{id: "{gids[2]}"}}) {{ deletedCustomerId }}',
        f'tagsAdd(id: "{gids[0]}", tags: ["wholesale"]) {{ node {{ id }} }}',
        f'tagsRemove(id: "{gids[0]}", tags: ["WHOLESALE"]) {{ node {{ id }} }}',
    ):
        query(f"mutation {{ {change} }}")
    query('mutation { appRevokeAccessScopes(scopes: ["read_orders"]) { revoked { handle } } }')
    client.post("/sandbox/shop", json={"name": "Other"})
    for topic in ("data_request", "customer_redact", "shop_redact"):
        assert client.post(f"/sandbox/privacy/{topic}", json={"customer": one.id}).status_code == 200
    client.post("/sandbox/uninstall")
    for topic in (
        "customers/merge", "customers/update", "customers/delete",
        "customer.tags_added", "customer.tags_removed",
        "app/scopes_update", "shop/update", "customers/data_request", "customers/redact", "shop/redact",
        "app/uninstalled",
    ):  # fmt: skip
        same_keys(sent[topic][0], topic)


def test_deleting_an_order(sent: Sent, query: Query, make_order: Callable[..., Any]) -> None:
    order = make_order(("10.00", 1), test=True)
    query("mutation($id: ID!) { orderDelete(orderId: $id) { deletedId } }", id=order["id"])
    assert sent["orders/delete"] == [{"id": number(order["id"])}]
