"""Store credit, gift cards and cashback through the whole app, to the end of what they buy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant
from tests.smoke.shop import gid, wait_until

SCOPES = ["read_store_credit_accounts", "write_store_credit_account_transactions", "write_gift_cards"]
ADD = "storeCreditAccountCredit"
CARD = "giftCardCreate"
REWARDS = [
    {"id": "credit", "kind": "store_credit", "title": "5.00 of credit", "points": 100, "value": "5.00"},
    {"id": "card", "kind": "gift_card", "title": "Card of 10.00", "points": 100, "value": "10.00"},
]
UNKNOWN = [
    ("timeout_after_work", {"seconds": 9}),
    ("late_create", {"seconds": 3}),
    ("cut", {}),
    ("throttle", {}),
    ("too_many", {}),
    ("unauthorized", {}),
]
CREDITS = """
query ($id: ID!) { customer(id: $id) { storeCreditAccounts(first: 1) { nodes {
  balance { amount } transactions(first: 50) { nodes { amount { amount } } } } } } }
"""
CARDS = "{ giftCards(first: 50) { nodes { note enabled balance { amount } customer { id } } } }"
Fill = Callable[..., Merchant]


@pytest.fixture
def generous(own_shop: OwnShop, tmp_path: Path) -> Fill:
    """A shop that gives money for points, with every permission that this takes."""

    def make(**settings: Any) -> Merchant:
        merchant = own_shop()
        merchant.drive("scopes", grant=SCOPES)
        document = {**merchant.program(), "rewards": REWARDS, **settings}
        file = tmp_path / "generous.json"
        file.write_text(json.dumps(document))
        merchant.manage("program", "apply", "--shop", merchant.domain, str(file))
        return merchant

    return make


def rich(shop: Merchant, make_customer: MakeCustomer) -> Customer:
    """With 250 points."""
    customer = make_customer(shop)
    customer.buys("200.00")
    shop.handled()
    assert customer.points == 250
    return customer


def ask(customer: Customer, reward: str, key: str = "flow") -> int:
    answer = customer.browser.redeem(reward, key)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def credits_of(customer: Customer) -> list[Decimal]:
    """What was ever added, as the shop itself says."""
    found = customer.shop.admin(CREDITS, id=gid("Customer", customer.id))["customer"]
    accounts = found["storeCreditAccounts"]["nodes"]
    return [
        Decimal(one["amount"]["amount"]) for account in accounts for one in account["transactions"]["nodes"]
    ]


def cards_of(customer: Customer) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = customer.shop.admin(CARDS)["giftCards"]["nodes"]
    return [card for card in nodes if card["customer"]["id"] == gid("Customer", customer.id)]


def test_store_credit_pays_for_an_order(generous: Fill, make_customer: MakeCustomer) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    seen = customer.browser.state_becomes(ask(customer, "credit"), "used")
    assert seen["code"] is None
    assert credits_of(customer) == [Decimal(5)]
    assert customer.points == 150
    _, variant = shop.new_product("Flow credit")
    customer.browser.post("/checkout/store-credit", data={"use": "1"})
    customer.browser.buy(variant, 1)
    assert credits_of(customer) == [Decimal(5), Decimal(-5)]
    shop.handled()
    assert customer.points == 150


@pytest.mark.parametrize(("fault", "more"), UNKNOWN)
def test_an_accident_ends_in_one_credit(
    generous: Fill, make_customer: MakeCustomer, fault: str, more: dict[str, float]
) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    shop.fault(ADD, fault, 1, **more)
    customer.browser.state_becomes(ask(customer, "credit"), "used", seconds=90)
    assert credits_of(customer) == [Decimal(5)]
    assert customer.points == 150


def test_where_nobody_knows_nothing_is_asked_twice(generous: Fill, make_customer: MakeCustomer) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    shop.fault(ADD, "5xx", 1)
    id = ask(customer, "credit")
    second = ask(customer, "credit", "second")
    time.sleep(10)
    assert [customer.browser.redemption(one)["state"] for one in (id, second)] == ["reserved", "reserved"]
    assert credits_of(customer) == []
    points = customer.member_points()
    assert (points["available"], points["reserved"]) == (50, 200)


def test_of_many_at_once_as_many_are_paid_as_there_are_points_for(
    generous: Fill, make_customer: MakeCustomer
) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    browsers = [shop.browser(customer.id) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda i: browsers[i].redeem("credit", f"flow-{i}"), range(6)))
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 4
    for id in made:
        customer.browser.state_becomes(id, "used", seconds=90)
    assert credits_of(customer) == [Decimal(5)] * 2
    assert customer.points == 50


@pytest.mark.parametrize(("fault", "more"), [*UNKNOWN, ("5xx", {}), ("taken", {})])
def test_an_accident_ends_in_one_gift_card(
    generous: Fill, make_customer: MakeCustomer, fault: str, more: dict[str, float]
) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    shop.fault(CARD, fault, 1, **more)
    seen = customer.browser.state_becomes(ask(customer, "card"), "issued", seconds=90)
    assert len(seen["code"]) == 16
    assert [card["balance"]["amount"] for card in cards_of(customer)] == ["10.0"]
    assert customer.points == 150


def test_a_gift_card_is_undone_while_nothing_was_spent_from_it(
    generous: Fill, make_customer: MakeCustomer
) -> None:
    shop = generous()
    customer = rich(shop, make_customer)
    first = ask(customer, "card")
    customer.browser.state_becomes(first, "issued")
    assert customer.browser.give_back(first).status_code == 200
    customer.browser.state_becomes(first, "cancelled")
    assert [card["enabled"] for card in cards_of(customer)] == [False]
    assert customer.points == 250
    second = ask(customer, "card", "second")
    code = customer.browser.state_becomes(second, "issued")["code"]
    _, variant = shop.new_product("Flow card")
    customer.browser.post("/checkout/gift-card", data={"code": code})
    customer.browser.buy(variant, 1)
    shop.handled()
    left = customer.points
    customer.browser.give_back(second)
    customer.browser.state_becomes(second, "used")
    assert customer.points == left


def test_cashback_is_paid_by_itself_and_a_refund_of_it_is_owed(
    generous: Fill, make_customer: MakeCustomer
) -> None:
    shop = generous(cashback={"points": 100, "value": "3.00", "least": "1.00"}, rewards=[])
    customer = make_customer(shop)
    order = customer.buys("200.00")
    wait_until(60, "it is paid", lambda: sum(credits_of(customer)) == Decimal("7.50"))
    wait_until(30, "its points are spent", lambda: customer.points == 0)
    assert customer.browser.me()["cashback"] == {"waits": "0.00", "coming": "0.00", "least": "1.00"}
    shop.cancel(order)
    shop.handled()
    assert customer.member_points()["debt"] == 200
    assert "BROKEN" not in shop.manage("audit")
