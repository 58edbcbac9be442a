"""A shop of a test's own in the sandbox that sells products, by a program that looks at them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from rewards import programs
from rewards.facts import OrderFact
from rewards.models import Order, Program
from shopify_bridge import client, inbox, orders
from shopify_bridge.models import InboxRow, Product
from tests.factories import InboxRowFactory
from tests.shopify_bridge.store import Store

PRODUCT = """mutation($product: ProductCreateInput) { productCreate(product: $product) {
  product { legacyResourceId variants(first: 1) { nodes { id } } } } }"""
COLLECTION = """mutation($title: String!) { collectionCreate(collection: {title: $title}) {
  collection { legacyResourceId } } }"""
PUT_IN = """mutation($id: ID!, $ids: [ID!]!) { collectionAddProducts(id: $id, productIds: $ids) {
  collection { updatedAt } } }"""
TAG = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } } }"
DELETE = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId } }"
ORDER = """mutation($order: OrderCreateOrderInput!) { orderCreate(order: $order) {
  order { legacyResourceId } } }"""


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


class Goods(Store):
    """A store with products. What it tells is told by the tests."""

    def __init__(self, sandbox: Any) -> None:
        super().__init__(sandbox)
        self.variants: dict[int, str] = {}

    @property
    def program(self) -> Program:
        return Program.objects.get(pk=self.shop.program_id)

    def makes(self, title: str = "Bowl", tags: tuple[str, ...] = ()) -> int:
        made = self.admin(PRODUCT, product={"title": title, "vendor": "Kiln & Co", "tags": list(tags)})
        product = made["productCreate"]["product"]
        number = int(product["legacyResourceId"])
        (variant,) = product["variants"]["nodes"]
        self.variants[number] = variant["id"]
        return number

    def gathers(self, title: str = "Summer") -> int:
        made = self.admin(COLLECTION, title=title)
        return int(made["collectionCreate"]["collection"]["legacyResourceId"])

    def puts_in(self, collection: int, *products: int) -> None:
        self.admin(PUT_IN, id=gid("Collection", collection), ids=[gid("Product", one) for one in products])

    def tags(self, product: int, *tags: str) -> None:
        self.admin(TAG, id=gid("Product", product), tags=list(tags))

    def deletes(self, product: int) -> None:
        self.admin(DELETE, id=gid("Product", product))

    def doubles(self, **on: list[Any]) -> None:
        """From the beginning on, whatever is named here earns twice."""
        document = programs.document(self.program)
        rule = {"id": "double", "kind": "multiplier", "factor": "2", "on": on}
        earning = {**document["earning"], "rules": [rule]}
        programs.apply(self.program, {**document, "earning": earning}, "test")
        self.program.versions.update(effective_from=programs.BEGINNING)

    def orders(self, *products: int, price: str = "10.00") -> int:
        money = {"shopMoney": {"amount": price, "currencyCode": "USD"}}
        lines = [{"variantId": self.variants[one], "quantity": 1, "priceSet": money} for one in products]
        customer = {"toAssociate": {"id": gid("Customer", self.customer)}}
        wanted = {"lineItems": lines, "customer": customer, "financialStatus": "PAID"}
        made = self.admin(ORDER, order=wanted)["orderCreate"]["order"]
        return int(made["legacyResourceId"])

    def tells(self, topic: str, **body: Any) -> InboxRow:
        row = InboxRowFactory(shop=self.shop, topic=topic, body=json.dumps(body).encode())
        inbox.drain()
        row.refresh_from_db()
        return row

    def news_of(self, order: int, **changes: Any) -> dict[str, Any]:
        """As its delivery would tell of it."""
        found = orders.fetch(self.shop, order)
        assert found is not None
        return {**delivery(found.fact), **changes}

    def tells_of_order(self, order: int, **changes: Any) -> InboxRow:
        return self.tells("orders/paid", **self.news_of(order, **changes))

    def buys(self, *products: int) -> int:
        """The points of an order that is told of right away."""
        order = self.orders(*products)
        assert self.tells_of_order(order).state == InboxRow.State.DONE
        return self.points(order)

    def cached(self) -> dict[int, Any]:
        return dict(Product.objects.filter(shop_id=self.shop.pk).values_list("external_id", "facts"))

    def grows_old(self) -> None:
        for row in Product.objects.filter(program_id=self.shop.program_id):
            row.read_at -= timedelta(hours=24)
            row.save()


def delivery(fact: OrderFact) -> dict[str, Any]:
    """The parts of a delivery that these tests look at."""

    def major(cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02}"

    return {
        "id": fact.external_id,
        "name": fact.name,
        "updated_at": fact.updated_at.isoformat(),
        "processed_at": fact.processed_at.isoformat(),
        "currency": fact.currency,
        "financial_status": "paid" if fact.paid else "pending",
        "source_name": fact.channel,
        "customer": {"id": fact.customer_id},
        "line_items": [
            {
                "id": line.id,
                "price": major(line.price),
                "quantity": line.ordered,
                "current_quantity": line.current,
                "product_id": line.product_id or None,
                "variant_id": line.variant_id or None,
                "vendor": line.vendor,
            }
            for line in fact.lines
        ],
    }


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the questions that Shopify is asked meanwhile."""
    names: list[str] = []
    run = client.AdminClient.run

    def noted(self: client.AdminClient, operation: str, *args: Any, **how: Any) -> Any:
        names.append(operation)
        return run(self, operation, *args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(client.AdminClient, "run", noted)
        yield names


def kept(order: int) -> Order:
    return Order.objects.get(external_id=order)
