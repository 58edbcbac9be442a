"""Orders that don't fit into one page of an answer, and the products in their lines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import pytest

from rewards.facts import FetchedOrder, Line
from shopify_bridge import bulk, client, install, orders
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Store

pytestmark = pytest.mark.django_db
LINES = 120
ORDERS = 105


@pytest.fixture
def store(sandbox: Sandbox) -> Store:
    return Store(sandbox)


def long_order(store: Store) -> int:
    return store.sells(
        lines=[{"title": f"Tea {number}", "price": f"{number}.00"} for number in range(1, LINES + 1)]
    )


def test_every_line_of_a_long_order_is_read_once(store: Store) -> None:
    found = orders.fetch(store.shop, long_order(store))
    assert found is not None
    assert [line.price for line in found.fact.lines] == [100 * number for number in range(1, LINES + 1)]


def test_an_order_that_changes_while_it_is_read_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, asked = long_order(store), []
    run = client.AdminClient.run

    def noted(self: client.AdminClient, operation: str, variables: dict[str, Any], **how: Any) -> Any:
        answer = run(self, operation, variables, **how)
        asked.append(variables["after"])
        if len(asked) == 1:
            answer["order"]["updatedAt"] = "2026-01-01T00:00:00Z"  # what is read next is another state
        return answer

    monkeypatch.setattr(client.AdminClient, "run", noted)
    found = orders.fetch(store.shop, order)
    assert found is not None
    assert len(found.fact.lines) == LINES
    assert [after is None for after in asked[:3]] == [True, False, True]


def test_every_changed_order_is_named_once(store: Store) -> None:
    basket = {"customer": store.customer, "lines": [{"title": "Tea", "price": "1.00"}]}
    made = store.sell_several([basket] * ORDERS)
    now = datetime.now(UTC)
    search = orders.changed_between(now - timedelta(hours=1), now + timedelta(hours=1))
    assert sorted(order for order, _, _ in orders.changed(store.shop, search)) == sorted(made)


MAKE = """
mutation($order: OrderCreateOrderInput!) { orderCreate(order: $order) {
  order { legacyResourceId } userErrors { message } } }"""
PRODUCT = """
mutation { productCreate(product: {title: "Bowl", vendor: "Kiln & Co"}) {
  product { legacyResourceId variants(first: 1) { nodes { id legacyResourceId } } } } }"""
REVOKE = 'mutation { appRevokeAccessScopes(scopes: ["read_products"]) { revoked { handle } } }'


def sold_bowl(store: Store) -> tuple[int, Line]:
    """An order of one product, and what its line says of that."""
    product = store.admin(PRODUCT)["productCreate"]["product"]
    (variant,) = product["variants"]["nodes"]
    money = {"shopMoney": {"amount": "9.00", "currencyCode": "USD"}}
    bowl = {"variantId": variant["id"], "quantity": 1, "priceSet": money}
    order = store.admin(MAKE, order={"lineItems": [bowl]})["orderCreate"]["order"]
    expected = Line(0, 900, 1, 1, 0, 0, False, int(product["legacyResourceId"]))
    return int(order["legacyResourceId"]), replace(
        expected, variant_id=int(variant["legacyResourceId"]), vendor="Kiln & Co"
    )


def the_line(found: FetchedOrder | None) -> Line:
    assert found is not None
    (line,) = found.fact.lines
    return replace(line, id=0)


def the_collected(store: Store) -> FetchedOrder:
    operation = bulk.orders(store.shop, "")
    for _ in range(100):
        try:
            answer = bulk.answer(store.shop, operation)
        except client.TryAgain:
            sleep(0.05)
            continue
        assert answer.url
        (found,) = bulk.read(answer.url)
        return orders.of_bulk(found.node, store.shop)
    raise AssertionError("the bulk operation didn't end")


def test_products_of_lines_are_told_one_by_one_and_in_bulk(store: Store) -> None:
    order, line = sold_bowl(store)
    assert the_line(orders.fetch(store.shop, order)) == line
    assert the_line(the_collected(store)) == line


def test_a_shop_that_does_not_let_its_products_be_read_still_tells_its_orders(store: Store) -> None:
    """It installed the app before that was asked for; its merchant hasn't agreed yet."""
    order, line = sold_bowl(store)
    store.as_app(REVOKE)
    install.scopes_changed(store.shop, store.shop.scopes.replace("read_products,", ""))
    line = replace(line, product_id=0, variant_id=0)
    assert the_line(orders.fetch(store.shop, order)) == line
    assert the_line(the_collected(store)) == line
