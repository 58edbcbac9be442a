"""An order becomes points, whatever happens to it and to the news of it."""

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant
from tests.smoke.shop import wait_until

JOINED = 50


def test_an_order_earns_when_it_is_paid(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("29.90", financialStatus="PENDING")
    shop.handled()
    assert customer.points == JOINED
    shop.mark_as_paid(order)
    shop.handled()
    assert customer.points == JOINED + 29


def test_a_refund_that_is_told_before_the_payment_counts_once(shop: Merchant, customer: Customer) -> None:
    shop.drive("faults", seed=3, webhooks={"shuffle": 3, "duplicate": 0.5})
    order = customer.buys("15.00", "5.00")
    shop.refund(order, [(shop.lines(order)[1], 1)], "5.00", f"flow-{order}")
    shop.handled()
    assert customer.points == JOINED + 15


def test_every_delivery_twice_and_in_any_order(shop: Merchant, customer: Customer) -> None:
    shop.drive("faults", seed=4, webhooks={"shuffle": 2, "duplicate": 1})
    order = customer.buys("3.33", "3.33", "3.33")
    for line in shop.lines(order)[:2]:
        shop.refund(order, [(line, 1)], "3.33", f"flow-{line}")
    shop.handled()
    assert customer.points == JOINED + 3


def test_a_lost_payment_is_made_good_by_the_next_news(shop: Merchant, customer: Customer) -> None:
    shop.drive("faults", webhooks={"drop": 1})
    order = customer.buys("10.00", "30.00")
    shop.drive("faults", reset=True)
    shop.refund(order, [(shop.lines(order)[0], 1)], "10.00", f"flow-{order}")
    shop.handled()
    assert customer.points == JOINED + 30


def test_what_was_never_delivered_is_found_by_reconcile_at_once(shop: Merchant) -> None:
    shop.drive("faults", webhooks={"drop": 1})
    buyer, visitor = (Customer(shop, shop.new_customer(name)) for name in ("Lost Buyer", "Lost Visitor"))
    order = buyer.buys("30.00")
    shop.cancel(buyer.buys("10.00"))
    shop.refund(order, [], "5.00", f"flow-{order}")
    shop.drive("faults", reset=True)
    assert "2 were behind" in shop.manage("reconcile", "--days", "1")
    assert (buyer.points, visitor.points) == (50 + 25, 50)


def test_what_an_edit_adds_after_the_payment_earns_at_once(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("20.00")
    shop.handled()
    assert customer.points == JOINED + 20
    shop.add_to_order(order, "15.00")
    shop.handled()
    assert customer.points == JOINED + 35


def test_money_refunded_without_lines_lowers_the_points(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("50.00")
    shop.refund(order, [], "12.00", f"flow-{order}")
    shop.handled()
    assert customer.points == JOINED + 38


def test_a_guests_order_earns_for_the_customer_it_is_given_to(shop: Merchant, customer: Customer) -> None:
    order = shop.order(None, "40.00")
    shop.handled()
    assert customer.points == JOINED
    shop.give_order(order, customer.id)
    shop.handled()
    assert customer.points == JOINED + 40


def test_a_cancelled_order_earns_nothing(shop: Merchant, customer: Customer) -> None:
    order = customer.buys("40.00")
    shop.handled()
    assert customer.points == JOINED + 40
    shop.cancel(order)
    shop.handled()
    assert customer.points == JOINED


def test_gift_cards_and_test_orders_earn_nothing(shop: Merchant, customer: Customer) -> None:
    customer.buys("70.00", test=True)
    lines = [
        {"title": "Tea", "quantity": 1, "priceSet": shop.money("50.00")},
        {"title": "Gift card", "quantity": 1, "giftCard": True, "priceSet": shop.money("50.00")},
    ]
    customer.buys(lineItems=lines)
    shop.handled()
    assert customer.points == JOINED + 50


def test_points_spent_before_the_refund_are_owed_and_paid_by_the_next_order(
    shop: Merchant, customer: Customer
) -> None:
    order = customer.buys("100.00")
    shop.handled()
    assert customer.browser.redeem("five-off", "flow").status_code == 201
    shop.refund(order, [(shop.lines(order)[0], 1)], "100.00", f"flow-{order}")
    shop.handled()
    points = customer.member_points()
    assert (points["available"], points["debt"]) == (0, 50)
    customer.buys("80.00")
    shop.handled()
    points = customer.member_points()
    assert (points["available"], points["debt"]) == (30, 0)


DISPUTES = "read_shopify_payments_disputes"


def test_a_lost_chargeback_takes_its_points_back_where_the_merchant_lets_shopify_tell(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop()
    customer = make_customer(shop)
    first, second = customer.buys("30.00", "20.00"), customer.buys("10.00")
    shop.lose_dispute(second)
    shop.handled()
    assert customer.points == JOINED + 60, "nobody told"
    shop.drive("scopes", grant=[DISPUTES])
    wait_until(60, "the app asks to be told", lambda: len(shop.status()["subscriptions"][shop.domain]) == 2)
    dispute = shop.lose_dispute(first, "20.00")
    shop.handled()
    assert customer.points == JOINED + 40
    shop.refund(first, [(shop.lines(first)[0], 1)], "30.00", f"flow-{first}")
    shop.handled()
    assert customer.points == JOINED + 10
    shop.drive(f"disputes/{dispute}", status="won")
    shop.handled()
    assert customer.points == JOINED + 30
    shop.drive("scopes", revoke=[DISPUTES])
    shop.lose_dispute(first)
    shop.handled()
    assert customer.points == JOINED + 30


def test_a_program_that_awards_on_fulfilment_waits_for_it(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop(earning={"award_on": "fulfilled"})
    customer = make_customer(shop)
    order = customer.buys("25.00")
    shop.handled()
    assert customer.points == JOINED
    shop.fulfil(order)
    shop.handled()
    assert customer.points == JOINED + 25


def test_points_on_hold_are_pending_and_a_refund_takes_them_first(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop(earning={"hold_days": 14})
    customer = make_customer(shop)
    order = customer.buys("20.00", "10.00")
    shop.handled()
    points = customer.member_points()
    assert (points["available"], points["pending"]) == (JOINED, 30)
    shop.refund(order, [(shop.lines(order)[1], 1)], "10.00", f"flow-{order}")
    shop.handled()
    points = customer.member_points()
    assert (points["available"], points["pending"]) == (JOINED, 20)


def test_an_excluded_tag_counts_at_the_first_award_and_not_later(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop(earning={"excluded_customer_tags": ["wholesale"]})
    dealer, friend = make_customer(shop, tags=["Wholesale"]), make_customer(shop)
    first = dealer.buys("60.00")
    friend.buys("60.00")
    shop.handled()
    assert (dealer.points, friend.points) == (JOINED, JOINED + 60)
    shop.remove_tags(dealer.id, ["Wholesale"])
    shop.refund(first, [], "1.00", f"flow-{first}")
    dealer.buys("10.00")
    shop.handled()
    assert dealer.points == JOINED + 10


def test_a_currency_without_decimals(own_shop: OwnShop, make_customer: MakeCustomer) -> None:
    shop = own_shop("JPY")
    customer = make_customer(shop)
    customer.buys("1999")
    shop.handled()
    assert customer.points == JOINED + 19


def test_tax_in_the_price_earns_nothing(own_shop: OwnShop, make_customer: MakeCustomer) -> None:
    shop = own_shop("EUR", taxes_included=True)
    customer = make_customer(shop)
    tax = {"title": "VAT", "rate": 0.19, "priceSet": shop.money("19.00")}
    line = {"title": "Lamp", "quantity": 1, "priceSet": shop.money("119.00"), "taxLines": [tax]}
    customer.buys(lineItems=[line], taxesIncluded=True)
    shop.handled()
    assert customer.points == JOINED + 100
