"""Rewards that are more than a code off an order: a free product, store credit, a gift card, cashback."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.smoke.redeeming import PIECES, buy, earn, off_line, redeem
from tests.smoke.shop import Browser, Json, expect, gid, wait_until
from tests.smoke.state import Run

SCOPES = ["read_store_credit_accounts", "write_store_credit_account_transactions", "write_gift_cards"]
"""Which the merchant may refuse."""
PRICE = 100
CREDIT = {"id": "credit", "kind": "store_credit", "title": "5.00 of credit", "points": PRICE, "value": "5.00"}
CARD = {"id": "card", "kind": "gift_card", "title": "Card of 10.00", "points": PRICE, "value": "10.00"}
ALLOWED_WITHIN_SECONDS = 15
PAID_WITHIN_SECONDS = 30


def free_product(run: Run) -> str:
    """One piece of a product is free beside another product, and alone it isn't."""
    bought, free = _two_goods(run)
    run.shop.drive("scopes", grant=SCOPES)
    run.offer(_free(bought[0], free[0]), CREDIT, CARD)
    customer = run.by_wealth()[0]
    browser = run.shop.browser(customer)
    made = redeem(run, customer, browser, "free", PRICE)
    browser.fill_cart((free[1], 1))
    expect(not browser.cart_takes(made["code"]), "the free product is free alone")
    browser.fill_cart((bought[1], 1), (free[1], PIECES))
    expect(browser.cart_takes(made["code"]), "the cart refuses the code")
    order = browser.pay()
    lines = run.shop.order_seen(order)["lineItems"]["nodes"]
    off = {int(line["variant"]["legacyResourceId"]): off_line(line) for line in lines}
    expect(off == {bought[1]: 0, free[1]: free[2]}, f"the order shows {off} off")
    browser.state_becomes(made["id"], "used")
    earn(run, customer, browser, order)
    run.check_balance(customer)
    return f"one of {PIECES} pieces for {free[2]:.2f} was free beside another product"


def store_credit(run: Run) -> str:
    """Credited once, and spent at the checkout."""
    customer = run.by_wealth()[1]
    browser = run.shop.browser(customer)
    _is_offered(browser, "credit")
    redeem(run, customer, browser, "credit", PRICE, state="used")
    expect(_credits(run, customer) == [5], f"Shopify credited {_credits(run, customer)}")
    browser.post("/checkout/store-credit", data={"use": "1"})
    buy(run, customer, browser)
    expect(_credits(run, customer) == [5, -5], f"the account shows {_credits(run, customer)}")
    run.check_balance(customer)
    return "5.00 credited once, and spent in an order"


def gift_card(run: Run) -> str:
    """One pays for an order; one is given back unused."""
    customer = run.by_wealth()[2]
    browser = run.shop.browser(customer)
    made = redeem(run, customer, browser, "card", PRICE)
    browser.post("/checkout/gift-card", data={"code": made["code"]})
    buy(run, customer, browser)
    expect(_cards(run, customer) == [(True, 0)], f"Shopify shows the cards {_cards(run, customer)}")
    before = run.owed[customer]
    unused = redeem(run, customer, browser, "card", PRICE)
    expect(browser.give_back(unused["id"]).ok, "the second card can't be given back")
    browser.state_becomes(unused["id"], "cancelled")
    run.owed[customer] = before
    seen = sorted(_cards(run, customer))
    expect(seen == [(False, 10), (True, 0)], f"Shopify shows the cards {seen}")
    run.check_balance(customer)
    return "one of 10.00 paid for an order, another was deactivated and its points are back"


def cashback(run: Run) -> str:
    """Who has enough is paid without a click, and nobody else is; then it is off again."""
    customer, next_one = run.by_wealth()[:2]
    browser = run.shop.browser(customer)
    points = run.owed[customer]
    expect(points > run.owed[next_one], "two have the most points")
    worth = Decimal(points) / 100
    earlier = _credits(run, customer)
    _set_cashback(run, active=True, least=worth)
    expect(browser.me()["cashback"]["least"] == str(worth), f"told is {browser.me()['cashback']}")
    what = f"customer {customer} is paid {worth}"
    wait_until(PAID_WITHIN_SECONDS, what, lambda: _credits(run, customer) == [*earlier, worth])
    wait_until(PAID_WITHIN_SECONDS, "their points are spent", lambda: browser.available() == 0)
    _set_cashback(run, active=False, least=worth)
    expect(browser.me()["cashback"] is None, "cashback is still offered")
    run.owed[customer] = 0
    run.check_balance(customer)
    run.check_balance(next_one)
    return f"{points} points became {worth} by themselves; who had less kept theirs; off again"


def _set_cashback(run: Run, active: bool, least: Decimal) -> None:
    """A point is worth a cent."""
    version = re.search(r'name="version" value="(\d+)"', run.shop.panel_page("cashback"))
    expect(version, "the panel's page of cashback names no version")
    run.shop.panel(
        "cashback",
        version=version and version[1],
        cashback=active,
        **{
            "cashback.points": "100",
            "cashback.value": "1.00",
            "cashback.least": str(least),
            "cashback.credit_days": "",
        },
    )


def _two_goods(run: Run) -> list[tuple[int, int, Decimal]]:
    """(product, variant, price), the dearer one first."""
    found = {Decimal(price): (product, variant) for product, variant, price in run.shop.goods()}
    first, *_, last = sorted(found, reverse=True)
    return [(*found[price], price) for price in (first, last)]


def _free(bought: int, free: int) -> Json:
    named = {"free": {"products": [free]}, "on": {"products": [bought]}}
    return {"id": "free", "kind": "free_product", "title": "One for free", "points": PRICE, **named}


def _is_offered(browser: Browser, reward: str) -> None:
    """Once the app has heard what it may do."""
    what = f"“{reward}” is on offer"
    wait_until(
        ALLOWED_WITHIN_SECONDS, what, lambda: reward in {one["id"] for one in browser.me()["rewards"]} or None
    )


def _credits(run: Run, customer: int) -> list[Decimal]:
    """What came to the account and left it, as Shopify shows it."""
    accounts = run.shop.admin(CREDITS, id=gid("Customer", customer))["customer"]["storeCreditAccounts"]
    return [
        Decimal(one["amount"]["amount"])
        for account in accounts["nodes"]
        for one in account["transactions"]["nodes"]
    ]


def _cards(run: Run, customer: int) -> list[tuple[bool, Decimal]]:
    """(can be used, what is left on it)"""
    nodes = run.shop.admin(CARDS)["giftCards"]["nodes"]
    own = [card for card in nodes if card["customer"] and card["customer"]["id"] == gid("Customer", customer)]
    return [(card["enabled"], Decimal(card["balance"]["amount"])) for card in own]


CREDITS = """
query($id: ID!) {
  customer(id: $id) { storeCreditAccounts(first: 1) { nodes {
    transactions(first: 50) { nodes { amount { amount } } }
  } } }
}"""
CARDS = "{ giftCards(first: 50) { nodes { enabled balance { amount } customer { id } } } }"
