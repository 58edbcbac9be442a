"""Order editing: staged, then committed; what was paid is compared with what the order costs now."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query, number

Make = Callable[..., dict[str, Any]]
EURO = {"amount": "15.00", "currencyCode": "USD"}
BEGIN = "mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id } userErrors { message } } }"
ADD_ITEM = """
mutation($id: ID!, $price: MoneyInput!) {
  orderEditAddCustomItem(id: $id, title: "Extra", quantity: 1, price: $price) {
    calculatedOrder { totalOutstandingSet { shopMoney { amount } } }
    userErrors { message }
  }
}"""
ADD_VARIANT = """
mutation($id: ID!, $variant: ID!) {
  orderEditAddVariant(id: $id, variantId: $variant, quantity: 2) { userErrors { message } }
}"""
SET_QUANTITY = """
mutation($id: ID!, $line: ID!, $quantity: Int!) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $quantity) { userErrors { message } }
}"""
COMMIT = """
mutation($id: ID!) {
  orderEditCommit(id: $id) {
    order {
      edited displayFinancialStatus
      currentSubtotalPriceSet { shopMoney { amount } }
      originalTotalPriceSet { shopMoney { amount } }
    }
    userErrors { message }
  }
}"""


@pytest.fixture
def edits(world: World) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    world.listen(
        lambda state, topic, payload, event: seen.append(payload) if topic == "orders/edited" else None
    )
    return seen


def begin(query: Query, order: dict[str, Any]) -> str:
    return query(BEGIN, id=order["id"])["data"]["orderEditBegin"]["calculatedOrder"]["id"]


def test_an_item_added_to_a_paid_order_is_still_to_be_paid(
    query: Query, make_order: Make, state: ShopState, edits: list[dict[str, Any]]
) -> None:
    order = make_order(("20.00", 1))
    edit = begin(query, order)
    staged = query(ADD_ITEM, id=edit, price=EURO)["data"]["orderEditAddCustomItem"]["calculatedOrder"]
    assert staged["totalOutstandingSet"]["shopMoney"]["amount"] == "15.0"
    assert len(state.orders[number(order["id"])].lines) == 1
    done = query(COMMIT, id=edit)["data"]["orderEditCommit"]["order"]
    assert done["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert done["currentSubtotalPriceSet"]["shopMoney"]["amount"] == "35.0"
    assert done["originalTotalPriceSet"] == {"shopMoney": {"amount": "20.0"}}
    (told,) = edits
    assert told["order_edit"]["order_id"] == number(order["id"])
    assert [line["delta"] for line in told["order_edit"]["line_items"]["additions"]] == [1]


def test_quantities_up_and_down(query: Query, make_order: Make, state: ShopState) -> None:
    order = make_order(("20.00", 3), ("5.00", 1))
    first, second = order["lineItems"]["nodes"]
    edit = begin(query, order)
    query(SET_QUANTITY, id=edit, line=first["id"], quantity=1)
    query(SET_QUANTITY, id=edit, line=second["id"].replace("LineItem", "CalculatedLineItem"), quantity=2)
    query(COMMIT, id=edit)
    lines = state.orders[number(order["id"])].lines
    assert [(line.quantity, line.current_quantity) for line in lines] == [(3, 1), (2, 2)]


def test_a_variant_is_added_with_its_price(query: Query, make_order: Make, state: ShopState) -> None:
    order = make_order(("20.00", 1))
    variant = state.product_by_handle("dune-mug").variants[0]
    edit = begin(query, order)
    gid = f"gid://shopify/ProductVariant/{variant.id}"
    assert query(ADD_VARIANT, id=edit, variant=gid)["data"]["orderEditAddVariant"]["userErrors"] == []
    assert query(ADD_VARIANT, id=edit, variant=gid)["data"]["orderEditAddVariant"]["userErrors"] != []
    assert query(COMMIT, id=edit)["data"]["orderEditCommit"]["order"]["currentSubtotalPriceSet"] == {
        "shopMoney": {"amount": "56.0"}
    }


def test_an_edit_is_committed_once(query: Query, make_order: Make) -> None:
    edit = begin(query, make_order(("20.00", 1)))
    query(COMMIT, id=edit)
    assert query(COMMIT, id=edit)["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
