"""The product block promises what the server later pays."""

import json
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import documents, programs, ways
from rewards.contexts import Context
from rewards.earning import ROUNDINGS, Rules, target
from rewards.facts import Line, OrderFact, ProductFact
from rewards.rules import Circumstances
from sandbox.storefront.extension import Extension
from tests.judges.node import EXTENSION

Json = dict[str, Any]
BLOCK = Extension(EXTENSION).block("points-on-product")
assert BLOCK is not None
ZONE = "America/New_York"
LANGUAGES = {
    language: Extension(EXTENSION).environment(language, "USD", ZONE).from_string(BLOCK.source)
    for language in ("en", "de", "ar")
}
NOW = datetime.now(UTC)
DAYS = {
    name: (NOW.astimezone(ZoneInfo(ZONE)) + timedelta(days=days)).date()
    for name, days in {"before": -9, "yesterday": -1, "today": 0, "tomorrow": 1, "later": 9}.items()
}
SHIRT: Json = {
    "id": 501,
    "gift_card?": False,
    "vendor": "Straw & Co",
    "tags": ["Summer", "Cotton"],
    "collections": [{"id": 11}, {"id": 12}],
    "price_varies": True,
    "variants": [{"id": 1, "price": 2990}, {"id": 2, "price": 4450}],
}


def printed(program: Json, *, language: str = "en", standing: Json | None = None, **changed: Any) -> str:
    product = {**SHIRT, **changed.pop("product", {})}
    product["price"] = min(one["price"] for one in product["variants"])
    product["selected_or_first_available_variant"] = product["variants"][0]
    customer = {"orders_count": 3, "metafields": {"$app": {"standing": {"value": standing}}}}
    return LANGUAGES[language].render(
        app={"metafields": {"loyalty": {"program": {"value": program}}}},
        block={"settings": {"show_how": False}},
        cart={"currency": {"iso_code": "USD"}, **changed.pop("cart", {})},
        customer=changed.pop("customer", customer if standing else None),
        product=product,
    )


def at(price: int, **product: Any) -> Json:
    """A product of two prices."""
    return {"variants": [{"id": 1, "price": price}, {"id": 2, "price": price + 100}], **product}


def program(points: int = 1, per: str = "1.00", rounding: str = "down", **more: Any) -> Json:
    names = {"one": "point", "many": "points"}
    rate = {"points": points, "per": per}
    return {"currency": "USD", "points": names, "rate": rate, "rounding": rounding, **more}


def promised(page: str) -> int:
    found = re.search(r'data-loyalty-points="(-?\d+)"', page)
    assert found is not None
    return int(found[1])


def promised_by_variant(page: str) -> dict[str, int]:
    found = re.search(r"data-loyalty-points-of>(.*?)</script>", page, re.DOTALL)
    assert found is not None
    points: dict[str, int] = json.loads(found[1])
    return points


def reasons(page: str) -> list[str]:
    """As they are read, without those of other variants."""
    shown = re.sub(r"<template.*?</template>", "", page, flags=re.DOTALL)
    return [re.sub(r"<[^>]*>", "", one) for one in re.findall(r"data-loyalty-reason>(.*?)</span>", shown)]


# -- the rate ----------------------------------------------------------------------------------------------


@given(
    price=st.integers(0, 10**9),
    points=st.integers(1, 1000),
    per=st.sampled_from(["1.00", "10.00", "2.50", "0.01", "3", "0.125", "1.000", "99.99"]),
    rounding=st.sampled_from(sorted(ROUNDINGS)),
)
def test_the_block_rounds_like_the_server(price: int, points: int, per: str, rounding: str) -> None:
    page = printed(program(points, per, rounding), product=at(price))
    assert promised(page) == ROUNDINGS[rounding](Fraction(price, 100) * points / Fraction(per))


def test_the_points_of_the_variants_are_there_for_the_script() -> None:
    assert promised_by_variant(printed(program(), product=at(1150))) == {"1": 11, "2": 12}


@pytest.mark.parametrize(
    ("cart", "text"),
    [
        ({}, "Earn 11 points with this product."),
        ({"taxes_included": True}, "Earn up to 11 points with this product."),
        ({"currency": {"iso_code": "EUR"}}, "You earn 1 point for every 1.00 USD you spend."),
    ],
)
def test_the_promise_is_never_larger_than_what_is_known(cart: Json, text: str) -> None:
    assert text in printed(program(), cart=cart, product=at(1150))


def test_names_are_escaped_once() -> None:
    names = {"one": "<b>star</b>", "many": "bits & bobs"}
    page = printed({**program(), "points": names}, product=at(200))
    assert "Earn 2 bits &amp; bobs with" in page
    assert "<b>" not in page


# -- campaigns and tiers -----------------------------------------------------------------------------------

TWICE: Json = {"id": "twice", "kind": "multiplier", "factor": "2"}
ALONE: Json = {"id": "alone", "kind": "multiplier", "factor": "3", "stackable": False}
SUMMER: Json = {"id": "summer", "kind": "multiplier", "factor": "1.25", "on": {"collections": [12, 90]}}
GOLD: Json = {"id": "gold", "name": "Gold", "from": "500", "multiplier": {"factor": "1.5"}}
GOLD_ALONE: Json = {**GOLD, "multiplier": {"factor": "1.5", "stackable": False}}


def on(**named: Any) -> Json:
    return {**TWICE, "on": named}


SETS: list[tuple[str, list[Json], list[Json], Json]] = [
    ("nothing", [], [], {}),
    ("one on everything", [TWICE], [], {}),
    ("two that add up", [TWICE, SUMMER], [GOLD], {}),
    ("the best of two", [ALONE, {**ALONE, "id": "b", "factor": "2.5"}], [GOLD_ALONE], {}),
    ("the tier's is the best", [{**ALONE, "factor": "1.1"}], [GOLD_ALONE], {}),
    ("both sorts", [TWICE, ALONE, SUMMER], [GOLD], {}),
    ("less than once", [{**TWICE, "factor": "0.5"}], [], {}),
    ("four decimals", [{**TWICE, "factor": "1.0001"}, SUMMER], [GOLD], {"rounding": "up"}),
    ("to the nearest", [{**TWICE, "factor": "1.3333"}], [GOLD], {"rounding": "nearest"}),
    ("the product", [on(products=[501])], [], {}),
    ("another product", [on(products=[502], vendors=["Other"])], [], {}),
    ("one variant", [on(variants=[2])], [], {}),
    ("a variant or a tag", [on(variants=[2], product_tags=["WOOL"]), SUMMER], [GOLD], {}),
    ("a tag in other letters", [on(product_tags=["sUMMER"])], [], {}),
    ("a vendor in other letters", [on(vendors=["STRAW & CO"])], [], {}),
    ("is over", [{**TWICE, "starts": str(DAYS["before"]), "ends": str(DAYS["yesterday"])}], [], {}),
    ("the last day", [{**TWICE, "starts": str(DAYS["before"]), "ends": str(DAYS["today"])}], [], {}),
    ("the first day", [{**TWICE, "starts": str(DAYS["today"])}], [], {}),
    ("has yet to come", [{**TWICE, "starts": str(DAYS["tomorrow"])}], [], {}),
    ("for gold", [{**TWICE, "audience": {"tiers": ["gold"]}}], [GOLD], {}),
    ("for new customers", [{**TWICE, "audience": {"never_ordered": True}}], [], {}),
    ("what is excluded", [TWICE], [], {"excluded": {"collections": [11]}}),
    ("a variant is excluded", [TWICE], [GOLD], {"excluded": {"variants": [1]}}),
    ("another is excluded", [TWICE], [], {"excluded": {"product_tags": ["wool"]}}),
]
PEOPLE: dict[str, Json | None] = {
    "guest": None,
    "member": {"points": 0, "tier": None},
    "gold": {"points": 0, "tier": {"id": "gold", "name": "Gold", "perks": [], "until": None}},
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(
    ("rules", "levels", "earning"), [one[1:] for one in SETS], ids=[one[0] for one in SETS]
)
def test_the_block_promises_what_an_order_then_earns(
    rules: list[Json], levels: list[Json], earning: Json, who: str
) -> None:
    document = checked(rules, levels, earning)
    page = printed(published(document), standing=PEOPLE[who])
    deserved = {str(one["id"]): earned(document, one, who) for one in SHIRT["variants"]}
    assert promised_by_variant(page) == deserved
    assert promised(page) == deserved["1"]


FACTORS = st.integers(5_000, 40_000).map(lambda number: f"{number // 10_000}.{number % 10_000:04}")
CAMPAIGNS = st.fixed_dictionaries(
    {"kind": st.just("multiplier"), "factor": FACTORS, "stackable": st.booleans()},
    optional={
        "on": st.fixed_dictionaries(
            {},
            optional={
                "variants": st.sampled_from([[1], [2], [7]]),
                "collections": st.sampled_from([[11], [90]]),
                "product_tags": st.sampled_from([["cotton"], ["wool"]]),
            },
        ),
        "starts": st.sampled_from([str(DAYS[name]) for name in ("before", "today", "tomorrow")]),
        "ends": st.sampled_from([str(DAYS[name]) for name in ("today", "later")]),
        "audience": st.just({"tiers": ["gold"]}),
    },
)


@given(
    campaigns=st.lists(CAMPAIGNS, max_size=5).map(
        lambda some: [{"id": f"r{number}", **one} for number, one in enumerate(some)]
    ),
    rounding=st.sampled_from(sorted(ROUNDINGS)),
    level=st.sampled_from([GOLD, GOLD_ALONE]),
    who=st.sampled_from(sorted(PEOPLE)),
)
def test_whatever_the_campaigns_the_promise_is_kept(
    campaigns: list[Json], rounding: str, level: Json, who: str
) -> None:
    # A day that ends before it starts is an error of the document.
    campaigns = [one for one in campaigns if one.get("starts", "") <= one.get("ends", "9999")]
    document = checked(campaigns, [level], {"rounding": rounding})
    page = printed(published(document), standing=PEOPLE[who])
    assert promised_by_variant(page) == {
        str(one["id"]): earned(document, one, who) for one in SHIRT["variants"]
    }


def test_the_reasons_stand_beside_it_those_that_count() -> None:
    until = f"{DAYS['later'].day} {DAYS['later']:%B}" + (
        f" {DAYS['later'].year}" if DAYS["later"].year != DAYS["today"].year else ""
    )
    rules = [
        {**TWICE, "title": "Advent <week>", "ends": str(DAYS["later"])},
        {**ALONE, "factor": "1.50"},
        {**ALONE, "id": "lesser", "factor": "1.2"},
    ]
    program = published(checked(rules, [GOLD], {}))
    assert reasons(printed(program)) == [f"Advent &lt;week&gt; 2 x until {until}", "1.5 x"]
    gold = printed(program, standing=PEOPLE["gold"])
    assert reasons(gold) == [f"Advent &lt;week&gt; 2 x until {until}", "Gold 1.5 x", "1.5 x"]
    assert "1,5 x" in reasons(printed(program, language="de"))


def test_what_is_for_one_variant_is_said_of_that_one() -> None:
    page = printed(published(checked([on(variants=[2])], [], {})))
    assert reasons(page) == []
    assert re.search(r'reasons-of="1"></template>.*reasons-of="2"><span', page, re.DOTALL)


def checked(rules: list[Json], levels: list[Json], earning: Json) -> Json:
    said = programs.starter("Test", "USD")
    said["earning"] |= {"rules": rules, **earning}
    said["tiers"] = {"levels": levels}
    return documents.checked(said, "USD")


def published(document: Json) -> Json:
    earning = document["earning"]
    return program(
        **earning["rate"],
        rounding=earning["rounding"],
        excluded=ways.goods(earning["excluded"]),
        ways=ways.public(document, ZONE, NOW),
        tiers=document["tiers"],
    )


def earned(document: Json, variant: Json, who: str) -> int:
    """What an order of one piece, paid now, earns by its multipliers."""
    rules = Rules.of(document, 1, "USD", ZONE)
    tier = "gold" if who == "gold" else ""
    buyer = Circumstances(moment=NOW, zone=ZoneInfo(ZONE), tier=tier, ordinal=4)
    tags, collections = {tag.casefold() for tag in SHIRT["tags"]}, {one["id"] for one in SHIRT["collections"]}
    context = Context(
        tier=tier,
        rules=frozenset(rule.id for rule in rules.multipliers if rule.holds(buyer)),
        products={SHIRT["id"]: ProductFact(frozenset(tags), frozenset(collections))},
    )
    line = Line(
        1,
        variant["price"],
        ordered=1,
        current=1,
        product_id=SHIRT["id"],
        variant_id=variant["id"],
        vendor=SHIRT["vendor"],
    )
    return target(OrderFact(1, 1, NOW, NOW, "USD", lines=(line,), paid=True), rules, context).points
