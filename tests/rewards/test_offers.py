"""What a reward costs and is worth, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.offers import BadChoice, Price, cheapest, price, worth

FIXED = {"id": "f", "kind": "fixed", "points": 100, "value": "5.00"}
PERCENT = {"id": "p", "kind": "percentage", "points": 200, "percent": "10"}
CHOOSE = {
    "id": "v",
    "kind": "variable",
    "points": 20,
    "per": "1.00",
    "min": "2.00",
    "max": "50.00",
    "step": "0.50",
}
ODD = {
    "id": "o",
    "kind": "variable",
    "points": 7,
    "per": "3.00",
    "min": "1.00",
    "max": "9.00",
    "step": "1.00",
}


def test_a_fixed_price_is_what_it_is():
    assert price(FIXED, "EUR") == price(FIXED, "EUR", 100) == Price(100, 500)
    assert price(PERCENT, "EUR") == Price(200, None)
    assert price({**FIXED, "value": "500"}, "JPY") == Price(100, 500)


@pytest.mark.parametrize("points", [0, 99, 101])
def test_another_price_is_refused(points):
    with pytest.raises(BadChoice, match=r"^This reward costs 100 points\.$"):
        price(FIXED, "EUR", points)


@pytest.mark.parametrize(
    ("reward", "points", "value"),
    [
        (CHOOSE, 40, 200),
        (CHOOSE, 50, 250),
        (CHOOSE, 1000, 5000),
        (ODD, 3, 100),
        (ODD, 5, 200),
        (ODD, 21, 900),
    ],
)
def test_a_variable_price_is_rounded_up(reward, points, value):
    assert price(reward, "EUR", points) == Price(points, value)


@pytest.mark.parametrize("points", [None, 0, -40, 1, 39, 41, 45, 999, 1001, 1010, 10**12])
def test_what_is_no_step_within_the_range_is_refused_with_the_range(points):
    said = (
        r"^Choose an amount from 2\.00 to 50\.00 EUR in steps of 0\.50: "
        r"40 points give 2\.00, 1000 points give 50\.00\.$"
    )
    with pytest.raises(BadChoice, match=said):
        price(CHOOSE, "EUR", points)


def test_the_cheapest_is_the_least_one_needs():
    assert [cheapest(reward, "EUR") for reward in (FIXED, PERCENT, CHOOSE, ODD)] == [100, 200, 40, 3]


@given(st.integers(1, 25))
def test_who_pays_more_never_gets_less(points):
    found = []
    for asked in range(1, points + 1):
        try:
            found.append(price(ODD, "EUR", asked).value)
        except BadChoice:
            continue
    assert found == sorted(set(found))


def test_amounts_have_the_digits_of_their_currency():
    dinars = {**CHOOSE, "points": 1, "per": "1.000", "min": "1.000", "max": "5.000", "step": "0.500"}
    assert price(dinars, "KWD", 1) == Price(1, 1000)
    assert price(dinars, "KWD", 2) == Price(2, 2000)
    assert cheapest(dinars, "KWD") == 1
    with pytest.raises(BadChoice) as refused:
        price(dinars, "KWD", 9)
    assert str(refused.value).endswith("1 points give 1.000, 5 points give 5.000.")


def test_points_are_worth_what_the_most_generous_reward_gives():
    """100 points for 5.00 are as much as 20 for 1.00, 7 for 3.00 are more; a percentage says nothing."""
    assert worth(300, [FIXED, PERCENT, CHOOSE], "EUR") == 1500
    assert worth(300, [FIXED], "EUR") == 1500
    assert worth(7, [CHOOSE, ODD, FIXED], "EUR") == 300
    assert worth(7, [{**ODD, "per": "3"}], "JPY") == 3
    assert worth(300, [PERCENT], "EUR") is None
    assert worth(300, [], "EUR") is None


def test_the_cheapest_of_a_range_counts_in_its_currency():
    assert cheapest({**CHOOSE, "min": "2", "per": "1"}, "JPY") == 40
    assert cheapest({**CHOOSE, "min": "2.000", "per": "1.000"}, "KWD") == 40


@pytest.mark.parametrize("points", [0, -20, None])
def test_a_choice_has_to_be_made(points):
    with pytest.raises(BadChoice, match="Choose an amount from"):
        price({**CHOOSE, "min": "0.00"}, "EUR", points)
