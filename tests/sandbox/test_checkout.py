"""A person buys: with a code, without, signed in or not; and the merchant acts on the order."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.model import Customer, Order
from sandbox.world import ShopState

from .conftest import Query
from .shop import sign_in

CREATE = """
mutation($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) { codeDiscountNode { id } userErrors { message } }
}"""


@pytest.fixture
def ada(state: ShopState) -> Customer:
    return next(iter(state.customers.values()))


@pytest.fixture
def code(query: Query, ada: Customer) -> str:
    """Five off, once, for one customer: what a redemption makes."""
    discount: dict[str, Any] = {
        "title": "5.00 off",
        "code": "LOYAL-5",
        "startsAt": "2026-01-01T00:00:00Z",
        "usageLimit": 1,
        "context": {"customers": {"add": [f"gid://shopify/Customer/{ada.id}"]}},
        "customerGets": {
            "items": {"all": True},
            "value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}},
        },
    }
    made = query(CREATE, discount=discount)["data"]["discountCodeBasicCreate"]
    assert made["userErrors"] == []
    return "LOYAL-5"


def fill_cart(client: FlaskClient, state: ShopState) -> None:
    product = state.product_by_handle("dune-mug")
    assert product is not None
    client.post("/cart/add.js", json={"id": product.variants[0].id, "quantity": 2})


def last_order(state: ShopState) -> Order:
    return max(state.orders.values(), key=lambda order: order.number)


def test_code_is_used_once(client: FlaskClient, state: ShopState, ada: Customer, code: str) -> None:
    sign_in(client, ada)
    fill_cart(client, state)
    assert client.post("/cart/update.js", json={"discount": code}).json["total_price"] == 3100
    page = client.get("/checkout").text
    assert "−$5.00" in page
    thanks = client.post("/checkout/pay", follow_redirects=True)
    order = last_order(state)
    assert f"Thank you, {ada.first_name}" in thanks.text
    assert [use.code for use in order.discount_codes] == [code]
    assert order.customer_id == ada.id
    assert order.name in client.get("/account").text

    fill_cart(client, state)
    refused = client.post("/checkout/discount", data={"code": code})
    assert refused.status_code == 422
    assert "has reached its usage limit" in refused.text
    assert "−$" not in refused.text


def test_personal_code_is_refused_to_a_guest_who_can_still_pay(
    client: FlaskClient, state: ShopState, code: str
) -> None:
    fill_cart(client, state)
    client.get(f"/discount/{code}")
    page = client.get("/checkout").text
    assert "belongs to a customer: sign in to use it" in page
    assert client.post("/checkout/pay", follow_redirects=True).status_code == 200
    assert last_order(state).discount_codes == []


def test_empty_cart_has_no_checkout(client: FlaskClient) -> None:
    for answer in (client.get("/checkout"), client.post("/checkout/pay")):
        assert answer.headers["Location"] == "/cart"


def test_nobody_sees_the_order_of_another(client: FlaskClient, state: ShopState, ada: Customer) -> None:
    sign_in(client, ada)
    fill_cart(client, state)
    client.post("/checkout/pay")
    path = f"/account/orders/{last_order(state).id}"
    assert client.get(path).status_code == 200
    client.post("/account/logout")
    assert client.get(path).status_code == 404


def test_new_customer_is_made_signed_in_and_told_to_apps(client: FlaskClient, state: ShopState) -> None:
    fields = {"first_name": "Noor", "last_name": "Haddad", "email": "noor@example.com", "return_to": "/cart"}
    answer = client.post("/account/register", data=fields)
    assert answer.headers["Location"] == "/cart"
    assert "Hello, Noor" in client.get("/account").text
    again = client.post("/account/register", data=fields)
    assert again.status_code == 422
    assert "already" in again.text
    assert client.post("/account/register", data={**fields, "email": "no"}).status_code == 422


def test_merchant_refunds_cancels_and_sends(client: FlaskClient, state: ShopState, ada: Customer) -> None:
    sign_in(client, ada)
    fill_cart(client, state)
    client.post("/checkout/pay")
    order = last_order(state)
    line = order.lines[0]
    base = f"/admin/orders/{order.id}"
    assert client.post(f"{base}/refund", data={f"line-{line.id}": "1"}).status_code == 303
    assert line.current_quantity == 1
    assert client.post(f"{base}/refund", data={"amount": "2.50"}).status_code == 303
    assert order.refunds[-1].money == 250
    assert client.post(f"{base}/fulfil").status_code == 303
    assert order.fulfillments
    for wrong in ({}, {"amount": "much"}, {"amount": "99999"}):
        assert client.post(f"{base}/refund", data=wrong).status_code == 422
    assert client.post(f"{base}/cancel").status_code == 303
    assert order.cancelled_at is not None
    assert client.post(f"{base}/cancel").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/admin/orders",
        "/admin/customers",
        "/admin/discounts",
        "/admin/theme",
        "/admin/apps/loyalty",
        "/sandbox",
    ],
)
def test_pages_of_the_admin_open(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_addresses_of_the_real_admin_lead_somewhere(client: FlaskClient, ada: Customer) -> None:
    editor = client.get("/admin/themes/current/editor?context=apps", follow_redirects=True)
    assert "Theme" in editor.text
    assert ada.display_name in client.get(f"/admin/customers/{ada.id}").text


def test_id_tokens_only_for_the_frame(client: FlaskClient) -> None:
    path = "/admin/apps/loyalty/id-token"
    assert client.post(path).status_code == 403
    assert client.post(path, headers={"X-Requested-With": "frame"}).json["token"].count(".") == 2
