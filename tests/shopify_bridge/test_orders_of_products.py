"""Orders whose points depend on what Shopify says of their products, at the time they are first awarded."""

import json
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shopify_bridge import backfill, inbox, install
from shopify_bridge.models import Backfill, Gap, InboxRow
from shopify_bridge.reconcile import reconcile
from tests.factories import InboxRowFactory
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.goods import Goods, asked, kept

pytestmark = pytest.mark.django_db


@pytest.fixture
def goods(sandbox: Sandbox) -> Goods:
    return Goods(sandbox)


def test_an_order_of_known_products_asks_nothing(goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    bowl = goods.makes(tags=("Clay",))
    goods.doubles(product_tags=["clay"])
    orders = [goods.orders(bowl), goods.orders(bowl, bowl)]
    for news, expected in zip(map(goods.news_of, orders), (["order", "products"], []), strict=True):
        with asked(monkeypatch) as questions:
            goods.tells("orders/paid", **news)
        assert questions == expected
    assert [goods.points(order) for order in orders] == [20, 40]


def test_a_program_whose_rules_look_at_no_products_pays_nothing_for_them(goods: Goods) -> None:
    bowl = goods.makes()
    goods.doubles(products=[bowl])
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert goods.buys(bowl) == 20
    assert not [one for one in statements if "shopify_bridge_product" in one["sql"]]


def test_a_product_that_enters_a_collection_earns_more_from_then_on(goods: Goods) -> None:
    bowl, summer = goods.makes(), goods.gathers()
    goods.doubles(collections=[summer])
    before = goods.orders(bowl)
    goods.tells_of_order(before)
    assert goods.points(before) == 10
    goods.puts_in(summer, bowl)
    goods.tells("collections/update", id=summer, updated_at="2026-11-20T12:00:00Z")
    assert goods.buys(bowl) == 20
    # What was is what it was, whatever is heard of it later.
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    goods.tells_of_order(before, updated_at=later)
    assert goods.points(before) == 10


def test_a_change_and_the_order_after_it_in_one_batch_are_taken_in_turn(goods: Goods) -> None:
    """Orders were handled before all else, and the first one after a change earned as if there was none."""
    bowl, summer = goods.makes(), goods.gathers()
    goods.doubles(collections=[summer])
    assert goods.buys(bowl) == 10
    goods.puts_in(summer, bowl)
    order = goods.orders(bowl)
    for topic, body in (("orders/paid", goods.news_of(order)), ("collections/update", {"id": summer})):
        InboxRowFactory(shop=goods.shop, topic=topic, body=json.dumps(body).encode())
    inbox.drain()
    assert goods.points(order) == 20


def test_news_of_a_collection_that_got_lost_is_made_good_within_a_day(goods: Goods) -> None:
    bowl, summer = goods.makes(), goods.gathers()
    goods.doubles(collections=[summer])
    assert goods.buys(bowl) == 10
    goods.puts_in(summer, bowl)
    assert goods.buys(bowl) == 10
    goods.grows_old()
    assert goods.buys(bowl) == 20


def test_a_product_that_was_deleted_matches_nothing_and_takes_nothing_away(goods: Goods) -> None:
    bowl = goods.makes(tags=("clay",))
    goods.doubles(product_tags=["clay"])
    before, unheard = goods.orders(bowl), goods.orders(bowl)
    goods.tells_of_order(before)
    goods.deletes(bowl)
    goods.tells("products/delete", id=bowl)
    goods.tells_of_order(unheard)
    assert (goods.points(before), goods.points(unheard)) == (20, 10)
    # Shopify's orders no longer name it; the points of what was bought stay.
    check = reconcile(goods.shop, datetime.now(UTC) - timedelta(hours=1))
    assert check.found == 0
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    goods.tells_of_order(before, updated_at=later)
    assert goods.points(before) == 20
    facts = kept(before).facts
    assert facts is not None
    assert facts["lines"][0]["product_id"] == bowl


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_delivery_from_before_products_were_asked_for_is_not_believed(
    goods: Goods, monkeypatch: pytest.MonkeyPatch, looked_at: bool
) -> None:
    """The release is new, what Shopify sends is still the old: such an order looked like no product's."""
    bowl = goods.makes()
    if looked_at:
        goods.doubles(vendors=["kiln & co"])
    order = goods.orders(bowl)
    news = goods.news_of(order)
    for name in ("product_id", "variant_id", "vendor"):
        del news["line_items"][0][name]
    with asked(monkeypatch) as questions:
        goods.tells("orders/paid", **news)
    assert questions == (["order"] if looked_at else [])
    assert goods.points(order) == (20 if looked_at else 10)


def test_an_order_waits_for_the_permission_to_read_its_products(goods: Goods) -> None:
    bowl = goods.makes(tags=("clay",))
    goods.doubles(product_tags=["clay"])
    order, scopes = goods.orders(bowl), goods.shop.scopes
    news = goods.news_of(order)
    install.scopes_changed(goods.shop, scopes.replace("read_products,", ""))
    row = goods.tells("orders/paid", **news)
    assert (row.state, row.reason) == (
        InboxRow.State.WAITING,
        "The app may not read the shop's products yet: open it and agree.",
    )
    install.scopes_changed(goods.shop, scopes)
    InboxRow.objects.filter(pk=row.pk).update(due_at=datetime.now(UTC))
    inbox.drain()
    assert goods.points(order) == 20


def test_orders_found_by_looking_are_settled_with_their_products(goods: Goods) -> None:
    bowl, mug = goods.makes(tags=("clay",)), goods.makes("Mug")
    goods.doubles(product_tags=["clay"])
    orders = [goods.orders(bowl), goods.orders(mug), goods.orders(bowl, mug)]
    check = reconcile(goods.shop, datetime.now(UTC) - timedelta(hours=1))
    assert (check.found, check.healed) == (3, 3)
    assert [goods.points(order) for order in orders] == [20, 10, 30]
    assert not Gap.objects.filter(healed_at=None).exists()


def test_a_back_fill_counts_and_posts_with_products(goods: Goods) -> None:
    bowl, mug = goods.makes(tags=("clay",)), goods.makes("Mug")
    goods.doubles(product_tags=["clay"])
    order = goods.orders(bowl, mug)
    row = backfill.begin(goods.shop, None, "42")
    worked(row)
    assert (row.state, row.points) == (Backfill.State.READY, 30)
    backfill.confirm(row, "42")
    worked(row)
    assert goods.points(order) == 30


def worked(row: Backfill) -> None:
    for _ in range(200):
        backfill.go_on(row, monotonic() + 30)
        row.refresh_from_db()
        if row.state != Backfill.State.WORKING:
            return
    raise AssertionError(f"it didn't end: {row.problem}")
