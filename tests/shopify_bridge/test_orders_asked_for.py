"""Orders that don't fit into one page of an answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopify_bridge import client, orders
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
