"""What is known of products: read once, kept for a day, forgotten when Shopify tells of a change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rewards.facts import FetchedOrder, Line, OrderFact, ProductFact
from shopify_bridge import catalogue, client, install
from shopify_bridge.catalogue import Catalogue
from shopify_bridge.errors import NeedsHuman
from shopify_bridge.models import InboxRow, Product
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.goods import Goods, asked, gid

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def goods(sandbox: Sandbox) -> Goods:
    return Goods(sandbox)


def complete(goods: Goods, *products: int) -> Catalogue:
    """What an order of these products would be settled with."""
    lines = tuple(Line(number, 100, 1, 1, product_id=id) for number, id in enumerate(products, 1))
    order = FetchedOrder(OrderFact(goods.shop.pk, 1, NOW, NOW, "USD", lines))
    return catalogue.complete(goods.shop, goods.program, [order])


def test_what_is_known_is_not_asked_again(goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    bowl, mug, summer = goods.makes(tags=("clay",)), goods.makes("Mug"), goods.gathers()
    goods.puts_in(summer, mug)
    goods.doubles(collections=[summer])
    expected = {
        (goods.shop.pk, bowl): ProductFact(frozenset({"clay"})),
        (goods.shop.pk, mug): ProductFact(collections=frozenset({summer})),
    }
    with asked(monkeypatch) as questions:
        assert complete(goods, bowl, mug) == expected
        assert complete(goods, mug, bowl) == expected
    assert questions == ["products"]


def test_only_what_is_missing_is_asked(goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    bowl, mug = goods.makes(), goods.makes("Mug")
    goods.doubles(product_tags=["clay"])
    complete(goods, bowl)
    seen: list[list[str]] = []
    run = client.AdminClient.run

    def noted(self: client.AdminClient, operation: str, variables: Any, **how: Any) -> Any:
        seen.append(variables["ids"])
        return run(self, operation, variables, **how)

    monkeypatch.setattr(client.AdminClient, "run", noted)
    assert len(complete(goods, bowl, mug)) == 2
    assert seen == [[gid("Product", mug)]]


def test_rules_that_look_at_no_products_ask_nothing(goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    bowl = goods.makes()
    with asked(monkeypatch) as questions:
        assert complete(goods, bowl) == {}
        goods.doubles(products=[bowl], vendors=["kiln & co"])
        assert complete(goods, bowl) == {}
    assert questions == []
    assert goods.cached() == {}


def test_a_product_that_is_gone_has_nothing_and_is_known(
    goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    bowl = goods.makes(tags=("clay",))
    goods.doubles(product_tags=["clay"])
    goods.deletes(bowl)
    with asked(monkeypatch) as questions:
        assert complete(goods, bowl) == complete(goods, bowl) == {(goods.shop.pk, bowl): ProductFact()}
    assert questions == ["products"]


def test_many_products_and_many_collections_take_several_questions(
    goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods.doubles(product_tags=["clay"])
    products = [goods.makes(f"Bowl {number}") for number in range(catalogue.ASKED_AT_ONCE + 1)]
    collections = [goods.gathers(f"C {number}") for number in range(catalogue.COLLECTIONS_AT_FIRST + 1)]
    for collection in collections:
        goods.puts_in(collection, products[0])
    with asked(monkeypatch) as questions:
        found = complete(goods, *products)
    assert found[goods.shop.pk, products[0]].collections == set(collections)
    assert len(found) == len(products)
    assert questions == ["products"] * 3


def test_after_a_day_it_is_asked_again(goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    bowl = goods.makes()
    goods.doubles(product_tags=["clay"])
    complete(goods, bowl)
    goods.tags(bowl, "clay")  # and the news of it got lost
    assert complete(goods, bowl)[goods.shop.pk, bowl] == ProductFact()
    goods.grows_old()
    assert complete(goods, bowl)[goods.shop.pk, bowl] == ProductFact(frozenset({"clay"}))


def test_a_changed_product_is_forgotten_and_a_sold_one_is_not(goods: Goods) -> None:
    bowl, mug = goods.makes(), goods.makes("Mug")
    goods.doubles(product_tags=["clay"])

    def known(**told: Any) -> set[int]:
        complete(goods, bowl, mug)
        assert goods.tells("products/update", id=bowl, **told).state == InboxRow.State.DONE
        return {product for product, facts in goods.cached().items() if facts is not None}

    assert known(updated_at="2026-11-20T12:00:00Z", tags="") == {mug}
    assert known(updated_at="2026-11-20T12:00:01Z", tags="") == {bowl, mug}
    assert known(updated_at="2026-11-20T12:00:02Z", tags="clay") == {mug}
    assert known(updated_at="2026-11-20T12:00:03Z", tags="") == {mug}
    assert known(updated_at="2026-11-20T12:00:04Z", tags="") == {bowl, mug}


def test_news_of_products_nobody_asked_for_leave_nothing_behind(goods: Goods) -> None:
    assert goods.tells("products/update", id=7, updated_at="2026-11-20T12:00:00Z", tags="").state == "done"
    assert goods.tells("products/delete", id=7).state == "done"
    assert goods.cached() == {}


def test_a_deleted_product_is_no_longer_kept(goods: Goods) -> None:
    bowl, mug = goods.makes(), goods.makes("Mug")
    goods.doubles(product_tags=["clay"])
    complete(goods, bowl, mug)
    goods.tells("products/delete", id=bowl)
    assert set(goods.cached()) == {mug}


@pytest.mark.parametrize("topic", ["collections/create", "collections/update", "collections/delete"])
def test_a_changed_collection_makes_its_shop_forget_all_products(
    goods: Goods, sandbox: Sandbox, topic: str
) -> None:
    other = Goods(sandbox)
    for store in (goods, other):
        store.doubles(product_tags=["clay"])
        complete(store, store.makes(), store.makes("Mug"))
    assert goods.tells(topic, id=1, updated_at="2026-11-20T12:00:00Z").state == InboxRow.State.DONE
    assert set(goods.cached().values()) == {None}
    assert None not in other.cached().values()


@pytest.mark.parametrize("kind", ["product", "collection"])
def test_a_change_that_is_told_while_products_are_read_is_not_lost(
    goods: Goods, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bowl = goods.makes()
    goods.doubles(product_tags=["clay"])
    run = client.AdminClient.run

    def overtaken(self: client.AdminClient, *args: Any, **how: Any) -> Any:
        answer = run(self, *args, **how)
        goods.tags(bowl, "clay")
        if kind == "product":
            catalogue.changed(goods.shop, bowl, {"tags": "clay"})
        else:
            catalogue.forget(goods.shop)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(client.AdminClient, "run", overtaken)
        assert complete(goods, bowl)[goods.shop.pk, bowl] == ProductFact()  # what was told is told
    assert complete(goods, bowl)[goods.shop.pk, bowl] == ProductFact(frozenset({"clay"}))


def test_a_shop_that_leaves_takes_what_is_known_of_its_products_along(goods: Goods) -> None:
    goods.doubles(product_tags=["clay"])
    complete(goods, goods.makes())
    assert install.uninstalled(goods.shop, datetime.now(UTC))
    assert goods.cached() == {}
    Product.objects.create(
        program_id=goods.shop.program_id, shop_id=goods.shop.pk, external_id=1, read_at=NOW
    )
    assert install.redact_shop(goods.shop, datetime.now(UTC))
    assert goods.cached() == {}


@pytest.mark.parametrize("on", [{"product_tags": ["clay"]}, {"products": [7]}])
def test_without_permission_nobody_guesses(goods: Goods, on: dict[str, list[Any]]) -> None:
    install.scopes_changed(goods.shop, "read_orders")
    assert complete(goods, 7) == {}
    goods.doubles(**on)
    with pytest.raises(NeedsHuman, match="may not read the shop's products"):
        complete(goods, 7)


def test_a_look_asks_for_some_of_what_it_lacks_and_goes_on_without_an_answer(
    goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rule in force asks for products: a preview of one that does."""
    bowl, mug = goods.makes(tags=("clay",)), goods.makes("Mug")
    keys = {(goods.shop.pk, bowl), (goods.shop.pk, mug)}
    with asked(monkeypatch) as questions:
        first, asked_for = catalogue.at_hand(goods.shop, keys, 1)
        assert (first, asked_for) == ({(goods.shop.pk, bowl): ProductFact(frozenset({"clay"}))}, 1)
        assert catalogue.at_hand(goods.shop, keys, 0) == (first, 0)
    assert questions == ["products"]
    goods.shop.access_token = "1:x"
    assert catalogue.at_hand(goods.shop, keys, 5) == (first, 5)
    goods.shop.scopes = "read_orders"
    assert catalogue.at_hand(goods.shop, keys, 5) == (first, 0)
