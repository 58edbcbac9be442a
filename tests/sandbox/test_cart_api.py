"""The AJAX cart API that widgets call."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from sandbox.model import Variant
from sandbox.storefront import prices
from sandbox.storefront.cart import safe_path
from sandbox.world import ShopState


@pytest.fixture
def mug(state: ShopState) -> Variant:
    product = state.product_by_handle("dune-mug")
    assert product is not None
    return product.variants[0]


def test_add_change_update_and_clear(client: FlaskClient, mug: Variant) -> None:
    added = client.post("/cart/add.js", json={"items": [{"id": mug.id, "quantity": 2}]}).json["items"][0]
    assert (added["quantity"], added["price"], added["final_line_price"]) == (2, 1800, 3600)
    assert client.post("/cart/add.js", data={"id": str(mug.id)}).json["quantity"] == 3
    cart = client.post("/cart/change.js", json={"line": 1, "quantity": 5}).json
    assert (cart["item_count"], cart["total_price"]) == (5, 9000)
    assert client.post("/cart/update.js", json={"updates": {str(mug.id): 1}}).json["item_count"] == 1
    assert client.post("/cart/update.js", data={f"updates[{mug.id}]": "4"}).json["item_count"] == 4
    assert client.post("/cart/clear.js").json["items"] == []
    assert client.get("/cart.js").json["item_count"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/cart/add.js", {"id": 1}, 404),
        ("/cart/add.js", {"id": "x"}, 404),
        ("/cart/add.js", {}, 404),
        ("/cart/change.js", {"line": 1, "quantity": 1}, 400),
        ("/cart/change.js", {"id": "nothing"}, 400),
    ],
)
def test_what_is_not_there_is_refused(
    client: FlaskClient, path: str, body: dict[str, object], status: int
) -> None:
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json["status"]) == (status, status)


def test_codes_are_replaced_kept_and_taken_away(client: FlaskClient, mug: Variant) -> None:
    client.post("/cart/add.js", json={"id": mug.id})
    cart = client.post("/cart/update.js", json={"discount": "ONE,TWO"}).json
    assert cart["discount_codes"] == [
        {"code": "ONE", "applicable": False},
        {"code": "TWO", "applicable": False},
    ]
    assert client.post("/cart/update.js", json={"discount": ""}).json["discount_codes"] == []


def test_link_with_a_code_keeps_it_and_goes_on(client: FlaskClient) -> None:
    answer = client.get("/discount/HELLO?redirect=/cart")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/cart")
    assert client.get("/cart.js").json["discount_codes"] == [{"code": "HELLO", "applicable": False}]


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x"])
def test_no_redirect_out_of_the_shop(path: str) -> None:
    assert safe_path(path) == "/"


@pytest.mark.parametrize(
    ("minor", "currency", "cents", "text"),
    [
        (1234, "USD", 1234, "$12.34"),
        (1000, "JPY", 100_000, "¥1,000"),
        (12345, "KWD", 1234, "12.345 KWD"),
        (-500, "EUR", -500, "-€5.00"),
    ],
)
def test_liquid_counts_in_hundredths(minor: int, currency: str, cents: int, text: str) -> None:
    assert prices.liquid_cents(minor, currency) == cents
    assert prices.shown(minor, currency) == text


def test_liquid_cents_come_back_as_minor_units() -> None:
    assert prices.from_liquid_cents(Decimal(100_000), "JPY") == 1000


def test_forms_work_without_javascript(client: FlaskClient, mug: Variant) -> None:
    client.post("/cart/add", data={"id": mug.id, "quantity": "2"})
    assert "$36.00" in client.get("/cart").text
    client.post("/cart/change", data={"id": mug.id, "quantity": "2", "remove": "1"})
    assert "Nothing in here yet" in client.get("/cart").text
