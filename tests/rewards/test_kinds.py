"""What each kind of reward says, asks for and refuses, without a database."""

import pytest

from rewards import documents, kinds, offers, programs
from rewards.documents import BadProgram
from rewards.offers import BadChoice, Price
from rewards.rules import Saying

SAYING = Saying(currency="EUR", things={("collection", 1): "Cups", ("product", 2): "Dune mug"})
OWN = {
    "fixed": {"value": "5.00"},
    "percentage": {"percent": "10"},
    "free_shipping": {},
    "variable": {"per": "1", "min": "2", "max": "50", "step": "1"},
    "free_product": {"free": {"products": [2]}, "on": {"collections": [1]}},
}


def complete(kind, **settings):
    """A reward of this kind in a checked document. Raises BadProgram."""
    reward = {"id": "r", "kind": kind, "title": "R", "points": 100, **OWN[kind], **settings}
    document = {**programs.starter("T", "EUR"), "rewards": [reward]}
    return documents.checked(document, "EUR")["rewards"][0]


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_a_new_one_can_be_saved_once_its_goods_are_chosen(kind):
    start = kinds.KINDS[kind].start("EUR")
    goods = {name: OWN[kind][name] for name in ("free", "on") if name in OWN.get(kind, {})}
    document = {**programs.starter("T", "EUR"), "rewards": [{"id": "r", "kind": kind, **start, **goods}]}
    assert documents.checked(document, "EUR")["rewards"][0]["points"] == start["points"]


@pytest.mark.parametrize("kind", sorted(OWN.keys() - {"variable"}))
def test_a_price_is_what_it_is(kind):
    value = 500 if kind == "fixed" else None
    assert (
        offers.price(complete(kind), "EUR") == offers.price(complete(kind), "EUR", 100) == Price(100, value)
    )
    with pytest.raises(BadChoice):
        offers.price(complete(kind), "EUR", 99)


@pytest.mark.parametrize(
    ("kind", "settings", "gives"),
    [
        ("fixed", {}, "5.00 EUR off an order"),
        ("fixed", {"on": {"collections": [1]}}, "5.00 EUR off the collection Cups"),
        ("fixed", {"on": {"products": [2, 3]}}, "5.00 EUR off the product Dune mug or the product 3"),
        ("percentage", {}, "10% off an order"),
        ("percentage", {"on": {"variants": [9]}}, "10% off the variant 9"),
        ("variable", {}, "2.00 EUR to 50.00 EUR off an order"),
        ("free_shipping", {}, "the shipping of an order"),
        (
            "free_shipping",
            {"countries": ["DE", "AT"], "maximum_price": "10"},
            "the shipping of up to 10.00 EUR of an order to DE or AT",
        ),
        ("free_product", {}, "a piece of the product Dune mug when they buy the collection Cups"),
        (
            "free_product",
            {"free": {"collections": [1]}, "quantity": 2, "on": {"products": [2]}},
            "2 pieces of the collection Cups when they buy the product Dune mug",
        ),
    ],
)
def test_what_it_gives(kind, settings, gives):
    reward = complete(kind, **settings)
    assert kinds.of(reward).gives(reward, SAYING) == gives


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("fixed", {}, ""),
        ("variable", {}, ""),
        ("percentage", {}, "Shopify knows no maximum: of an order of 1000.00 EUR that is 100.00 EUR."),
        ("free_shipping", {}, "However much the shipping costs."),
        ("free_shipping", {"maximum_price": "9"}, ""),
        ("free_product", {}, "What that costs you depends on the price it then has."),
    ],
)
def test_what_it_can_cost_at_worst(kind, settings, said):
    reward = complete(kind, **settings)
    assert kinds.of(reward).at_worst(reward, SAYING) == said


@pytest.mark.parametrize(
    ("kind", "settings", "path", "why"),
    [
        (
            "fixed",
            {"minimum_subtotal": "5", "minimum_quantity": 2},
            "minimum_quantity",
            "beside the smallest",
        ),
        ("fixed", {"on": {"products": [1], "collections": [1]}}, "on.collections", "one of these lists"),
        ("free_product", {"free": {"products": [1], "variants": [1]}}, "free.variants", "one of these lists"),
        ("free_product", {"free": {}}, "free.products", "what is free"),
        ("free_product", {"on": {}}, "on.collections", "what has to be bought"),
        ("free_product", {"quantity": 0}, "quantity", "at least 1"),
        ("free_shipping", {"countries": ["DE", "XX"]}, "countries.1", "no country"),
        ("free_shipping", {"countries": ["de"]}, "countries.0", "expected form"),
        ("free_shipping", {"maximum_price": "0"}, "maximum_price", "above 0"),
        ("free_shipping", {"on": {"products": [1]}}, "on", "is unknown"),
        ("percentage", {"percent": "101"}, "percent", "at most 100"),
        ("percentage", {"purchase": "never"}, "purchase", "is none of"),
        ("variable", {"max": "1"}, "max", "less than the minimum"),
    ],
)
def test_what_cannot_be_is_refused_at_its_setting(kind, settings, path, why):
    with pytest.raises(BadProgram) as refused:
        complete(kind, **settings)
    (said,) = [text for where, text in refused.value.errors.items() if where == f"rewards.0.{path}"]
    assert why in said


def test_shoppers_read_what_a_reward_says_and_nothing_of_what_it_does_not_say():
    shown = offers.public(complete("percentage"))
    assert not {"on", "minimum_quantity", "minimum_subtotal"} & shown.keys()
    shown = offers.public(complete("percentage", on={"collections": [1]}, minimum_quantity=2))
    assert (shown["on"], shown["minimum_quantity"]) == ({"collections": [1]}, 2)
