"""The merchant and the customers of a journey."""

from __future__ import annotations

import json
from typing import Any

from tests.smoke.demo import Demo
from tests.smoke.shop import REFUND_CREATE, Json, Shop, expect, gid, wait_until

HANDLED_WITHIN_SECONDS = 40


class Merchant(Shop):
    """The shop, with what a merchant does in the admin beside selling."""

    def __init__(self, demo: Demo, domain: str | None = None, currency: str = "USD") -> None:
        super().__init__(demo, domain, currency)
        self.demo = demo

    def handled(self) -> None:
        """All that happened is delivered and handled, and nothing was parked on the way."""
        self.drive("idle", seconds=HANDLED_WITHIN_SECONDS)
        wait_until(HANDLED_WITHIN_SECONDS, "nothing waits", lambda: self.demo.waiting() == 0)

    def install(self) -> None:
        answer = self.drive("install")
        expect(answer["app_status"] == 200, f"the app's home answered {answer['app_status']}")

    def manage(self, *arguments: str) -> str:
        done = self.demo.manage(*arguments)
        expect(done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def program(self) -> Json:
        return json.loads(self.manage("program", "export", "--shop", self.domain))

    def mark_as_paid(self, order: int) -> None:
        self.admin(MARK_AS_PAID, id=gid("Order", order))

    def give_order(self, order: int, customer: int) -> None:
        self.admin(ORDER_CUSTOMER_SET, order=gid("Order", order), customer=gid("Customer", customer))

    def add_tags(self, customer: int, tags: list[str]) -> None:
        self.admin(TAGS_ADD, id=gid("Customer", customer), tags=tags)

    def remove_tags(self, customer: int, tags: list[str]) -> None:
        self.admin(TAGS_REMOVE, id=gid("Customer", customer), tags=tags)

    def lines(self, order: int) -> list[int]:
        nodes = self.admin(LINES, id=gid("Order", order))["order"]["lineItems"]["nodes"]
        return [int(node["id"].rsplit("/", 1)[1]) for node in nodes]

    def priced_lines(self, order: int) -> list[tuple[int, str]]:
        """(line id, price of one piece)"""
        nodes = self.admin(LINES, id=gid("Order", order))["order"]["lineItems"]["nodes"]
        return [
            (int(node["id"].rsplit("/", 1)[1]), node["originalUnitPriceSet"]["shopMoney"]["amount"])
            for node in nodes
        ]

    def refund_shipping(self, order: int, amount: str, key: str) -> None:
        money = {"orderId": gid("Order", order), "kind": "REFUND", "gateway": "manual", "amount": amount}
        wanted = {"orderId": gid("Order", order), "shipping": {"amount": amount}, "transactions": [money]}
        self.admin(REFUND_CREATE, input=wanted, key=key)

    def set_quantity(self, order: int, line: int, quantity: int) -> None:
        """Order editing: more or fewer pieces of a line."""
        edit = self.admin(EDIT_BEGIN, id=gid("Order", order))["orderEditBegin"]["calculatedOrder"]["id"]
        self.admin(EDIT_SET, id=edit, line=gid("CalculatedLineItem", line), quantity=quantity)
        self.admin(EDIT_COMMIT, id=edit)

    def delete_order(self, order: int) -> None:
        self.admin(ORDER_DELETE, id=gid("Order", order))

    def merge(self, one: int, two: int) -> int:
        """Answers who stays, which is Shopify's choice."""
        merged = self.admin(MERGE, one=gid("Customer", one), two=gid("Customer", two))
        return int(merged["customerMerge"]["resultingCustomerId"].rsplit("/", 1)[1])

    def fulfil(self, order: int, pieces: list[tuple[int, int]] | None = None) -> None:
        """`pieces`: (line id, quantity); all that is open where none are named."""
        (todo,) = self.admin(FULFILLMENT_ORDERS, id=gid("Order", order))["order"]["fulfillmentOrders"][
            "nodes"
        ]
        group: Json = {"fulfillmentOrderId": todo["id"]}
        if pieces:
            group["fulfillmentOrderLineItems"] = [
                {"id": gid("FulfillmentOrderLineItem", line), "quantity": count} for line, count in pieces
            ]
        self.admin(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": [group]})

    def add_to_order(self, order: int, amount: str) -> None:
        """Order editing: one more thing, to be paid later."""
        edit = self.admin(EDIT_BEGIN, id=gid("Order", order))["orderEditBegin"]["calculatedOrder"]["id"]
        self.admin(EDIT_ADD, id=edit, price=self.money(amount)["shopMoney"])
        self.admin(EDIT_COMMIT, id=edit)

    def lose_dispute(self, order: int, amount: str | None = None) -> int:
        """A bank questions a payment, and decides for the buyer."""
        wanted = {"order": order} | ({"amount": amount} if amount else {})
        dispute: int = self.drive("disputes", **wanted)["id"]
        self.drive(f"disputes/{dispute}", status="lost")
        return dispute

    def number_of_codes(self) -> int:
        return len(self.admin(CODES)["codeDiscountNodes"]["nodes"])

    def fault(self, operation: str, fault: str, times: int = 1, **more: Any) -> None:
        """An accident that strikes the app's calls of this root field."""
        self.drive("faults", operations=[{"operation": operation, "fault": fault, "times": times, **more}])


class Customer:
    def __init__(self, shop: Merchant, id: int) -> None:
        self.shop, self.id = shop, id
        self.browser = shop.browser(id)

    def joins(self) -> None:
        wait_until(15, f"customer {self.id} is a member", lambda: self.browser.me()["member"])

    @property
    def points(self) -> int:
        return self.browser.available()

    def member_points(self) -> Json:
        return self.browser.me()["member"]["points"]

    def buys(self, *amounts: str, **more: Any) -> int:
        return self.shop.order(self.id, *amounts, **more)


MARK_AS_PAID = """
mutation($id: ID!) { orderMarkAsPaid(input: { id: $id }) { userErrors { field message } } }"""
ORDER_CUSTOMER_SET = """
mutation($order: ID!, $customer: ID!) {
  orderCustomerSet(orderId: $order, customerId: $customer) { userErrors { field message } }
}"""
TAGS_ADD = (
    "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { message } } }"
)
TAGS_REMOVE = """
mutation($id: ID!, $tags: [String!]!) { tagsRemove(id: $id, tags: $tags) { userErrors { message } } }"""
LINES = """
query($id: ID!) {
  order(id: $id) { lineItems(first: 50) { nodes { id originalUnitPriceSet { shopMoney { amount } } } } }
}"""
FULFILLMENT_ORDERS = """
query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 1) { nodes { id } } } }"""
FULFILL = """
mutation($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { message } }
}"""
EDIT_BEGIN = (
    "mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id } userErrors { message } } }"
)
EDIT_ADD = """
mutation($id: ID!, $price: MoneyInput!) {
  orderEditAddCustomItem(id: $id, title: "Extra", quantity: 1, price: $price) { userErrors { message } }
}"""
EDIT_SET = """
mutation($id: ID!, $line: ID!, $quantity: Int!) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $quantity) { userErrors { message } }
}"""
ORDER_DELETE = "mutation($id: ID!) { orderDelete(orderId: $id) { userErrors { message } } }"
MERGE = """
mutation($one: ID!, $two: ID!) {
  customerMerge(customerOneId: $one, customerTwoId: $two) { resultingCustomerId userErrors { message } }
}"""
EDIT_COMMIT = "mutation($id: ID!) { orderEditCommit(id: $id) { userErrors { message } } }"
CODES = "query { codeDiscountNodes(first: 250) { nodes { id } } }"
