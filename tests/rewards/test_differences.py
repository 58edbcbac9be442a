"""What differs between two programs, in a merchant's words: nothing is left out, nothing is made up."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import documents
from rewards.differences import LISTED_MOST, differences
from tests.rewards.any_document import DOCUMENTS

Json = dict[str, Any]

BASE = documents.checked(
    {
        "name": "Test",
        "points": {"one": "bean", "many": "beans"},
        "earning": {
            "rate": {"points": 1, "per": "1"},
            "excluded_customer_tags": ["staff"],
            "rules": [
                {
                    "id": "double",
                    "kind": "multiplier",
                    "title": "Summer double",
                    "factor": "2",
                    "ends": "2026-12-01",
                },
                {"id": "over", "kind": "order_over", "amount": "50", "points": 20},
            ],
        },
        "rewards": [
            {"id": "five", "kind": "fixed", "title": "5.00 off", "points": 100, "value": "5"},
            {"id": "ship", "kind": "free_shipping", "title": "Free shipping", "points": 150},
        ],
        "tiers": {
            "levels": [
                {"id": "silver", "name": "Silver", "from": "100"},
                {"id": "gold", "name": "Gold", "from": "500.00"},
            ]
        },
    },
    "EUR",
)


def changed(path: str, value: Any) -> Json:
    """The base with another value at a path such as `rewards.0.points`."""
    document = deepcopy(BASE)
    *parents, last = [int(name) if name.isdecimal() else name for name in path.split(".")]
    place: Any = document
    for name in parents:
        place = place[name]
    place[last] = value
    return documents.checked(document, "EUR")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("name", "New", "Program name: “Test” became “New”."),
        ("earning.rate.points", 2, "Points for each 1.00 EUR: 1 became 2."),
        (
            "earning.rate",
            {"points": 3, "per": "2"},
            "Earning: 1 bean for each 1.00 EUR became 3 beans for each 2.00 EUR.",
        ),
        ("earning.rounding", "up", "Fractions of points are rounded: down became up."),
        ("earning.basis.tax", True, "What counts, tax: switched on."),
        ("return_unused", False, "Points come back when a code ends unused: switched off."),
        ("earning.caps.day", 5000, "Most points of a member's day: none became 5,000."),
        (
            "earning.excluded_customer_tags",
            ["vip", "wholesale"],
            "Customers who earn nothing, by tag: “vip” and “wholesale” were added; “staff” was removed.",
        ),
        ("expiry.notice_days", [7, 30], "Expiry, days of notice: in another order, 7 and 30."),
        (
            "earning.excluded.products",
            list(range(1, 21)),
            "What earns nothing, products: 1, 2, 3, 4, 5, 6, 7 and 13 more were added.",
        ),
        ("rewards.0.points", 120, "Reward “5.00 off”: price 100 became 120 beans."),
        ("rewards.0.title", "Five", "Reward “5.00 off” is now called “Five”."),
        ("rewards.0.archived", True, "Reward “5.00 off” was archived."),
        ("rewards.0.minimum_subtotal", "20", "Reward “5.00 off”, smallest order: none became 20.00 EUR."),
        ("earning.rules.1.audience.tiers", ["gold"], "Rule “over”, for, tiers: “Gold” was added."),
        (
            "rewards.0.combines_with.order",
            True,
            "Reward “5.00 off”, can be combined with, order discounts: switched on.",
        ),
        (
            "earning.rules.0.ends",
            "2026-12-07T18:30",
            "Rule “Summer double”: ends 7 December 2026, 18:30 instead of 1 December 2026.",
        ),
        ("earning.rules.0.ends", None, "Rule “Summer double”, ends: 1 December 2026 became none."),
        ("earning.rules.0.factor", "1.5", "Rule “Summer double”, times: 2 became 1.5."),
        ("earning.rules.0.on.collections", [81], "Rule “Summer double”, on, collections: 81 was added."),
        ("earning.rules.1.amount", "60", "Rule “over”, amount: 50.00 EUR became 60.00 EUR."),
        ("tiers.levels.0.from", "200", "Tier “Silver”, reached with: 100.00 EUR became 200.00 EUR."),
        (
            "tiers.levels.1.multiplier",
            {"factor": "2"},
            "Tier “Gold”, times as many points: none became times 2.",
        ),
        ("tiers.window", "lifetime", "Tiers, counted over: rolling year became lifetime."),
    ],
)
def test_a_change_is_said_in_one_sentence(path: str, value: Any, sentence: str) -> None:
    assert differences(BASE, changed(path, value), "EUR") == [sentence]


def test_what_came_and_what_went_is_named_with_what_it_is() -> None:
    after = deepcopy(BASE)
    after["tiers"]["levels"][0] = {"id": "pro", "name": "Pro", "from": "250", "multiplier": {"factor": "1.5"}}
    bonus = {
        "kind": "bonus",
        "id": "extra",
        "points": 1000,
        "starts": "2026-12-24",
        "audience": {"tiers": ["gold"]},
    }
    after["earning"]["rules"] = [bonus]
    after["rewards"] = [
        *reversed(BASE["rewards"]),
        {"id": "x", "kind": "percentage", "title": "Ten", "points": 9, "percent": "10"},
    ]
    assert differences(BASE, documents.completed(after), "EUR") == [
        "Rule “Summer double” was removed.",
        "Rule “over” was removed.",
        "Rule “extra” was added: 1000 beans for each order for Gold members, from 24 December 2026 on.",
        "Tier “Silver” was removed.",
        "Tier “Pro” was added: reached with 250 EUR, times as many points times 1.5.",
        "Reward “Ten” was added: percentage off, price 9, percent off 10.",
        "Rewards stand in another order: “Free shipping” and “5.00 off”.",
    ]


def test_thresholds_are_money_only_where_spend_counts() -> None:
    before, after = deepcopy(BASE), deepcopy(BASE)
    before["tiers"]["metric"] = after["tiers"]["metric"] = "orders"
    after["tiers"]["levels"][0]["from"] = "3"
    assert differences(before, after, "EUR") == ["Tier “Silver”, reached with: 100.00 became 3."]


def test_a_setting_that_no_schema_knows_is_said_by_its_name() -> None:
    assert differences(BASE, {**BASE, "new_thing": 5}, "EUR") == ["New thing: none became 5."]
    assert differences({**BASE, "new_thing": {"a": 1}}, {**BASE, "new_thing": {"a": 2}}, "EUR") == [
        "New thing, a: 1 became 2."
    ]


def test_what_isnt_money_of_this_currency_keeps_its_digits() -> None:
    yen = {**BASE, "earning": {**BASE["earning"], "rate": {"points": 1, "per": "100"}}}
    more = {**BASE, "earning": {**BASE["earning"], "rate": {"points": 2, "per": "100"}}}
    assert differences(yen, more, "JPY") == ["Points for each 100 JPY: 1 became 2."]


@given(DOCUMENTS, DOCUMENTS)
def test_programs_are_the_same_where_nothing_is_said(before: Json, after: Json) -> None:
    assert differences(before, deepcopy(before), "EUR") == []
    assert (before == after) == (not differences(before, after, "EUR"))


@given(DOCUMENTS, st.data())
def test_whatever_is_changed_is_said(before: Json, data: st.DataObject) -> None:
    places = list(_places(before, ()))
    path, other = data.draw(st.sampled_from(places))
    after = deepcopy(before)
    place: Any = after
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = other
    said = differences(before, after, "EUR")
    assert said
    assert all(sentence.endswith(".") and sentence[0] == sentence[0].upper() for sentence in said)
    assert differences(after, before, "EUR")


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(path, something else) for each value in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))
    elif isinstance(value, list):
        if value:
            yield path, value[1:]
            for index, inner in enumerate(value):
                yield from _places(inner, (*path, index))
        if len(value) > 1:
            yield path, [value[-1], *value[:-1]]
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        yield path, value + 1
    else:
        yield path, "2" if value is None else f"{value}2"


@given(DOCUMENTS)
def test_documents_out_of_the_schema_are_programs(document: Json) -> None:
    assert documents.checked(document, "EUR") == document


def test_every_setting_has_a_title() -> None:
    untitled = set(_untitled(documents.schema()))
    assert untitled == {"id", "kind", "rules", "levels", "challenges", "gifts", "rewards"}


def _untitled(part: Json) -> Iterator[str]:
    part = documents.resolved(part)
    branches = [documents.resolved(branch["then"]) for branch in part.get("allOf", ())]
    for one in [part, *part.get("anyOf", ()), *branches]:
        for name, inner in one.get("properties", {}).items():
            if "title" not in documents.resolved(inner):
                yield name
            yield from _untitled(inner)
    yield from _untitled(part["items"]) if "items" in part else ()


def test_a_long_list_is_cut() -> None:
    said = differences(
        BASE, changed("earning.excluded.vendors", [f"v{n}" for n in range(LISTED_MOST)]), "EUR"
    )
    assert "more" not in said[0]
