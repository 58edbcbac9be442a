"""What some topics do, and how often what breaks is tried."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards.models import Program
from shopify_bridge import inbox
from shopify_bridge.models import InboxRow, Shop
from tests.factories import InboxRowFactory, ShopFactory

pytestmark = pytest.mark.django_db


def deliver(shop: Shop, topic: str, body: dict[str, Any]) -> InboxRow:
    row = InboxRowFactory(shop=shop, topic=topic, body=json.dumps(body).encode())
    inbox.drain()
    row.refresh_from_db()
    shop.refresh_from_db()
    return row


def test_a_shop_that_moves_takes_its_program_to_the_new_time_zone() -> None:
    shop = ShopFactory()
    body = {"myshopify_domain": shop.domain, "name": "New name", "iana_timezone": "Asia/Tokyo"}
    assert deliver(shop, "shop/update", body).state == InboxRow.State.DONE
    assert (shop.name, shop.timezone) == ("New name", "Asia/Tokyo")
    assert Program.objects.get(pk=shop.program_id).timezone == "Asia/Tokyo"
    assert deliver(shop, "shop/update", {"myshopify_domain": shop.domain}).state == InboxRow.State.DONE
    assert (shop.name, shop.timezone) == ("New name", "Asia/Tokyo")


def test_scopes_are_noted_as_they_were_granted() -> None:
    shop = ShopFactory()
    deliver(shop, "app/scopes_update", {"current": ["read_orders", "read_customers"]})
    assert shop.scopes == "read_orders,read_customers"


def test_only_the_shop_that_is_named_is_uninstalled() -> None:
    shop = ShopFactory(installed_at=datetime.now(UTC) - timedelta(days=1))
    row = deliver(shop, "app/uninstalled", {"myshopify_domain": "another.myshopify.com"})
    assert (row.state, shop.state) == (InboxRow.State.PARKED, Shop.State.ACTIVE)
    row = deliver(shop, "app/uninstalled", {"myshopify_domain": shop.domain})
    assert (row.state, shop.state) == (InboxRow.State.DONE, Shop.State.UNINSTALLED)
