"""A shop comes, goes, comes back and is erased; customers become one or are forgotten."""

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Merchant
from tests.smoke.shop import wait_until

JOINED = 50


def test_a_shop_that_comes_back_finds_its_program_and_its_members(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop(earning={"signup_bonus": 70})
    customer = make_customer(shop)
    customer.buys("30.00")
    shop.handled()
    shop.drive("uninstall")
    shop.handled()
    assert customer.browser.get("/apps/loyalty/me").status_code == 404
    shop.install()
    assert shop.program()["earning"]["signup_bonus"] == 70
    assert customer.points == 70 + 30
    customer.buys("5.00")
    shop.handled()
    assert customer.points == 70 + 35


def test_an_erased_shop_starts_anew(own_shop: OwnShop, make_customer: MakeCustomer) -> None:
    shop = own_shop(earning={"signup_bonus": 70})
    customer = make_customer(shop)
    customer.buys("30.00")
    shop.handled()
    shop.drive("uninstall")
    shop.handled()
    shop.drive("privacy/shop_redact")
    shop.handled()
    shop.install()
    assert shop.program()["earning"]["signup_bonus"] == JOINED
    wait_until(30, "the shop's customers are members again", lambda: customer.browser.me()["member"])
    assert customer.points == JOINED


def test_an_erasure_that_comes_after_the_return_erases_nothing(
    own_shop: OwnShop, make_customer: MakeCustomer
) -> None:
    shop = own_shop()
    customer = make_customer(shop)
    shop.drive("privacy/shop_redact")
    shop.handled()
    assert customer.points == JOINED


def test_who_became_a_customer_while_the_app_was_away_is_a_member(own_shop: OwnShop) -> None:
    shop = own_shop()
    shop.drive("uninstall")
    shop.handled()
    early = shop.new_customer("Early Bird")
    shop.install()
    browser = shop.browser(early)
    wait_until(30, "the early customer is a member", lambda: browser.me()["member"])
    assert browser.available() == JOINED


def test_what_two_accounts_have_adds_up_and_late_news_finds_the_survivor(
    shop: Merchant, make_customer: MakeCustomer
) -> None:
    one, two = make_customer(), make_customer()
    order = one.buys("20.00", "10.00")
    two.buys("40.00")
    shop.handled()
    shop.drive("faults", seed=5, webhooks={"shuffle": 2, "duplicate": 1})
    kept = shop.browser(shop.merge(one.id, two.id))
    shop.refund(order, [(shop.lines(order)[1], 1)], "10.00", f"flow-{order}")
    shop.handled()
    assert kept.available() == 2 * JOINED + 20 + 40


def test_who_is_forgotten_is_nobody_even_when_they_buy_again(
    shop: Merchant, make_customer: MakeCustomer
) -> None:
    customer = make_customer()
    customer.buys("20.00")
    shop.handled()
    shop.drive("privacy/customer_redact", customer=str(customer.id))
    customer.buys("20.00")
    shop.handled()
    assert customer.browser.me()["member"] is None
    assert customer.browser.post("/apps/loyalty/enrol", json={}).status_code == 403
