"""Codes of every kind at the checkout: what it takes, what it refuses, and what of it comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant

Json = dict[str, Any]
PRODUCT_SET = """
mutation($input: ProductSetInput!) {
  productSet(input: $input) {
    product { legacyResourceId variants(first: 1) { nodes { legacyResourceId } } }
    userErrors { message }
  }
}"""


@dataclass
class Piece:
    """A product with one of its variants."""

    product: int
    variant: int
    price: int


@dataclass
class Scene:
    """A shop whose rewards can be set, and a member who can pay for all of them."""

    shop: Merchant
    customer: Customer
    mug: Piece
    knife: Piece
    folder: Path

    def offers(self, kind: str, **settings: Any) -> None:
        """The one reward of the program."""
        reward = {"id": "it", "kind": kind, "title": "It", "points": 10, **settings}
        program = {**self.shop.program(), "rewards": [reward]}
        file = self.folder / "program.json"
        file.write_text(json.dumps(program))
        self.shop.manage("program", "apply", "--shop", self.shop.domain, str(file))

    def redeems(self, key: str) -> Json:
        answer = self.customer.browser.redeem("it", key)
        assert answer.status_code == 201, answer.text
        return self.customer.browser.state_becomes(answer.json()["id"], "issued", seconds=30)

    def cart(self, code: str, *lines: tuple[Piece, int], plan: int | None = None) -> tuple[bool, int]:
        """Whether the cart takes the code, and what it takes off."""
        browser = self.customer.browser
        browser.post("/cart/clear.js")
        for piece, quantity in lines:
            item = {"id": piece.variant, "quantity": quantity, "selling_plan": plan}
            assert browser.post("/cart/add.js", json=item).ok
        cart = browser.post("/cart/update.js", json={"discount": code}).json()
        return cart["discount_codes"][0]["applicable"], cart["total_discount"]


def new_piece(shop: Merchant, title: str, price: int) -> Piece:
    only = {"optionName": "Title", "name": "Default Title"}
    product = {
        "title": title,
        "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}],
        "variants": [{"optionValues": [only], "price": f"{price / 100:.2f}"}],
    }
    made = shop.admin(PRODUCT_SET, input=product)["productSet"]["product"]
    (variant,) = made["variants"]["nodes"]
    return Piece(int(made["legacyResourceId"]), int(variant["legacyResourceId"]), price)


@pytest.fixture
def scene(own_shop: OwnShop, make_customer: MakeCustomer, tmp_path: Path) -> Scene:
    shop = own_shop()
    mug, knife = new_piece(shop, "Mug", 1800), new_piece(shop, "Knife", 4200)
    return Scene(shop, make_customer(shop), mug, knife, tmp_path)


def test_an_amount_off_some_products_leaves_the_others_alone(scene: Scene) -> None:
    scene.offers("fixed", value="3", on={"products": [scene.mug.product]})
    code = scene.redeems("a")["code"]
    assert scene.cart(code, (scene.knife, 2)) == (False, 0)
    assert scene.cart(code, (scene.knife, 1), (scene.mug, 2)) == (True, 300)


def test_a_share_of_a_collection(scene: Scene) -> None:
    shelf = scene.shop.new_collection("Shelf", [scene.mug.product])
    scene.offers("percentage", percent="50", on={"collections": [shelf]})
    code = scene.redeems("a")["code"]
    assert scene.cart(code, (scene.knife, 1)) == (False, 0)
    assert scene.cart(code, (scene.knife, 1), (scene.mug, 1)) == (True, scene.mug.price // 2)


def test_fewest_items(scene: Scene) -> None:
    scene.offers("fixed", value="3", minimum_quantity=3)
    code = scene.redeems("a")["code"]
    assert scene.cart(code, (scene.mug, 2)) == (False, 0)
    assert scene.cart(code, (scene.mug, 3)) == (True, 300)


def test_a_code_for_subscriptions(scene: Scene) -> None:
    scene.offers("fixed", value="3", purchase="subscription")
    code = scene.redeems("a")["code"]
    assert scene.cart(code, (scene.mug, 1)) == (False, 0)
    assert scene.cart(code, (scene.mug, 1), plan=1) == (True, 300)
    scene.offers("fixed", value="3", purchase="any")
    code = scene.redeems("b")["code"]
    assert scene.cart(code, (scene.mug, 1)) == scene.cart(code, (scene.mug, 1), plan=1) == (True, 300)


def test_a_product_is_free_beside_another_one_piece_and_no_more(scene: Scene) -> None:
    scene.offers(
        "free_product", free={"products": [scene.mug.product]}, on={"products": [scene.knife.product]}
    )
    made = scene.redeems("a")
    assert scene.cart(made["code"], (scene.mug, 1)) == (False, 0)
    assert scene.cart(made["code"], (scene.knife, 1)) == (False, 0)
    assert scene.cart(made["code"], (scene.knife, 2), (scene.mug, 3)) == (True, scene.mug.price)
    assert scene.customer.browser.post("/checkout/pay").status_code == 303
    scene.shop.handled()
    assert scene.customer.browser.redemption(made["id"])["state"] == "used"
    assert scene.cart(made["code"], (scene.knife, 2), (scene.mug, 1)) == (False, 0)


def test_free_shipping_to_some_countries(scene: Scene) -> None:
    scene.offers("free_shipping", countries=["DE"], maximum_price="100")
    made = scene.redeems("a")
    seen = scene.shop.code_seen(made["code"])
    assert seen is not None
    assert seen["status"] == "ACTIVE"


def test_a_reward_of_a_product_that_vanished_is_gone_for_shoppers_alone(scene: Scene) -> None:
    scene.offers("fixed", value="3", on={"products": [scene.mug.product]})
    assert scene.customer.browser.me()["rewards"]
    delete = "mutation($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }"
    scene.shop.admin(delete, id=f"gid://shopify/Product/{scene.mug.product}")
    scene.shop.handled()
    assert scene.customer.browser.me()["rewards"] == []
    assert scene.customer.browser.redeem("it", "late").status_code == 422


def test_what_is_given_back_is_free_for_the_next_one(scene: Scene, make_customer: MakeCustomer) -> None:
    scene.offers("fixed", value="3", in_total=1)
    made = scene.redeems("a")
    other = make_customer(scene.shop)
    assert other.browser.redeem("it", "b").json()["error"]["code"] == "limit_reached"
    assert other.browser.me()["rewards"][0]["reason"] == "all_taken"
    assert scene.customer.browser.give_back(made["id"]).ok
    scene.customer.browser.state_becomes(made["id"], "cancelled", seconds=30)
    assert other.browser.redeem("it", "c").status_code == 201
