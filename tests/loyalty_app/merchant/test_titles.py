"""What products and collections are called is asked for live, and never waited for."""

from time import monotonic

import pytest
from django.core.cache import cache

from loyalty_app.merchant import things
from loyalty_app.merchant.things import GONE
from rewards.rules.words import Thing
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import (
    Sandbox,
    Scripted,
    json_answer,
    running_sandbox,
    sandbox,
    scripted,
    shop,
)

__all__ = ["running_sandbox", "sandbox", "scripted", "shop"]  # fixtures, by their names
MISSING = ("collection", 1)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def sold(sandbox: Sandbox) -> dict[str, Thing]:
    """Some things of the demo shop, by title."""
    found = sandbox.admin(
        """query {
            products(first: 1) {
                nodes { legacyResourceId variants(first: 1) { nodes { legacyResourceId } } }
            }
            collections(first: 1) { nodes { legacyResourceId } }
        }"""
    )
    (product,), (collection,) = found["products"]["nodes"], found["collections"]["nodes"]
    (variant,) = product["variants"]["nodes"]
    return {
        "Harbour House Blend": ("product", int(product["legacyResourceId"])),
        "Harbour House Blend - 250 g": ("variant", int(variant["legacyResourceId"])),
        "Coffee": ("collection", int(collection["legacyResourceId"])),
    }


def test_titles_are_shopifys_and_what_is_gone_is_known(shop: Shop, sold: dict[str, Thing]) -> None:
    found = things.titles(shop, [*sold.values(), MISSING])
    assert found.known == {thing: title for title, thing in sold.items()} | {MISSING: GONE}
    assert found.in_sentences()[MISSING] == "1 (no longer exists: matches nothing)"
    assert found.shown("collection", [1, 2]) == [
        {"id": 1, "title": "Collection 1", "gone": True},
        {"id": 2, "title": "Collection 2", "gone": False},
    ]


def test_titles_are_kept_for_a_while_for_this_shop_alone(
    shop: Shop, sold: dict[str, Thing], scripted: Scripted
) -> None:
    thing = ("product", 7)
    scripted.answer = lambda _: json_answer({"data": {"nodes": [{"title": "Mug"}]}})
    assert things.titles(shop, [thing]).known == {thing: "Mug"}
    scripted.answer = lambda _: json_answer({"data": {"nodes": [{"title": "Cup"}]}})
    assert things.titles(shop, [thing]).known == {thing: "Mug"}
    other = Shop(pk=shop.pk + 1, domain="other.myshopify.com", state=Shop.State.PAUSED)
    assert things.titles(other, [thing]).known == {}


def test_a_slow_shopify_is_not_waited_for(shop: Shop, scripted: Scripted) -> None:
    scripted.delay = 4
    started = monotonic()
    assert things.titles(shop, [MISSING]).known == {}
    assert monotonic() - started < things.ASKED_SECONDS + 0.5


def test_what_names_things_is_found_wherever_it_stands() -> None:
    document = {
        "rules": [
            {"points": 5, "on": {"products": [1], "variants": [2], "collections": [3, 4], "vendors": ["x"]}}
        ],
        "levels": [{"membership": {"product": 5, "days": 30}}, {"membership": None}],
        "combines_with": {"product": True},
    }
    assert list(things.named(document)) == [
        ("product", 1),
        ("variant", 2),
        ("collection", 3),
        ("collection", 4),
        ("product", 5),
    ]
