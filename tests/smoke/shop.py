"""The shop as merchants, shoppers and accidents meet it: HTTP and nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from tests.smoke.demo import Demo

Json = dict[str, Any]
T = TypeVar("T")
API = "/admin/api/2026-10/graphql.json"
SECONDS = 30


class Unexpected(AssertionError):
    """Something is not as promised; the text says what."""


def expect(holds: object, what: str) -> None:
    if not holds:
        raise Unexpected(what)


def answers(answer: requests.Response, status: int, code: str | None = None) -> None:
    """It was answered so; `code`: of the error."""
    expect(answer.status_code == status, f"{answer.status_code} in place of {status}: {answer.text[:300]}")
    if code is not None:
        expect(answer.json()["error"]["code"] == code, f"{answer.text[:300]} in place of {code}")


def wait_until(seconds: float, what: str, look: Callable[[], T | None]) -> T:
    """Look again until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        expect(time.monotonic() < deadline, f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.1)
    return seen


class Shop:
    """The merchant's side: the Admin API and the sandbox's driver."""

    def __init__(self, demo: Demo, domain: str | None = None, currency: str = "USD") -> None:
        self._demo = demo
        self.domain = domain or demo.shop
        self._currency = currency
        self._local = threading.local()

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["Host"] = self.domain
        return self._local.session

    def admin(self, document: str, **variables: Any) -> Json:
        """The data; errors of any kind are unexpected."""
        answer = self._session().post(
            self._demo.sandbox + API,
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self._demo.admin_token},
            timeout=SECONDS,
        )
        body = answer.json()
        expect(answer.ok and not body.get("errors"), f"Admin API: {answer.status_code} {answer.text[:500]}")
        for name, payload in body["data"].items():
            expect(not _refusals(payload), f"{name}: {_refusals(payload)}")
        return body["data"]

    def drive(self, action: str, **given: Any) -> Json:
        return self._drive(action, given)

    def sell(self, orders: list[Json]) -> list[Json]:
        """Several orders in one call of the driver."""
        return self._drive("orders", orders)

    def _drive(self, action: str, given: Any) -> Any:
        answer = self._session().post(f"{self._demo.sandbox}/sandbox/{action}", json=given, timeout=120)
        expect(answer.ok, f"POST /sandbox/{action}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def status(self) -> Json:
        return self._session().get(f"{self._demo.sandbox}/sandbox/status", timeout=SECONDS).json()

    # -- the panel --------------------------------------------------------------------------------------

    def panel(self, path: str, **typed: Any) -> Json:
        """What staff do in the panel."""
        answer = self.try_panel(path, **typed)
        answers(answer, 200)
        return answer.json()

    def try_panel(self, path: str, **typed: Any) -> requests.Response:
        return requests.post(self._panel(path), json=typed, headers=self._staff(), timeout=SECONDS)

    def panel_page(self, path: str) -> str:
        """What staff read there."""
        answer = requests.get(self._panel(path), headers=self._staff(), timeout=SECONDS)
        answers(answer, 200)
        return answer.text

    def _panel(self, path: str) -> str:
        return f"{self._demo.app}/app/{path}"

    def _staff(self) -> dict[str, str]:
        answer = self._session().get(f"{self._demo.sandbox}/sandbox/id-token", timeout=SECONDS)
        return {"Authorization": f"Bearer {answer.json()['id_token']}"}

    # -- people -----------------------------------------------------------------------------------------

    def new_customer(self, name: str) -> int:
        email = f"{name.lower().replace(' ', '.')}@example.com"
        made = self.admin(CUSTOMER_CREATE, input={"firstName": name, "email": email})
        return int(made["customerCreate"]["customer"]["legacyResourceId"])

    def standings(self, wanted: list[int]) -> dict[int, Json | None]:
        """The metafield that themes print, by customer."""
        nodes = self.admin(STANDINGS, ids=[gid("Customer", id) for id in wanted])["nodes"]
        return {
            id: json.loads(node["metafield"]["value"]) if node and node["metafield"] else None
            for id, node in zip(wanted, nodes, strict=True)
        }

    def points(self, customer: int) -> int | None:
        standing = self.standings([customer])[customer]
        return standing["points"] if standing else None

    # -- goods ------------------------------------------------------------------------------------------

    def new_product(self, title: str) -> tuple[int, int]:
        """(product id, id of its variant)."""
        product = self.admin(PRODUCT_CREATE, product={"title": title})["productCreate"]["product"]
        (variant,) = product["variants"]["nodes"]
        return int(product["legacyResourceId"]), int(variant["legacyResourceId"])

    def new_collection(self, title: str, products: list[int]) -> int:
        made = self.admin(COLLECTION_CREATE, title=title)["collectionCreate"]["collection"]
        ids = [gid("Product", product) for product in products]
        self.admin(COLLECTION_ADD, id=made["id"], products=ids)
        return int(made["legacyResourceId"])

    # -- orders -----------------------------------------------------------------------------------------

    def order(self, customer: int | None, *amounts: str, **more: Any) -> int:
        """A paid order made by the Admin API."""
        lines = [
            {"title": f"Thing {place}", "quantity": 1, "priceSet": self.money(amount)}
            for place, amount in enumerate(amounts)
        ]
        wanted: Json = {"lineItems": lines, "financialStatus": "PAID", **more}
        if customer is not None:
            wanted["customer"] = {"toAssociate": {"id": gid("Customer", customer)}}
        return int(self.admin(ORDER_CREATE, order=wanted)["orderCreate"]["order"]["legacyResourceId"])

    def money(self, amount: str) -> Json:
        return {"shopMoney": {"amount": amount, "currencyCode": self._currency}}

    def refund(self, order: int, lines: list[tuple[int, int]], amount: str | None, key: str) -> None:
        """`lines`: (line id, pieces); `amount`: the money that goes back."""
        wanted: Json = {
            "orderId": gid("Order", order),
            "refundLineItems": [
                {"lineItemId": gid("LineItem", line), "quantity": pieces, "restockType": "NO_RESTOCK"}
                for line, pieces in lines
            ],
        }
        if amount is not None:
            money = {"orderId": gid("Order", order), "kind": "REFUND", "gateway": "manual", "amount": amount}
            wanted["transactions"] = [money]
        self.admin(REFUND_CREATE, input=wanted, key=key)

    def cancel(self, order: int) -> None:
        """With the money given back."""
        self.admin(ORDER_CANCEL, id=gid("Order", order))

    def order_seen(self, order: int) -> Json:
        return self.admin(ORDER, id=gid("Order", order))["order"]

    def code_seen(self, code: str) -> Json | None:
        node = self.admin(CODE, code=code)["codeDiscountNodeByCode"]
        return node["codeDiscount"] if node else None

    def variants(self) -> list[tuple[int, str]]:
        """(variant id, price) of the first variant of each product that is no gift card."""
        return [(variant, price) for _, variant, price in self.goods()]

    def goods(self) -> list[tuple[int, int, str]]:
        """(product id, variant id, price), likewise."""
        products = self.admin(PRODUCTS)["products"]["nodes"]
        found = [(one, one["variants"]["nodes"][0]) for one in products if not one["isGiftCard"]]
        return [
            (int(product["legacyResourceId"]), int(variant["legacyResourceId"]), variant["price"])
            for product, variant in found
        ]

    def browser(self, customer: int | None = None) -> Browser:
        """A shopper's browser, signed in when a customer is named."""
        browser = Browser(self._demo.sandbox, self.domain)
        if customer is not None:
            answer = browser.post("/sandbox/login", json={"customer": str(customer)})
            expect(answer.ok, f"customer {customer} can't sign in: {answer.status_code}")
        return browser


class Browser:
    """The shopper's side: pages, cart and the app behind `/apps/loyalty`."""

    def __init__(self, base: str, domain: str) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.headers["Host"] = domain

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._base + path, timeout=SECONDS, allow_redirects=False)

    def post(self, path: str, **how: Any) -> requests.Response:
        return self._session.post(self._base + path, timeout=SECONDS, allow_redirects=False, **how)

    def me(self) -> Json:
        answer = self.get("/apps/loyalty/me")
        expect(answer.status_code == 200, f"GET me: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def available(self) -> int:
        member = self.me()["member"]
        expect(member is not None, "the customer is no member")
        return int(member["points"]["available"])

    def redeem(self, reward: str, key: str, points: int | None = None) -> requests.Response:
        chosen = {} if points is None else {"points": points}
        return self.post("/apps/loyalty/redemptions", json={"reward": reward, "key": key, **chosen})

    def redemption(self, id: int) -> Json:
        answer = self.get(f"/apps/loyalty/redemptions/{id}")
        expect(answer.status_code == 200, f"GET redemptions/{id}: {answer.status_code}")
        return answer.json()

    def give_back(self, id: int) -> requests.Response:
        return self.post(f"/apps/loyalty/redemptions/{id}/cancel", json={})

    def state_becomes(self, id: int, state: str, seconds: float = 15) -> Json:
        """The redemption, once it is in this state."""

        def look() -> Json | None:
            seen = self.redemption(id)
            return seen if seen["state"] == state else None

        return wait_until(seconds, f"redemption {id} becomes {state}", look)

    def fill_cart(self, *items: tuple[int, int]) -> None:
        """With these alone: (variant, pieces)."""
        self.post("/cart/clear.js")
        for variant, quantity in items:
            added = self.post("/cart/add.js", json={"id": variant, "quantity": quantity})
            expect(added.ok, "the cart takes nothing")

    def cart_takes(self, code: str) -> bool:
        """Type a discount code; whether it takes anything off."""
        cart = self.post("/cart/update.js", json={"discount": code}).json()
        return [known["code"] for known in cart["discount_codes"] if known["applicable"]] == [code]

    def buy(self, variant: int, quantity: int, code: str | None = None) -> int:
        """Cart, discount code, checkout, payment: answers the order's id."""
        self.fill_cart((variant, quantity))
        if code is not None:
            expect(self.cart_takes(code), f"the cart refuses the code {code}")
        return self.pay()

    def pay(self) -> int:
        """Checkout and payment of what is in the cart: answers the order's id."""
        expect(self.get("/checkout").status_code == 200, "there is no checkout")
        answer = self.post("/checkout/pay")
        parts = answer.headers.get("Location", "").split("/")
        expect(answer.status_code == 303 and "thanks" in parts, f"the payment failed: {answer.status_code}")
        return int(parts[parts.index("orders") + 1])


def gid(kind: str, id: int) -> str:
    return f"gid://shopify/{kind}/{id}"


def _refusals(payload: Any) -> list[Json]:
    """The userErrors of a mutation, whatever they are called there."""
    fields = payload.items() if isinstance(payload, dict) else []
    return [error for name, errors in fields if name.lower().endswith("usererrors") for error in errors]


CUSTOMER_CREATE = """
mutation($input: CustomerInput!) {
  customerCreate(input: $input) { customer { legacyResourceId } userErrors { field message } }
}"""
PRODUCT_CREATE = """
mutation($product: ProductCreateInput!) {
  productCreate(product: $product) {
    product { legacyResourceId variants(first: 1) { nodes { legacyResourceId } } }
    userErrors { field message }
  }
}"""
COLLECTION_CREATE = """
mutation($title: String!) {
  collectionCreate(collection: {title: $title}) {
    collection { id legacyResourceId } userErrors { field message }
  }
}"""
COLLECTION_ADD = """
mutation($id: ID!, $products: [ID!]!) {
  collectionAddProducts(id: $id, productIds: $products) { userErrors { field message } }
}"""
STANDINGS = """
query($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Customer { metafield(namespace: "$app", key: "standing") { value } } }
}"""
ORDER_CREATE = """
mutation($order: OrderCreateOrderInput!) {
  orderCreate(order: $order) { order { legacyResourceId } userErrors { field message } }
}"""
REFUND_CREATE = """
mutation($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) { refund { id } userErrors { field message } }
}"""
ORDER_CANCEL = """
mutation($id: ID!) {
  orderCancel(
    orderId: $id, reason: CUSTOMER, restock: true,
    refundMethod: { originalPaymentMethodsRefund: true }
  ) { job { id } orderCancelUserErrors { field message } }
}"""
ORDER = """
query($id: ID!) {
  order(id: $id) {
    discountCodes
    lineItems(first: 50) { nodes {
      quantity
      variant { legacyResourceId }
      originalUnitPriceSet { shopMoney { amount } }
      discountAllocations { allocatedAmountSet { shopMoney { amount } } }
    } }
    shippingLines(first: 5) { nodes {
      originalPriceSet { shopMoney { amount } }
      discountedPriceSet { shopMoney { amount } }
    } }
  }
}"""
CODE = """
query($code: String!) {
  codeDiscountNodeByCode(code: $code) {
    codeDiscount {
      ... on DiscountCodeBasic { status endsAt }
      ... on DiscountCodeFreeShipping { status }
    }
  }
}"""
PRODUCTS = """
query {
  products(first: 50) { nodes {
    legacyResourceId isGiftCard variants(first: 1) { nodes { legacyResourceId price } }
  } }
}"""
