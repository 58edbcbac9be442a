"""Disputes are told of with the optional scope and a subscription of the shop's own only."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.world import ShopState
from tests.sandbox.conftest import Query, exchange, number

SCOPE = "read_shopify_payments_disputes"
SUBSCRIBE = """
mutation($uri: String!) {
  webhookSubscriptionCreate(topic: DISPUTES_UPDATE, webhookSubscription: { uri: $uri }) {
    webhookSubscription { topic uri includeFields format }
    userErrors { field message }
  }
}"""
URI = "https://app.example.com/webhooks"
MakeOrder = Callable[..., dict[str, Any]]


def told(state: ShopState) -> list[str]:
    return [d.topic for d in state.deliveries.values() if d.topic.startswith("disputes/")]


def dispute(client: FlaskClient, order: dict[str, Any], **more: Any) -> Any:
    return client.post("/sandbox/disputes", json={"order": number(order["id"]), **more})


def test_nothing_is_told_without_the_scope(
    client: FlaskClient, state: ShopState, query: Query, app_token: str, make_order: MakeOrder
) -> None:
    refused = query(SUBSCRIBE, token=app_token, uri=URI)
    assert refused["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    made = dispute(client, make_order(("10.00", 1))).get_json()
    client.post(f"/sandbox/disputes/{made['id']}", json={"status": "lost"})
    assert told(state) == []


def test_what_the_merchant_grants_is_told_until_it_is_taken_back(
    client: FlaskClient, state: ShopState, query: Query, make_order: MakeOrder
) -> None:
    client.post("/sandbox/scopes", json={"grant": [SCOPE]})
    token = exchange(client)["access_token"]
    made = query(SUBSCRIBE, token=token, uri=URI)["data"]["webhookSubscriptionCreate"]
    assert made["webhookSubscription"]["topic"] == "DISPUTES_UPDATE"
    again = query(SUBSCRIBE, token=token, uri=URI)["data"]["webhookSubscriptionCreate"]
    assert "taken" in again["userErrors"][0]["message"]
    first = dispute(client, make_order(("10.00", 1)), amount="4.00").get_json()["id"]
    client.post(f"/sandbox/disputes/{first}", json={"status": "lost"})
    (delivery,) = [d for d in state.deliveries.values() if d.topic == "disputes/update"]
    assert delivery.uri == URI
    assert '"amount":"4.00"' in delivery.body
    assert told(state) == ["disputes/update"]  # nobody asked for disputes/create
    client.post("/sandbox/scopes", json={"revoke": [SCOPE]})
    client.post(f"/sandbox/disputes/{first}", json={"status": "won"})
    assert told(state) == ["disputes/update"]


@pytest.mark.parametrize(
    "wrong", [{"amount": "10.01"}, {"amount": "0"}, {"type": "quarrel"}, {"amount": "x"}]
)
def test_a_dispute_that_cant_be(client: FlaskClient, make_order: MakeOrder, wrong: dict[str, str]) -> None:
    order = make_order(("10.00", 1))
    assert dispute(client, order, **wrong).status_code == 400
    made = dispute(client, order).get_json()["id"]
    assert client.post(f"/sandbox/disputes/{made}", json={"status": "lukewarm"}).status_code == 400
    assert client.post("/sandbox/disputes/1", json={"status": "lost"}).status_code == 404


def test_only_optional_scopes_of_the_configuration_are_granted(client: FlaskClient) -> None:
    assert client.post("/sandbox/scopes", json={"grant": ["write_orders"]}).status_code == 400
    assert client.post("/sandbox/scopes", json={"revoke": [SCOPE]}).status_code == 200
