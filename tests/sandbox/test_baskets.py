"""Orders with discounts on single lines, by `POST /sandbox/orders`."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import order_payloads, totals
from sandbox.world import ShopState

BASKET = {
    "processed_at": "2026-03-01T10:00:00+00:00",
    "lines": [
        {"title": "Tea", "price": "4.00", "quantity": 2, "discounts": ["0.50", "0.25"]},
        {"title": "Jam", "price": "3.00"},
    ],
}


def sell(client: FlaskClient, **changes: Any) -> Any:
    return client.post("/sandbox/orders", json={**BASKET, **changes})


def test_each_discount_stays_on_its_line(client: FlaskClient, state: ShopState) -> None:
    made = sell(client, customer=next(iter(state.customers))).get_json()
    order = state.orders[made["id"]]
    assert [totals.line_net(line) for line in order.lines] == [725, 300]
    assert made["lines"] == [line.id for line in order.lines]
    assert totals.financial_status(order) == "paid"
    assert order.processed_at.isoformat() == BASKET["processed_at"]
    assert [application.kind for application in order.discount_applications] == ["manual", "manual"]


def test_it_is_announced_like_a_checkouts_order(client: FlaskClient, state: ShopState) -> None:
    sell(client)
    assert {"orders/paid", "orders/updated"} <= {delivery.topic for delivery in state.deliveries.values()}


def test_several_are_made_one_after_the_other(client: FlaskClient, state: ShopState) -> None:
    made = client.post("/sandbox/orders", json=[BASKET, {**BASKET, "lines": BASKET["lines"][:1]}]).get_json()
    assert [len(order["lines"]) for order in made] == [2, 1]
    assert {order["id"] for order in made} <= set(state.orders)
    paid = [delivery for delivery in state.deliveries.values() if delivery.topic == "orders/paid"]
    assert len({delivery.event_id for delivery in paid}) == len(paid)


def test_a_line_may_be_of_a_product_in_the_shop_at_the_tills_own_price(
    client: FlaskClient, state: ShopState
) -> None:
    variant = next(iter(state.variants.values()))
    line = {"title": "Tea", "price": "0.99", "variant": variant.id}
    made = client.post("/sandbox/orders", json={"lines": [line]}).get_json()
    (sold,) = order_payloads.order(state, state.orders[made["id"]])["line_items"]
    product = state.products[variant.product_id]
    seen = {name: sold[name] for name in ("price", "product_id", "variant_id", "vendor")}
    assert seen == {
        "price": "0.99", "product_id": product.id, "variant_id": variant.id, "vendor": product.vendor
    }  # fmt: skip


def test_a_line_may_be_a_subscription(client: FlaskClient, state: ShopState) -> None:
    lines = [{"title": "Tea", "price": "1.00", "subscription": each} for each in (True, False)]
    made = client.post("/sandbox/orders", json={"lines": lines}).get_json()
    sold = order_payloads.order(state, state.orders[made["id"]])["line_items"]
    assert [line["selling_plan_id"] for line in sold] == [1, None]


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": 1},
        {"lines": [{"title": "Tea", "price": "1.00", "variant": 1}]},
        {"lines": []},
        {"lines": [{"title": "Tea", "price": "1.00", "discounts": ["1.01"]}]},
        {"lines": [{"title": "Tea", "price": "-1.00"}]},
        {"lines": [{"title": "Tea", "price": "dear"}]},
        {"lines": [{"price": "1.00"}]},
        {"processed_at": "2026-03-01T10:00:00"},
        {"colour": "red"},
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, state: ShopState, changes: Any) -> None:
    before = len(state.orders)
    assert sell(client, **changes).status_code == 400
    assert len(state.orders) == before


def test_what_the_buyer_saw_is_another_currency(client: FlaskClient, state: ShopState) -> None:
    yen = {"currency": "JPY", "rate": "150"}
    made = client.post(
        "/sandbox/orders",
        json={"presentment": yen, "paid": False, "source": "web", "lines": [{"title": "A", "price": "1.50"}]},
    )
    delivery = next(d for d in state.deliveries.values() if d.topic == "orders/updated")
    order = state.orders[made.get_json()["id"]]
    payload = order_payloads.order(state, order)
    assert payload["presentment_currency"] == "JPY"
    assert payload["total_price_set"] == {
        "shop_money": {"amount": "1.50", "currency_code": "USD"},
        "presentment_money": {"amount": "225", "currency_code": "JPY"},
    }
    assert (payload["financial_status"], payload["source_name"]) == ("pending", "web")
    assert '"currency":"USD"' in delivery.body
