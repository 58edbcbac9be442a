"""Orders made, paid, refunded and cancelled, with the sums that Shopify's books would show."""

from collections.abc import Callable
from typing import Any

from sandbox.world import ShopState
from tests.sandbox.conftest import Query, number, usd

REFUND = """
mutation($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    userErrors { field message }
    refund { id }
    order {
      displayFinancialStatus
      refundDiscrepancySet { shopMoney { amount } }
      currentTotalPriceSet { shopMoney { amount } }
    }
  }
}"""
CANCEL = """
mutation($id: ID!, $refund: Boolean!) {
  orderCancel(orderId: $id, reason: CUSTOMER, refund: $refund, restock: true) {
    orderCancelUserErrors { message code }
  }
}"""
Make = Callable[..., dict[str, Any]]


def refund(query: Query, order: dict[str, Any], key: str = "k", **fields: Any) -> dict[str, Any]:
    money = fields.pop("money", None)
    if money is not None:
        transaction = {"orderId": order["id"], "kind": "REFUND", "gateway": "manual", "amount": money}
        fields["transactions"] = [transaction]
    return query(REFUND, input={"orderId": order["id"], **fields}, key=key)["data"]["refundCreate"]


def line(order: dict[str, Any], index: int, quantity: int = 1) -> dict[str, Any]:
    return {"lineItemId": order["lineItems"]["nodes"][index]["id"], "quantity": quantity}


def discounts(order: dict[str, Any]) -> list[str]:
    return [sum_of(node["discountAllocations"]) for node in order["lineItems"]["nodes"]]


def sum_of(allocations: list[dict[str, Any]]) -> str:
    return ",".join(a["allocatedAmountSet"]["shopMoney"]["amount"] for a in allocations)


def total(order: dict[str, Any]) -> str:
    return str(order["totalPriceSet"]["shopMoney"]["amount"])


def test_a_fixed_code_is_shared_over_the_lines_to_the_cent(make_order: Make) -> None:
    code = {"itemFixedDiscountCode": {"code": "TEN", "amountSet": usd("10.00")}}
    order = make_order(("3.33", 1), ("3.33", 1), ("3.33", 1), ("40.01", 1), discountCode=code)
    assert discounts(order) == ["0.67", "0.67", "0.66", "8.0"]
    assert total(order) == "40.0"


def test_a_percentage_code_is_rounded_once(make_order: Make) -> None:
    code = {"itemPercentageDiscountCode": {"code": "P", "percentage": 10}}
    order = make_order(("0.99", 1), ("0.99", 1), ("0.99", 1), discountCode=code)
    assert discounts(order) == ["0.1", "0.1", "0.1"]
    assert total(order) == "2.67"


def test_free_shipping_lowers_only_the_shipping(make_order: Make) -> None:
    shipping = [{"title": "Post", "priceSet": usd("6.00")}]
    code = {"freeShippingDiscountCode": {"code": "SHIP"}}
    order = make_order(("10.00", 1), shippingLines=shipping, discountCode=code)
    assert total(order) == "10.0"
    assert discounts(order) == [""]


def test_a_code_takes_nothing_off_a_gift_card(query: Query, make_order: Make) -> None:
    card = {"title": "Card", "quantity": 1, "priceSet": usd("50.00"), "giftCard": True}
    thing = {"title": "Mug", "quantity": 1, "priceSet": usd("50.00")}
    code = {"itemFixedDiscountCode": {"code": "X", "amountSet": usd("60.00")}}
    order = make_order(lineItems=[card, thing], discountCode=code)
    assert discounts(order) == ["", "50.0"]


def test_tax_is_added_or_contained(make_order: Make) -> None:
    tax = [{"title": "VAT", "rate": "0.19"}]
    item = {"title": "Mug", "quantity": 1, "priceSet": usd("119.00"), "taxLines": tax}
    assert total(make_order(lineItems=[item], taxesIncluded=True)) == "119.0"
    assert total(make_order(lineItems=[item], taxesIncluded=False)) == "141.61"


def test_pieces_refunded_one_at_a_time_end_at_exactly_the_line(
    query: Query, make_order: Make, state: ShopState
) -> None:
    code = {"itemFixedDiscountCode": {"code": "X", "amountSet": usd("10.00")}}
    order = make_order(("3.35", 3), ("40.00", 1), discountCode=code)
    for turn in range(3):
        assert refund(query, order, f"k{turn}", refundLineItems=[line(order, 0)])["userErrors"] == []
    refunds = state.orders[number(order["id"])].refunds
    assert [r.lines[0].subtotal for r in refunds] == [268, 268, 268]
    books = state.orders[number(order["id"])].lines[0]
    assert (books.current_quantity, sum(r.lines[0].subtotal for r in refunds)) == (0, 1005 - books.discount)


def test_more_money_than_the_lines_explain_is_a_negative_discrepancy(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 1), ("10.00", 1))
    answer = refund(query, order, refundLineItems=[line(order, 1)], money="12.00")["order"]
    assert answer["refundDiscrepancySet"]["shopMoney"]["amount"] == "-2.0"
    assert answer["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


def test_an_amount_alone_is_all_discrepancy(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 1))
    answer = refund(query, order, money="12.00")["order"]
    assert answer["refundDiscrepancySet"]["shopMoney"]["amount"] == "-12.0"


def test_a_line_taken_back_without_money_is_a_positive_discrepancy(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 1), ("10.00", 1))
    answer = refund(query, order, refundLineItems=[line(order, 1)])["order"]
    assert answer["refundDiscrepancySet"]["shopMoney"]["amount"] == "10.0"
    assert answer["displayFinancialStatus"] == "PAID"


def test_shipping_alone_is_explained(query: Query, make_order: Make, state: ShopState) -> None:
    order = make_order(("50.00", 1), shippingLines=[{"title": "Post", "priceSet": usd("6.00")}])
    answer = refund(query, order, shipping={"fullRefund": True}, money="6.00")["order"]
    assert answer["refundDiscrepancySet"]["shopMoney"]["amount"] == "0.0"
    (adjustment,) = state.orders[number(order["id"])].refunds[0].adjustments
    assert (adjustment.kind, adjustment.amount) == ("shipping_refund", -600)


def test_more_than_was_paid_is_refused(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 1))
    assert refund(query, order, money="50.01")["userErrors"][0]["field"] == ["transactions"]
    assert refund(query, order, refundLineItems=[line(order, 0, 2)])["userErrors"] != []


def test_the_same_key_refunds_once_and_other_parameters_are_refused(
    query: Query, make_order: Make, state: ShopState
) -> None:
    order = make_order(("50.00", 1))
    first = refund(query, order, money="5.00")["refund"]["id"]
    assert refund(query, order, money="5.00")["refund"]["id"] == first
    assert refund(query, order, money="6.00")["userErrors"] != []
    assert len(state.orders[number(order["id"])].refunds) == 1


def test_a_refund_needs_an_idempotency_key(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 1))
    plain = REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    answer = query(plain, input={"orderId": order["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_cancelling_a_paid_order_gives_everything_back(
    query: Query, make_order: Make, state: ShopState
) -> None:
    order = make_order(("50.00", 2), shippingLines=[{"title": "Post", "priceSet": usd("6.00")}])
    assert query(CANCEL, id=order["id"], refund=True)["data"]["orderCancel"]["orderCancelUserErrors"] == []
    fields = "displayFinancialStatus currentTotalPriceSet { shopMoney { amount } }"
    (after,) = query(f"{{ orders(first: 1) {{ nodes {{ {fields} }} }} }}")["data"]["orders"]["nodes"]
    assert after["displayFinancialStatus"] == "REFUNDED"
    assert after["currentTotalPriceSet"]["shopMoney"]["amount"] == "0.0"
    again = query(CANCEL, id=order["id"], refund=True)["data"]["orderCancel"]["orderCancelUserErrors"]
    assert again[0]["code"] == "INVALID"


def test_cancelling_an_unpaid_order_voids_it(query: Query, make_order: Make, state: ShopState) -> None:
    order = make_order(("50.00", 2), financialStatus="PENDING")
    query(CANCEL, id=order["id"], refund=False)
    assert query("{ orders(first: 1) { nodes { displayFinancialStatus } } }")["data"]["orders"]["nodes"] == [
        {"displayFinancialStatus": "VOIDED"}
    ]


def test_marking_as_paid_pays_once(query: Query, make_order: Make) -> None:
    order = make_order(("50.00", 2), financialStatus="PENDING")
    fields = "order { fullyPaid } userErrors { message }"
    pay = f"mutation($id: ID!) {{ orderMarkAsPaid(input: {{id: $id}}) {{ {fields} }} }}"
    assert query(pay, id=order["id"])["data"]["orderMarkAsPaid"]["order"] == {"fullyPaid": True}
    assert query(pay, id=order["id"])["data"]["orderMarkAsPaid"]["userErrors"] != []


def test_a_refused_order_leaves_no_trace(query: Query, state: ShopState) -> None:
    document = (
        "mutation($order: OrderCreateOrderInput!) { orderCreate(order: $order) { userErrors { code } } }"
    )
    for order in (
        {"lineItems": []},
        {"lineItems": [{"title": "", "quantity": 1, "priceSet": usd("1")}]},
        {"lineItems": [{"title": "A", "quantity": 0, "priceSet": usd("1")}]},
        {"lineItems": [{"title": "A", "quantity": 1}]},
        {"currency": "EUR", "lineItems": [{"title": "A", "quantity": 1, "priceSet": usd("1")}]},
        {
            "lineItems": [{"title": "A", "quantity": 1, "priceSet": usd("1")}],
            "processedAt": "2999-01-01T00:00:00Z",
        },
        {
            "lineItems": [{"title": "A", "quantity": 1, "priceSet": usd("1")}],
            "transactions": [{"amountSet": {"shopMoney": {"amount": "1", "currencyCode": "EUR"}}}],
        },
    ):
        assert query(document, order=order)["data"]["orderCreate"]["userErrors"] != []
    assert state.orders == {}


def test_what_shopify_suggests_to_refund_can_be_refunded(query: Query, make_order: Make) -> None:
    tax = [{"title": "Tax", "rate": "0.1"}]
    items = [{"title": "Mug", "quantity": 2, "priceSet": usd("10.00"), "taxLines": tax}]
    order = make_order(lineItems=items, shippingLines=[{"title": "Post", "priceSet": usd("6.00")}])
    document = """
      query($id: ID!, $lines: [RefundLineItemInput!]) {
        order(id: $id) {
          suggestedRefund(refundLineItems: $lines, refundShipping: true) {
            amountSet { shopMoney { amount } }
            suggestedTransactions { amountSet { shopMoney { amount } } parentTransaction { id } }
          }
        }
      }"""
    lines = [line(order, 0)]
    suggested = query(document, id=order["id"], lines=lines)["data"]["order"]["suggestedRefund"]
    assert suggested["amountSet"]["shopMoney"]["amount"] == "17.0"
    assert suggested["suggestedTransactions"][0]["parentTransaction"] == order["transactions"][0]
    answer = refund(query, order, refundLineItems=lines, shipping={"fullRefund": True}, money="17.00")[
        "order"
    ]
    assert answer["refundDiscrepancySet"]["shopMoney"]["amount"] == "0.0"


def test_an_authorized_order_is_paid_when_captured(query: Query, make_order: Make) -> None:
    order = make_order(("10.00", 1), financialStatus="AUTHORIZED")
    assert order["displayFinancialStatus"] == "AUTHORIZED"
    document = """
      mutation($input: OrderCaptureInput!) {
        orderCapture(input: $input) {
          transaction { kind order { displayFinancialStatus } }
          userErrors { message }
        }
      }"""
    given = {"id": order["id"], "parentTransactionId": order["transactions"][0]["id"], "amount": "10.00"}
    captured = query(document, input=given)["data"]["orderCapture"]["transaction"]
    assert captured == {"kind": "CAPTURE", "order": {"displayFinancialStatus": "PAID"}}
    assert query(document, input=given)["data"]["orderCapture"]["userErrors"] != []


def test_an_order_is_fulfilled_in_parts(query: Query, make_order: Make) -> None:
    order = make_order(("10.00", 2))
    ask = """
      query($id: ID!) {
        order(id: $id) {
          displayFulfillmentStatus
          fulfillmentOrders(first: 1) {
            nodes { id status lineItems(first: 5) { nodes { id remainingQuantity } } }
          }
        }
      }"""
    work = """
      mutation($fulfillment: FulfillmentInput!) {
        fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { totalQuantity } userErrors { message } }
      }"""
    for status in ("PARTIALLY_FULFILLED", "FULFILLED"):
        (todo,) = query(ask, id=order["id"])["data"]["order"]["fulfillmentOrders"]["nodes"]
        pieces = [{"id": todo["lineItems"]["nodes"][0]["id"], "quantity": 1}]
        group = {"fulfillmentOrderId": todo["id"], "fulfillmentOrderLineItems": pieces}
        done = query(work, fulfillment={"lineItemsByFulfillmentOrder": [group]})["data"]["fulfillmentCreate"]
        assert done == {"fulfillment": {"totalQuantity": 1}, "userErrors": []}
        assert query(ask, id=order["id"])["data"]["order"]["displayFulfillmentStatus"] == status


def test_a_product_is_set_with_prices_and_collections(query: Query, state: ShopState) -> None:
    cups = state.collection_by_handle("cups")
    document = """
      mutation($input: ProductSetInput!) {
        productSet(input: $input) {
          product {
            handle
            variants(first: 2) { nodes { title price } }
            collections(first: 2) { nodes { handle } }
          }
          userErrors { message }
        }
      }"""
    values = [{"optionName": "Size", "name": "Large"}]
    given = {
        "title": "Tea Bowl",
        "collections": [f"gid://shopify/Collection/{cups.id}"],
        "variants": [{"price": "12.50", "optionValues": values}],
    }
    assert query(document, input=given)["data"]["productSet"]["product"] == {
        "handle": "tea-bowl",
        "variants": {"nodes": [{"title": "Large", "price": "12.50"}]},
        "collections": {"nodes": [{"handle": "cups"}]},
    }
