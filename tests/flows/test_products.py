"""Points that depend on what is bought, while the merchant moves products about."""

import json
from pathlib import Path
from typing import Any

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant

JOINED = 50
PRODUCT_CREATE = """
mutation($product: ProductCreateInput) { productCreate(product: $product) {
  product { id variants(first: 1) { nodes { id } } } userErrors { message } } }"""
COLLECTION_CREATE = """
mutation($collection: CollectionCreateInput) { collectionCreate(collection: $collection) {
  collection { id legacyResourceId } userErrors { message } } }"""
ADD_PRODUCTS = """
mutation($id: ID!, $ids: [ID!]!) { collectionAddProducts(id: $id, productIds: $ids) {
  userErrors { message } } }"""
UPDATE = """
mutation($product: ProductUpdateInput) { productUpdate(product: $product) { userErrors { message } } }"""
DELETE = "mutation($id: ID!) { productDelete(input: { id: $id }) { userErrors { message } } }"


def applies(shop: Merchant, file: Path, rules: list[dict[str, Any]]) -> None:
    program = shop.program()
    program["earning"]["rules"] = rules
    file.write_text(json.dumps(program))
    shop.manage("program", "apply", "--shop", shop.domain, str(file))


def double(name: str, **on: list[Any]) -> dict[str, Any]:
    return {"id": name, "kind": "multiplier", "factor": "2", "stackable": True, "on": on}


def made(shop: Merchant, title: str) -> tuple[str, str]:
    """A product's id and that of its variant."""
    product = shop.admin(PRODUCT_CREATE, product={"title": title})["productCreate"]["product"]
    (variant,) = product["variants"]["nodes"]
    return product["id"], variant["id"]


def buys(customer: Customer, variant: str, amount: str) -> int:
    """How many points it gives, once all is handled, and what changed before it is heard of."""
    customer.shop.handled()
    before = customer.points
    price = customer.shop.money(amount)
    customer.buys(lineItems=[{"variantId": variant, "quantity": 1, "priceSet": price}])
    customer.shop.handled()
    return customer.points - before


def test_collections_and_tags_count_as_they_are_when_an_order_is_paid(
    own_shop: OwnShop, make_customer: MakeCustomer, tmp_path: Path
) -> None:
    shop = own_shop()
    bowl, variant = made(shop, "Bowl")
    collection = shop.admin(COLLECTION_CREATE, collection={"title": "Summer"})["collectionCreate"][
        "collection"
    ]
    summer = double("summer", collections=[int(collection["legacyResourceId"])])
    applies(shop, tmp_path / "program.json", [summer, double("clay", product_tags=["clay"])])
    customer = make_customer(shop)
    assert buys(customer, variant, "10.00") == 10
    shop.admin(ADD_PRODUCTS, id=collection["id"], ids=[bowl])
    assert buys(customer, variant, "10.00") == 20
    shop.admin(UPDATE, product={"id": bowl, "tags": ["Clay"]})
    assert buys(customer, variant, "10.00") == 30
    shop.admin(UPDATE, product={"id": bowl, "tags": [], "collectionsToLeave": [collection["id"]]})
    assert buys(customer, variant, "10.00") == 10
    # What was earned stays, whatever is heard of the orders later.
    assert customer.points == JOINED + 70
    assert "0 were behind" in shop.manage("reconcile", "--shop", shop.domain, "--days", "1")


def test_a_product_that_is_deleted_leaves_the_points_of_its_orders(
    own_shop: OwnShop, make_customer: MakeCustomer, tmp_path: Path
) -> None:
    shop = own_shop()
    bowl, variant = made(shop, "Bowl")
    shop.admin(UPDATE, product={"id": bowl, "tags": ["clay"]})
    applies(shop, tmp_path / "program.json", [double("clay", product_tags=["clay"])])
    customer = make_customer(shop)
    price = shop.money("40.00")
    order = customer.buys(lineItems=[{"variantId": variant, "quantity": 2, "priceSet": price}])
    shop.handled()
    assert customer.points == JOINED + 160
    shop.admin(DELETE, id=bowl)
    shop.refund(order, [(shop.lines(order)[0], 1)], "40.00", f"flow-{order}")
    shop.handled()
    assert customer.points == JOINED + 80
