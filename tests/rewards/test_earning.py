"""The arithmetic of earning: switches, roundings, and what must hold for any order."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import documents, earning, programs
from rewards.contexts import Context
from rewards.earning import Rules, TooManyPoints, target
from rewards.facts import Line
from tests.rewards.conftest import line, order

STARTER = documents.checked(programs.starter("Test", "EUR"), "EUR")


def rules(currency="EUR", **changes):
    document = documents.checked(programs.starter("T", currency), currency)
    return replace(Rules.of(document, 1, currency), **changes)


def points(fact, **changes):
    return target(fact, rules(**changes)).points


@pytest.mark.parametrize(
    ("currency", "rate", "price", "expected"),
    [
        ("JPY", (1, 100), 1999, 19),
        ("KWD", (1, 1000), 12345, 12),
        ("EUR", (3, 200), 999, 14),
        ("EUR", (1, 1000), 999, 0),
        ("EUR", (0, 100), 999, 0),
    ],
)
def test_rates_are_any_ratio_in_any_currency(currency, rate, price, expected):
    fact = order(line(price), currency=currency)
    assert points(fact, currency=currency, rate_points=rate[0], rate_per=rate[1]) == expected


@pytest.mark.parametrize(("rounding", "expected"), [("down", 37), ("nearest", 37), ("up", 38)])
def test_it_is_rounded_once_per_order(rounding, expected):
    assert points(order(line(1240, id=1), line(2509, id=2)), rounding=rounding) == expected


def test_the_nearest_of_a_half_is_up():
    assert points(order(line(150)), rounding="nearest") == 2


@pytest.mark.parametrize(
    ("switches", "included", "expected"),
    [
        ({}, True, 100),
        ({"with_tax": True}, True, 119),
        ({"with_tax": True}, False, 138),
        ({"before_discounts": True}, True, 120),
        ({"with_shipping": True}, True, 105),
        ({"with_shipping": True, "with_tax": True}, True, 125),
        ({"with_shipping": True, "with_tax": True}, False, 145),
        ({"with_shipping": True}, False, 125),
    ],
)
def test_the_basis_follows_its_switches(switches, included, expected):
    fact = order(
        line(13900, discount=2000, tax=1900), taxes_included=included, shipping=600, shipping_tax=100
    )
    assert points(fact, **switches) == expected


def test_gift_cards_earn_only_where_the_program_says_so():
    fact = order(line(5000, gift_card=True))
    assert (points(fact), points(fact, with_gift_cards=True)) == (0, 50)


def test_an_amount_refund_counts_without_its_tax():
    fact = order(line(5000, tax=1000), unexplained_refund=1200)
    assert points(fact) == 40
    assert points(fact, with_tax=True) == 48


def test_an_amount_refund_of_more_than_everything_leaves_nothing():
    assert points(order(line(5000), unexplained_refund=99900)) == 0
    assert points(order(unexplained_refund=500)) == 0


def test_excluded_customers_earn_nothing_and_the_reason_says_so():
    found = target(order(line(5000)), rules(), Context(excluded=True))
    assert (found.points, found.explanation["nothing"]) == (0, "customer_tag")


@pytest.mark.parametrize("reason", ["test", "cancelled"])
def test_test_orders_and_cancelled_ones_earn_nothing(reason):
    assert target(order(line(5000), **{reason: True}), rules()).explanation["nothing"] == reason


def test_tags_are_compared_without_case():
    assert rules(excluded_tags=frozenset({"wholesale"})).excludes(["WholeSale"])
    assert not rules(excluded_tags=frozenset({"wholesale"})).excludes([])


def test_more_points_than_can_be_counted_are_refused():
    with pytest.raises(TooManyPoints):
        points(order(line(10**18)))


def test_odd_lines_earn_nothing():
    assert points(order(line(5000, ordered=0, current=0), line(100, discount=500, id=2))) == 0


def test_the_explanation_shows_what_was_counted():
    fact = order(line(2990), unexplained_refund=1, shipping=100)
    explained = target(fact, rules(with_shipping=True)).explanation
    assert explained["basis"] == "30.89"
    assert explained["shipping"] == "1.00"
    assert explained["refunded_amount"] == "0.01"
    assert target(order(line(1000, ordered=3, current=1, discount=1)), rules()).explanation["exact"] == (
        "9.996666…"
    )


lines = st.builds(
    lambda id, price, ordered, part, discount: Line(
        id=id,
        price=price,
        ordered=ordered,
        current=min(part, ordered),
        discount=min(discount, price * ordered),
    ),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.integers(1, 9),
    st.integers(0, 9),
    st.integers(0, 10**5),
)
orders = st.lists(lines, max_size=6, unique_by=lambda line: line.id).map(lambda many: order(*many))
ratios = st.tuples(st.integers(0, 50), st.integers(1, 10**5))


@given(orders, ratios, st.integers(1, 10**6))
def test_more_spend_never_earns_less(fact, ratio, more):
    rate = {"rate_points": ratio[0], "rate_per": ratio[1]}
    bigger = replace(fact, lines=(*fact.lines, Line(id=0, price=more, ordered=1, current=1)))
    assert points(bigger, **rate) >= points(fact, **rate)


@given(orders, ratios)
def test_splitting_an_order_never_earns_more(fact, ratio):
    rate = {"rate_points": ratio[0], "rate_per": ratio[1]}
    split = sum(points(replace(fact, lines=(line,)), **rate) for line in fact.lines)
    assert split <= points(fact, **rate)


@given(orders, ratios, st.sampled_from(sorted(earning.ROUNDINGS)))
def test_the_explanations_own_numbers_recompute_to_the_result(fact, ratio, rounding):
    found = target(fact, rules(rate_points=ratio[0], rate_per=ratio[1], rounding=rounding))
    explained = found.explanation
    if "…" in explained["basis"] + explained["exact"]:
        return
    basis, per = Fraction(explained["basis"]), Fraction(explained["rate"]["per"])
    exact = basis * explained["rate"]["points"] / per
    assert exact == Fraction(explained["exact"])
    assert earning.ROUNDINGS[explained["rounding"]](exact) == found.points


@given(orders)
def test_nothing_left_is_worth_nothing(fact):
    returned = replace(fact, lines=tuple(replace(line, current=0) for line in fact.lines))
    assert points(returned) == 0


def test_the_whole_explanation():
    fact = order(line(12345, id=3), line(0, id=4), currency="KWD")
    found = target(fact, rules("KWD", version=7, rate_points=3, rate_per=2000))
    assert found.explanation == {
        "rule": "order",
        "version": 7,
        "currency": "KWD",
        "lines": {"3": "12.345"},
        "basis": "12.345",
        "rate": {"points": 3, "per": "2.000"},
        "exact": "18.5175",
        "rounding": "down",
        "points": 18,
    }


def test_the_whole_explanation_of_nothing():
    found = target(order(line(5000), cancelled=True), rules(version=7))
    assert found.explanation == {"rule": "order", "version": 7, "nothing": "cancelled", "points": 0}


def test_a_gift_card_leaves_nothing_to_round_up():
    assert points(order(line(5000, gift_card=True)), rounding="up") == 0


@pytest.mark.parametrize(("included", "basis"), [(True, "30.40"), (False, "40.00")])
def test_the_tax_in_an_amount_refund_is_that_of_what_was_paid(included, basis):
    fact = order(line(6000, discount=1000, tax=1000), unexplained_refund=1200, taxes_included=included)
    assert target(fact, rules()).explanation["basis"] == basis


def test_the_rules_are_what_the_document_says():
    """Each field of its own place: none is left out, none taken for another."""
    said = {
        **programs.starter("T", "KWD"),
        "debt": "forgive",
        "earning": {
            "rate": {"points": 3, "per": "2.000"},
            "rounding": "up",
            "award_on": "fulfilled",
            "hold_days": 14,
            "signup_bonus": 9,
            "basis": {"tax": True, "shipping": False, "before_discounts": True, "gift_cards": False},
            "excluded_customer_tags": ["Wholesale", "STAFF"],
        },
    }
    expected = Rules(
        version=7,
        currency="KWD",
        rate_points=3,
        rate_per=2000,
        rounding="up",
        award_on="fulfilled",
        hold_days=14,
        signup_bonus=9,
        with_tax=True,
        with_shipping=False,
        before_discounts=True,
        with_gift_cards=False,
        excluded_tags=frozenset({"wholesale", "staff"}),
        forgive_debt=True,
    )
    assert Rules.of(documents.checked(said, "KWD"), 7, "KWD") == expected
    said["earning"]["basis"] = {
        "tax": False, "shipping": True, "before_discounts": False, "gift_cards": True
    }  # fmt: skip
    other = replace(
        expected,
        with_tax=False,
        with_shipping=True,
        before_discounts=False,
        with_gift_cards=True,
        forgive_debt=False,
    )
    assert Rules.of(documents.checked({**said, "debt": "collect"}, "KWD"), 7, "KWD") == other


def test_the_most_that_can_be_counted_is_still_given():
    most = earning.LARGEST_POINTS
    assert points(order(line(most * 100))) == most
    with pytest.raises(TooManyPoints, match=f"^The order would earn {most + 1} points; {most} is the most"):
        points(order(line((most + 1) * 100)))


def test_a_single_cent_has_its_tax_too():
    """Where a cent was paid, all of it tax, nothing of a refund concerns the lines."""
    fact = order(line(1, tax=1), unexplained_refund=1, shipping=100, taxes_included=True)
    assert target(fact, rules(with_shipping=True)).explanation["basis"] == "1.00"


@pytest.mark.parametrize(
    ("price", "exact"), [(1, "0.01"), (100, "1"), (10**17 + 100, "1000000000000001"), (1234567, "12345.67")]
)
def test_the_exact_number_is_written_as_a_person_would(price, exact):
    assert target(order(line(price)), rules()).explanation["exact"] == exact


def test_six_decimals_are_shown_and_no_more():
    found = target(order(line(1)), rules(rate_per=2**7 * 5**7)).explanation["exact"]
    assert found == "0.000000…"


def test_a_chargeback_counts_like_an_amount_refund_and_is_named():
    fact = order(line(6000, tax=1000), unexplained_refund=1200, taxes_included=True)
    explained = target(fact, rules(), charged_back=600).explanation
    assert (explained["basis"], explained["charged_back"]) == ("35.00", "5.00")
    assert target(fact, rules(with_tax=True), charged_back=600).explanation["basis"] == "42.00"
    assert "charged_back" not in target(fact, rules()).explanation
