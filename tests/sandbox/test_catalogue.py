"""Products and collections change by Shopify's mutations, and the app is told in the real shape."""

from typing import Any

import pytest

from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query, number, usd
from tests.sandbox.test_payloads import Sent, same_keys

CREATE = """mutation($product: ProductCreateInput) { productCreate(product: $product) {
  product { id vendor tags variants(first: 1) { nodes { id } } } userErrors { field message } } }"""
UPDATE = """mutation($product: ProductUpdateInput) { productUpdate(product: $product) {
  product { id tags vendor collections(first: 9) { nodes { id } } } userErrors { field message } } }"""
DELETE = """mutation($id: ID!) { productDelete(input: {id: $id}) {
  deletedProductId userErrors { field message } } }"""
GATHER = """mutation($collection: CollectionCreateInput) { collectionCreate(collection: $collection) {
  collection { id handle } userErrors { field message } } }"""
RENAME = """mutation($collection: CollectionUpdateInput) { collectionUpdate(collection: $collection) {
  collection { title } userErrors { field message } } }"""
DISSOLVE = """mutation($id: ID!) { collectionDelete(input: {id: $id}) {
  deletedCollectionId userErrors { field message } } }"""
ADD = """mutation($id: ID!, $ids: [ID!]!) { collectionAddProducts(id: $id, productIds: $ids) {
  collection { products(first: 9) { nodes { id } } } userErrors { field message } } }"""
REMOVE = """mutation($id: ID!, $ids: [ID!]!) { collectionRemoveProducts(id: $id, productIds: $ids) {
  job { done } userErrors { field message } } }"""
SHOW = """query($ids: [ID!]!) { nodes(ids: $ids) {
  id ... on Product { collections(first: 9) { nodes { id } } } } }"""
TAG = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { field } } }"


@pytest.fixture
def sent(world: World) -> Sent:
    seen: Sent = {}
    world.listen(lambda state, topic, payload, event: seen.setdefault(topic, []).append(payload))
    return seen


def done(query: Query, document: str, **variables: Any) -> dict[str, Any]:
    (answer,) = query(document, **variables)["data"].values()
    assert answer["userErrors"] == []
    return answer


def refused(query: Query, document: str, **variables: Any) -> str:
    (answer,) = query(document, **variables)["data"].values()
    return answer["userErrors"][0]["message"]


@pytest.fixture
def bowl(query: Query) -> dict[str, Any]:
    product = {"title": "Bowl", "vendor": "Kiln & Co", "tags": ["clay"]}
    return done(query, CREATE, product=product)["product"]


@pytest.fixture
def summer(query: Query) -> str:
    return done(query, GATHER, collection={"title": "Summer"})["collection"]["id"]


def collections_of(query: Query, product: str) -> list[str]:
    (found,) = query(SHOW, ids=[product])["data"]["nodes"]
    return [collection["id"] for collection in found["collections"]["nodes"]]


def test_a_product_changes_and_is_told_of(sent: Sent, query: Query, bowl: dict[str, Any]) -> None:
    changed = done(query, UPDATE, product={"id": bowl["id"], "tags": ["sale", "Sale"], "vendor": "Other"})
    assert (changed["product"]["tags"], changed["product"]["vendor"]) == (["sale"], "Other")
    done(query, TAG, id=bowl["id"], tags=["new"])
    assert [told["tags"] for told in sent["products/update"]] == ["sale", "new, sale"]
    same_keys(sent["products/create"][0], "products/create")
    same_keys(sent["products/update"][0], "products/update")
    same_keys(sent["products/update"][0]["variants"][0], "variants")
    assert "collections/update" not in sent


def test_products_come_and_go_and_their_collection_tells(
    sent: Sent, query: Query, bowl: dict[str, Any], summer: str
) -> None:
    done(query, ADD, id=summer, ids=[bowl["id"]])
    assert collections_of(query, bowl["id"]) == [summer]
    done(query, ADD, id=summer, ids=[bowl["id"]])
    assert len(sent["collections/update"]) == 1
    done(query, REMOVE, id=summer, ids=[bowl["id"]])
    assert collections_of(query, bowl["id"]) == []
    done(query, UPDATE, product={"id": bowl["id"], "collectionsToJoin": [summer]})
    assert collections_of(query, bowl["id"]) == [summer]
    done(query, UPDATE, product={"id": bowl["id"], "collectionsToLeave": [summer]})
    assert collections_of(query, bowl["id"]) == []
    assert len(sent["collections/update"]) == 4
    done(query, RENAME, collection={"id": summer, "title": "Sunny"})
    assert [told["title"] for told in sent["collections/update"]] == ["Summer"] * 4 + ["Sunny"]
    for topic in ("collections/create", "collections/update"):
        same_keys(sent[topic][0], topic)


def test_a_collection_that_is_gone_leaves_its_products(
    sent: Sent, query: Query, bowl: dict[str, Any], summer: str
) -> None:
    done(query, ADD, id=summer, ids=[bowl["id"]])
    done(query, DISSOLVE, id=summer)
    assert collections_of(query, bowl["id"]) == []
    same_keys(sent["collections/delete"][0], "collections/delete")
    assert query(SHOW, ids=[summer])["data"]["nodes"] == [None]


def test_a_deleted_product_is_named_by_no_order(
    sent: Sent, query: Query, state: ShopState, bowl: dict[str, Any], summer: str, make_order: Any
) -> None:
    done(query, ADD, id=summer, ids=[bowl["id"]])
    (variant,) = bowl["variants"]["nodes"]
    line = {"variantId": variant["id"], "quantity": 1, "priceSet": usd("9.00")}
    order = state.orders[number(make_order(lineItems=[line])["id"])]
    (told,) = sent["orders/paid"][0]["line_items"]
    ids = (number(bowl["id"]), number(variant["id"]))
    assert (told["product_id"], told["variant_id"], told["vendor"]) == (*ids, "Kiln & Co")
    before = order.updated_at
    done(query, DELETE, id=bowl["id"])
    (left,) = order.lines
    assert (left.product_id, left.variant_id, left.vendor) == (None, None, "Kiln & Co")
    assert order.updated_at == before
    assert sent["products/delete"] == [{"id": ids[0]}]
    assert query(SHOW, ids=[bowl["id"]])["data"]["nodes"] == [None]
    assert state.collections[number(summer)].product_ids == []
    assert ids[1] not in state.variants


def test_what_is_gone_or_has_no_name_is_refused(query: Query, bowl: dict[str, Any], summer: str) -> None:
    done(query, DELETE, id=bowl["id"])
    done(query, DISSOLVE, id=summer)
    gone = {"id": summer, "ids": [bowl["id"]]}
    assert refused(query, DELETE, id=bowl["id"]) == "Product does not exist"
    assert refused(query, UPDATE, product={"id": bowl["id"]}) == "Product does not exist"
    assert refused(query, ADD, **gone) == "Collection does not exist"
    assert refused(query, REMOVE, **gone) == "Collection does not exist"
    assert refused(query, RENAME, collection={"id": summer}) == "Collection does not exist"
    assert refused(query, GATHER, collection={"title": ""}) == "Title can't be blank"


def test_the_app_may_not_change_the_catalogue(query: Query, app_token: str, summer: str) -> None:
    answer = query(DISSOLVE, token=app_token, id=summer)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
