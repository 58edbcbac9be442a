"""Rewards without points, from the order that brings them to the one that uses them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant
from tests.smoke.shop import wait_until

MILESTONE = {
    "id": "hundred",
    "kind": "milestone",
    "title": "Thank you for 100",
    "reward": "five-off",
    "amount": "100",
    "starts": "2020-01-01",
}


@pytest.fixture
def shop(own_shop: OwnShop, tmp_path: Path) -> Merchant:
    made = own_shop()
    program = {**made.program(), "gifts": [MILESTONE]}
    file = tmp_path / "gifts.json"
    file.write_text(json.dumps(program))
    made.manage("program", "apply", "--shop", made.domain, str(file))
    return made


MUG = """
mutation($input: ProductSetInput!) { productSet(synchronous: true, input: $input) {
  product { variants(first: 1) { nodes { legacyResourceId } } } userErrors { message } } }"""


def mug(shop: Merchant) -> int:
    """The variant of something that costs more than a gift is worth."""
    only = {"price": "20.00", "optionValues": [{"optionName": "Title", "name": "One"}]}
    options = [{"name": "Title", "values": [{"name": "One"}]}]
    made = shop.admin(MUG, input={"title": "Mug", "productOptions": options, "variants": [only]})
    (variant,) = made["productSet"]["product"]["variants"]["nodes"]
    return int(variant["legacyResourceId"])


def at_hand(customer: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = customer.browser.me()["redemptions"]
    return found


def ready(customer: Customer, number: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        found = [one for one in at_hand(customer) if one["state"] == "issued"]
        return found if len(found) == number else None

    return wait_until(30, f"{number} gifts are ready", look)


def test_what_is_spent_brings_a_code_that_its_shopper_uses(
    shop: Merchant, make_customer: MakeCustomer
) -> None:
    customer = make_customer(shop)
    customer.buys("250.00")
    first, second = ready(customer, 2)
    assert first["points"] == 0
    points = customer.points
    assert shop.code_seen(first["code"]) is not None
    customer.browser.buy(mug(shop), 1, first["code"])
    shop.handled()
    assert [one["code"] for one in ready(customer, 1)] == [second["code"]]
    assert customer.points > points, "nothing was taken for it"


def test_a_refund_takes_an_unused_one_back(shop: Merchant, make_customer: MakeCustomer) -> None:
    customer = make_customer(shop)
    order = customer.buys("100.00")
    (gift,) = ready(customer, 1)
    shop.cancel(order)
    wait_until(30, "it is gone", lambda: not at_hand(customer))
    seen = shop.code_seen(gift["code"])
    assert seen is not None
    assert seen["status"] == "EXPIRED"
