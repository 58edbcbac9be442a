"""Whatever an order goes through, its points are those of its final state."""

import random
from typing import Any

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant
from tests.flows.test_bad_input import deliver_json

JOINED = 50


@pytest.mark.parametrize("seed", [1, 2])
def test_pieces_amounts_and_shipping_refunded_in_any_order_end_at_nothing(
    shop: Merchant, customer: Customer, seed: int
) -> None:
    shop.drive("faults", seed=seed, webhooks={"shuffle": 1, "duplicate": 0.3})
    shipping = {"title": "Post", "priceSet": shop.money("4.90")}
    order = customer.buys("10.00", "7.77", "23.99", shippingLines=[shipping])
    steps: list[tuple[str, Any]] = [("line", (line, price)) for line, price in shop.priced_lines(order)]
    steps += [("amount", "5.00"), ("shipping", "4.90")]
    random.Random(seed).shuffle(steps)
    left, money = 41.76, 0.0
    for number, (what, detail) in enumerate(steps):
        key = f"states-{order}-{number}"
        if what == "line":
            shop.refund(order, [(detail[0], 1)], None, key)
            left -= float(detail[1])
        elif what == "amount":
            shop.refund(order, [], detail, key)
            money += float(detail)
        else:
            shop.refund_shipping(order, detail, key)
    shop.handled()
    assert (round(left, 2), money) == (0.0, 5.0)
    assert customer.points == JOINED


def test_what_an_edit_takes_off_earns_no_longer(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("20.00", "15.00")
    shop.handled()
    shop.set_quantity(order, shop.lines(order)[1], 0)
    shop.handled()
    assert customer.points == JOINED + 20
    shop.set_quantity(order, shop.lines(order)[0], 3)
    shop.handled()
    assert customer.points == JOINED + 60


def test_an_exchange_counts_what_was_kept(shop: Merchant, customer: Customer) -> None:
    """The piece comes back without money, another goes out for it: 30 out, 45 in."""
    order = customer.buys("30.00", "10.00")
    shop.refund(order, [(shop.lines(order)[0], 1)], None, f"exchange-{order}")
    shop.add_to_order(order, "45.00")
    shop.handled()
    assert customer.points == JOINED + 55


def test_a_draft_that_is_completed_earns_when_it_is_paid(shop: Merchant, customer: Customer) -> None:
    lines = [{"title": "Chair", "price": "80.00"}]
    made = shop.drive("orders", customer=customer.id, source="shopify_draft_order", paid=False, lines=lines)
    shop.handled()
    assert customer.points == JOINED
    shop.mark_as_paid(made["id"])
    shop.handled()
    assert customer.points == JOINED + 80


def test_a_till_earns_for_who_is_named_at_it_or_later(shop: Merchant, customer: Customer) -> None:
    lines = [{"title": "Tea", "price": "12.00"}]
    shop.drive("orders", customer=customer.id, source="pos", lines=lines)
    nobody = shop.drive("orders", source="pos", lines=lines)["id"]
    shop.refund(nobody, [], "2.00", f"pos-{nobody}")
    shop.handled()
    assert customer.points == JOINED + 12
    shop.give_order(nobody, customer.id)
    shop.handled()
    assert customer.points == JOINED + 12 + 10


def test_a_deleted_order_earns_nothing_whatever_still_arrives(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("25.00")
    shop.handled()
    shop.cancel(order)
    shop.delete_order(order)
    shop.handled()
    assert customer.points == JOINED
    late = _payload(customer, order, "25.00", updated_at="2026-11-01T10:00:00Z")
    for topic in ("orders/paid", "orders/updated"):
        assert deliver_json(shop, late, topic).status_code == 200
    shop.handled()
    assert customer.points == JOINED


def test_an_old_payload_that_is_retried_changes_nothing(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("25.00", "10.00")
    shop.refund(order, [(shop.lines(order)[0], 1)], "25.00", f"stale-{order}")
    shop.handled()
    for topic in ("orders/paid", "orders/updated", "orders/fulfilled"):
        deliver_json(shop, _payload(customer, order, "35.00", updated_at="2026-11-01T10:00:00Z"), topic)
    shop.handled()
    assert customer.points == JOINED + 10


def test_a_currency_with_three_decimals(own_shop: OwnShop, make_customer: MakeCustomer) -> None:
    shop = own_shop("KWD", earning={"rate": {"points": 1, "per": "1.000"}})
    customer = make_customer(shop)
    order = customer.buys("12.345", "0.655")
    shop.handled()
    assert customer.points == JOINED + 13
    shop.refund(order, [], "0.001", f"kwd-{order}")
    shop.handled()
    assert customer.points == JOINED + 12


def test_points_follow_the_shops_money_not_what_the_buyer_saw(shop: Merchant, customer: Customer) -> None:
    lines = [{"title": "Lamp", "price": "40.00", "discounts": ["10.00"]}]
    yen = {"currency": "JPY", "rate": "150"}
    made = shop.drive("orders", customer=customer.id, source="web", presentment=yen, lines=lines)
    shop.refund(made["id"], [], "5.00", f"yen-{made['id']}")
    shop.handled()
    assert customer.points == JOINED + 25


def test_what_is_sent_in_parts_earns_when_the_last_part_goes(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop(earning={"award_on": "fulfilled"})
    customer = make_customer(shop)
    order = customer.buys("25.00", "10.00")
    shop.fulfil(order, [(shop.lines(order)[0], 1)])
    shop.handled()
    assert customer.points == JOINED
    shop.fulfil(order)
    shop.handled()
    assert customer.points == JOINED + 35


def _payload(customer: Customer, order: int, price: str, **changes: Any) -> dict[str, Any]:
    """An order as it was long ago."""
    return {
        "id": order,
        "created_at": "2026-11-01T10:00:00Z",
        "processed_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid",
        "currency": "USD",
        "customer": {"id": customer.id},
        "line_items": [{"id": 1, "quantity": 1, "current_quantity": 1, "price": price}],
        **changes,
    }
