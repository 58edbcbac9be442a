"""Rules for orders: what they multiply and add, for whom and when, and what must hold for any of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import documents, earning, programs, timeline
from rewards import rules as ways
from rewards.contexts import Context
from rewards.earning import Rules, target
from rewards.facts import ProductFact
from rewards.rules import Circumstances, Saying
from tests.rewards.conftest import NOW, line, order

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = {"one": "point", "many": "points"}
SUMMER = {"id": "summer", "kind": "multiplier", "factor": "2", "on": {"collections": [11]}}
GOLD = {"id": "gold", "name": "Gold", "from": "500", "multiplier": {"factor": "1.25"}}
IN_SUMMER = {101: ProductFact(collections=frozenset({11}))}


def document(*rules, levels=(), currency="EUR", **earning):
    said = programs.starter("Test", currency)
    said["earning"] = {**said["earning"], "rules": list(rules), **earning}
    said["tiers"] = {"levels": list(levels)}
    return documents.checked(said, currency)


def read(*rules, **changes):
    return Rules.of(document(*rules, **changes), 1, "EUR", "Europe/Berlin")


def held(rules, **changes):
    """A context in which every rule is for the order."""
    return Context(**{"rules": frozenset(rule.id for rule in rules.of_orders), **changes})


def alone(setting):
    return {**setting, "stackable": False}


@pytest.mark.parametrize(
    ("rules", "levels", "points", "exact"),
    [
        ((), (GOLD,), 37, "37.375"),
        ((SUMMER,), (GOLD,), 67, "67.275"),
        ((alone(SUMMER),), ({**GOLD, "multiplier": {"factor": "1.25", "stackable": False}},), 59, "59.8"),
        ((SUMMER,), ({**GOLD, "multiplier": {"factor": "1.25", "stackable": False}},), 67, "67.275"),
        ((SUMMER, {**alone(SUMMER), "id": "b", "factor": "1.5"}), (), 74, "74.75"),
    ],
)
def test_the_worked_examples_of_multipliers(rules, levels, points, exact):
    rules = read(*rules, levels=levels)
    context = held(rules, tier="gold", products=IN_SUMMER)
    found = target(order(line(2990, product_id=101)), rules, context)
    assert (found.points, found.explanation["exact"]) == (points, exact)


def test_a_first_order_with_a_bonus_is_refunded_in_parts():
    rules = read({"id": "first", "kind": "first_order", "points": 100})
    states = [line(1000, ordered=5, current=current, discount=2500) for current in (5, 3, 0)]
    assert [target(order(one), rules, held(rules)).points for one in states] == [125, 115, 0]


def test_of_multipliers_that_stand_alone_each_line_has_its_best():
    """x 3 is best for what is in summer, x 2 for the rest."""
    on_all = {"id": "all", "kind": "multiplier", "factor": "2", "stackable": False}
    rules = read(on_all, {**alone(SUMMER), "factor": "3"})
    fact = order(line(1000, id=1, product_id=101), line(1000, id=2, product_id=102))
    found = target(fact, rules, held(rules, products=IN_SUMMER))
    assert found.points == 50
    assert [(one["rule"], one["of"]) for one in found.explanation["multipliers"]] == [
        ("all", "10.00"),
        ("summer", "10.00"),
    ]


def test_money_given_back_lowers_every_part_alike():
    rules = read(SUMMER)
    fact = order(line(1000, id=1, product_id=101), line(1000, id=2, product_id=102), unexplained_refund=500)
    # 15.00 are left, three quarters of each line: 7.50 twice and 7.50 once.
    assert target(fact, rules, held(rules, products=IN_SUMMER)).points == 22


@pytest.mark.parametrize(
    ("on", "doubled"),
    [
        ({"products": [101]}, True),
        ({"products": [102]}, False),
        ({"variants": [201]}, True),
        ({"collections": [11]}, True),
        ({"collections": [12]}, False),
        ({"product_tags": ["SALE"]}, True),
        ({"product_tags": ["new"]}, False),
        ({"vendors": ["ACME"]}, True),
        ({"vendors": ["Other"], "products": [101]}, True),
        ({}, True),
    ],
)
def test_what_a_multiplier_is_for(on, doubled):
    rules = read({"id": "some", "kind": "multiplier", "factor": "2", "on": on})
    known = {101: ProductFact(tags=frozenset({"sale"}), collections=frozenset({11}))}
    fact = order(line(1000, product_id=101, variant_id=201, vendor="Acme"))
    assert target(fact, rules, held(rules, products=known)).points == (20 if doubled else 10)


@pytest.mark.parametrize(
    ("excluded", "points"),
    [
        ({"products": [101]}, 10),
        ({"collections": [11]}, 10),
        ({"product_tags": ["Sale"]}, 10),
        ({"vendors": ["acme"]}, 10),
        ({"channels": ["POS"]}, 0),
        ({}, 20),
    ],
)
def test_what_is_excluded_earns_nothing(excluded, points):
    rules = read(excluded=excluded)
    known = {101: ProductFact(tags=frozenset({"sale"}), collections=frozenset({11}))}
    fact = order(line(1000, id=1, product_id=101, vendor="Acme"), line(1000, id=2), channel="pos")
    assert target(fact, rules, held(rules, products=known)).points == points


def test_renewals_of_subscriptions_earn_unless_the_program_says_otherwise():
    renewal = order(line(1000), channel="subscription_contract")
    assert target(renewal, read()).points == 10
    switched = read(excluded={"subscription_renewals": True})
    assert target(renewal, switched).explanation["nothing"] == "channel"
    assert target(replace(renewal, channel="subscription_contract_checkout_one"), switched).points == 10


def test_an_order_over_an_amount_is_judged_on_what_of_it_counts_now():
    rules = read({"id": "large", "kind": "order_over", "amount": "50", "points": 30})
    full, less = line(2500, ordered=2), line(2500, ordered=2, current=1)
    assert [target(order(one), rules, held(rules)).points for one in (full, less)] == [80, 25]


def test_a_bonus_for_a_product_goes_back_with_it():
    rules = read({"id": "gift", "kind": "bonus", "points": 10, "on": {"products": [101]}})
    both = order(line(500, id=1, product_id=101), line(500, id=2))
    returned = replace(both, lines=(line(500, id=1, product_id=101, current=0), line(500, id=2)))
    assert [target(fact, rules, held(rules)).points for fact in (both, returned)] == [20, 5]


@pytest.mark.parametrize(
    ("caps", "room", "points", "cut"),
    [
        ({"order": 40}, {}, 40, "order"),
        ({"order": 40}, {"day": 30}, 30, "day"),
        ({"order": 40}, {"day": 60, "member": 5}, 5, "member"),
        ({"order": 50}, {"day": 50}, 50, None),
        ({}, {"day": 0}, 0, "day"),
    ],
)
def test_the_narrowest_cap_cuts_and_says_so(caps, room, points, cut):
    rules = read(caps=caps)
    found = target(order(line(5000)), rules, held(rules, room=room))
    assert found.points == points
    assert found.explanation.get("cap", {}).get("of") == cut


@pytest.mark.parametrize(
    ("audience", "who", "included"),
    [
        ({}, {}, True),
        ({"tiers": ["gold"]}, {"tier": "gold"}, True),
        ({"tiers": ["gold"]}, {}, False),
        ({"customer_tags": ["VIP"]}, {"customer_tags": frozenset({"vip"})}, True),
        ({"customer_tags": ["VIP"]}, {"customer_tags": frozenset({"other"})}, False),
        ({"member_since": "2026-11-01"}, {"joined_at": datetime(2026, 11, 1, 22, 59, tzinfo=UTC)}, True),
        ({"member_since": "2026-11-01"}, {"joined_at": datetime(2026, 11, 1, 23, tzinfo=UTC)}, False),
        ({"never_ordered": True}, {"ordinal": 1}, True),
        ({"never_ordered": True}, {"ordinal": 2}, False),
        ({"not_ordered_days": 30}, {"previous_at": NOW - timedelta(days=30)}, True),
        ({"not_ordered_days": 30}, {"previous_at": NOW - timedelta(days=29)}, False),
        ({"not_ordered_days": 30}, {}, False),
        ({"tiers": ["gold"], "never_ordered": True}, {"tier": "gold", "ordinal": 3}, False),
    ],
)
def test_whom_a_rule_is_for(audience, who, included):
    rules = read({"id": "b", "kind": "bonus", "points": 1, "audience": audience}, levels=[GOLD])
    assert rules.flats[0].holds(Circumstances(NOW, BERLIN, **who)) is included


@pytest.mark.parametrize(
    ("kind", "ordinal", "previous", "due"),
    [
        ({"kind": "first_order"}, 1, None, True),
        ({"kind": "first_order"}, 2, 1, False),
        ({"kind": "nth_order", "n": 3}, 3, 1, True),
        ({"kind": "nth_order", "n": 3}, 6, 1, False),
        ({"kind": "nth_order", "n": 3, "repeat": True}, 6, 1, True),
        ({"kind": "nth_order", "n": 3, "repeat": True}, 7, 1, False),
        ({"kind": "order_again", "within_days": 30}, 2, 30, True),
        ({"kind": "order_again", "within_days": 30}, 2, 31, False),
        ({"kind": "order_again", "within_days": 30}, 1, None, False),
    ],
)
def test_which_order_a_bonus_is_for(kind, ordinal, previous, due):
    rules = read({"id": "b", "points": 1, **kind})
    before = None if previous is None else NOW - timedelta(days=previous)
    assert rules.flats[0].holds(Circumstances(NOW, BERLIN, ordinal=ordinal, previous_at=before)) is due


@pytest.mark.parametrize(
    ("starts", "ends", "first", "last"),
    [
        # 25 October 2026 has 25 hours in Berlin, 29 March 23.
        ("2026-10-25", "2026-10-25", "2026-10-24T22:00", "2026-10-25T22:59"),
        ("2026-03-29", "2026-03-29", "2026-03-28T23:00", "2026-03-29T21:59"),
        # Half past two comes twice: it is the first that counts, and the campaign doesn't come back.
        ("2026-10-25T02:30", "2026-10-25T12:00", "2026-10-25T00:30", "2026-10-25T10:59"),
        ("2026-10-24", "2026-10-25T02:30", "2026-10-23T22:00", "2026-10-25T00:29"),
        # Half past two doesn't exist: it begins at half past three.
        ("2026-03-29T02:30", "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-29T09:59"),
        ("2026-12-01T18:00", "2026-12-02T09:00", "2026-12-01T17:00", "2026-12-02T07:59"),
    ],
)
def test_a_campaign_keeps_the_shops_own_time(starts, ends, first, last):
    rules = read({"id": "b", "kind": "bonus", "points": 1, "starts": starts, "ends": ends})
    minute = timedelta(minutes=1)
    begins, closes = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
    moments = [begins - minute, begins, closes, closes + minute]
    held = [rules.flats[0].holds(Circumstances(moment, BERLIN)) for moment in moments]
    assert held == [False, True, True, False]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            {**SUMMER, "audience": {"tiers": ["gold"]}, "starts": "2026-12-01", "ends": "2026-12-07"},
            "2 x points on the collection Summer for Gold members, 1-7 December 2026",
        ),
        (
            {**alone(SUMMER), "on": {"vendors": ["Acme"], "product_tags": ["new"]}, "starts": "2026-12-01"},
            "2 x points on products with the tag “new” or the vendor Acme (only the best of these counts), "
            "from 1 December 2026 on",
        ),
        ({"kind": "first_order", "points": 1}, "1 point for the first order"),
        ({"kind": "nth_order", "n": 22, "points": 50}, "50 points for the 22nd order"),
        ({"kind": "nth_order", "n": 11, "points": 5, "repeat": True}, "5 points for every 11th order"),
        ({"kind": "order_over", "amount": "50", "points": 5}, "5 points for an order of at least 50.00 EUR"),
        (
            {"kind": "order_again", "within_days": 30, "points": 5},
            "5 points for ordering again within 30 days",
        ),
        (
            {"kind": "surprise", "amount": "50", "points": 50, "budget": 100},
            "50 points for the next 100 orders of at least 50.00 EUR",
        ),
        (
            {"kind": "bonus", "points": 5, "on": {"products": [7]}, "ends": "2026-12-24T18:00"},
            "5 points for each order with the product 7, until 24 December 2026 18:00",
        ),
        (
            {
                "kind": "bonus",
                "points": 5,
                "audience": {"customer_tags": ["vip"], "member_since": "2026-01-31", "not_ordered_days": 90},
            },
            "5 points for each order for members who are tagged “vip”, joined by 31 January 2026 "
            "and have not ordered for 90 days",
        ),
        ({"kind": "birthday", "points": 20}, "20 points on the birthday"),
        ({"kind": "review", "points": 20, "with_picture": 30}, "20 points for a review, 30 with a picture"),
        (
            {"kind": "custom", "title": "Visit", "points": 20, "most": 3},
            "20 points for “Visit” up to 3 times",
        ),
        ({"kind": "survey", "points": 2, "question": "Why?"}, "2 points for answering “Why?”"),
    ],
)
def test_rules_read_as_sentences(setting, said):
    complete = document({"id": "one", **setting}, levels=[GOLD])
    saying = Saying.of(complete, "EUR", {("collection", 11): "Summer"})
    assert ways.sentence(complete["earning"]["rules"][0], saying) == said


@pytest.mark.parametrize(
    ("rules", "levels", "said"),
    [
        ((), (GOLD,), "29.90 x 1.25 (Gold) = 37.375, rounded down"),
        ((SUMMER,), (GOLD,), "29.90 x 2.25 (More points and Gold) = 67.275, rounded down"),
        (
            ({"id": "first", "kind": "first_order", "points": 100},),
            (),
            "29.90 x 1 = 29.9, rounded down, 100 points more for First order",
        ),
    ],
)
def test_why_is_answered_in_one_sentence(rules, levels, said):
    rules = read(*rules, levels=levels)
    found = target(order(line(2990, product_id=101)), rules, held(rules, tier="gold", products=IN_SUMMER))
    sentence = timeline.sentence({**found.explanation, "order": "#1", "before": 0}, found.points, NAMES)
    assert sentence == f"Order #1 earned {found.points} points: {said}."


def test_what_a_cap_cut_is_said():
    rules = read({"id": "first", "kind": "first_order", "points": 100}, caps={"order": 40})
    found = target(order(line(2990)), rules, held(rules))
    sentence = timeline.sentence({**found.explanation, "order": "#1", "before": 0}, found.points, NAMES)
    assert sentence == (
        "Order #1 earned 40 points: 29.90 x 1 = 29.9, rounded down, 100 points more for First order, "
        "cut to the 40 that an order can earn."
    )


# What must hold for any rules and any order.

factors = st.sampled_from(["1", "1.25", "1.5", "2", "3", "10"])
selections = st.sampled_from(
    [{}, {"products": [101]}, {"collections": [11]}, {"product_tags": ["sale"], "vendors": ["acme"]}]
)
multipliers = st.lists(
    st.builds(
        lambda factor, stackable, on: {
            "kind": "multiplier", "factor": factor, "stackable": stackable, "on": on
        },
        factors,
        st.booleans(),
        selections,
    ),
    max_size=4,
)  # fmt: skip
flats = st.lists(
    st.sampled_from(
        [
            {"kind": "first_order", "points": 100},
            {"kind": "order_over", "amount": "50", "points": 30},
            {"kind": "bonus", "points": 7, "on": {"products": [101]}},
        ]
    ),
    max_size=3,
)
lines = st.lists(
    st.builds(
        lambda id, price, ordered, discount, product, vendor: line(
            price, ordered=ordered, id=id, discount=min(discount, price * ordered), product_id=product,
            vendor=vendor,
        ),
        st.integers(1, 10**6),
        st.integers(0, 10**6),
        st.integers(1, 5),
        st.integers(0, 10**4),
        st.sampled_from([101, 102, 103]),
        st.sampled_from(["", "Acme"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.id,
)  # fmt: skip
KNOWN = {**IN_SUMMER, 102: ProductFact(tags=frozenset({"sale"}))}


def named(settings):
    return [{"id": f"r{number}", **setting} for number, setting in enumerate(settings)]


@given(lines, multipliers, flats, st.data())
def test_more_spend_never_earns_less(bought, some, others, data):
    rules = read(*named([*some, *others]), levels=[GOLD])
    context = held(rules, tier=data.draw(st.sampled_from(["", "gold"])), products=KNOWN)
    which = data.draw(st.integers(0, len(bought) - 1))
    more = [*bought]
    more[which] = replace(bought[which], price=bought[which].price + data.draw(st.integers(1, 10**6)))
    assert target(order(*bought), rules, context).points <= target(order(*more), rules, context).points


@given(lines, multipliers, st.integers(0, 4))
def test_splitting_an_order_never_earns_more_by_rate_and_multipliers(bought, some, cut):
    rules = read(*named(some), levels=[GOLD])
    context = held(rules, tier="gold", products=KNOWN)
    parts = [part for part in (bought[:cut], bought[cut:]) if part]
    split = sum(target(order(*part), rules, context).points for part in parts)
    assert split <= target(order(*bought), rules, context).points


@given(lines, multipliers, flats, st.integers(0, 300), st.sampled_from(sorted(earning.ROUNDINGS)))
def test_the_explanations_own_numbers_recompute_to_the_result(bought, some, others, back, rounding):
    rules = read(*named([*some, *others]), levels=[GOLD], rounding=rounding, caps={"order": 50_000})
    found = target(order(*bought, unexplained_refund=back), rules, held(rules, tier="gold", products=KNOWN))
    told = found.explanation
    amounts = [told["basis"], told["exact"], *(one["of"] for one in told.get("multipliers", ()))]
    if any("…" in amount for amount in amounts):
        return
    parts = told.get("multipliers", ())
    extra = sum(Fraction(one["of"]) * (Fraction(one["factor"]) - 1) for one in parts)
    exact = (Fraction(told["basis"]) + extra) * told["rate"]["points"] / Fraction(told["rate"]["per"])
    assert exact == Fraction(told["exact"])
    rounded = earning.ROUNDINGS[rounding](exact)
    assert rounded == told.get("rounded", rounded)
    earned = rounded + sum(one["points"] for one in told.get("flat", ()))
    assert found.points == (min(earned, told["cap"]["room"]) if "cap" in told else earned)


@given(lines, multipliers, flats)
def test_nothing_left_is_worth_nothing(bought, some, others):
    rules = read(*named([*some, *others]), levels=[GOLD])
    returned = [replace(one, current=0) for one in bought]
    assert target(order(*returned), rules, held(rules, tier="gold", products=KNOWN)).points == 0


def test_every_kind_has_its_settings_in_the_schema_and_a_class():
    kinds = documents.schema()["$defs"]["rule"]["properties"]["kind"]["enum"]
    assert list(ways.KINDS) == kinds
    assert all(kind in documents.schema()["$defs"] for kind in kinds)
