"""What orders would earn: told by the code that settles, leaving no trace."""

from datetime import timedelta

import pytest

from rewards import offers, orders, people
from rewards.facts import FetchedOrder, OrderRef
from rewards.models import Order
from tests.rewards.conftest import NOW, World, line, order

FIRST = OrderRef(1, 5001)


def fetched(*lines, tags=(), fulfilled_at=None, **changes):
    return FetchedOrder(order(*lines, **changes), tags, NOW, fulfilled_at)


CASES = {
    "paid": (fetched(line(2990)), {}, 29),
    "half refunded": (fetched(line(1000, 2, 1)), {}, 10),
    "unpaid": (FetchedOrder(order(line(2990), paid=False)), {}, 0),
    "guest": (fetched(line(2990), customer_id=None), {}, 0),
    "test": (fetched(line(2990), test=True), {}, 0),
    "cancelled": (fetched(line(2990), cancelled=True), {}, 0),
    "other currency": (fetched(line(2990), currency="USD"), {}, 0),
    "excluded": (fetched(line(2990), tags=("Staff",)), {"excluded_customer_tags": ["staff"]}, 0),
    "not fulfilled": (fetched(line(2990)), {"award_on": "fulfilled"}, 0),
    "fulfilled": (fetched(line(2990), fulfilled=True, fulfilled_at=NOW), {"award_on": "fulfilled"}, 29),
    "too much": (fetched(line(10**13)), {"rate": {"points": 1_000_000, "per": "0.01"}}, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_forecast_is_what_settling_gives(world: World, case: str) -> None:
    item, rules, points = CASES[case]
    world.rules(**rules)
    said = orders.forecast(world.program, [item])
    assert said == ({FIRST: points} if points else {})
    assert not Order.objects.exists()
    if case != "too much":
        orders.settle_orders(world.program, [item], now=NOW)
        assert Order.objects.get().points == points
        assert orders.forecast(world.program, [item]) == {}


def test_what_is_known_counts_for_the_difference(world: World) -> None:
    world.settle(fetched(line(1000, 2)))
    later = fetched(line(1000, 2, 1), minutes=5)
    older = fetched(line(1000, 3), minutes=-5)
    assert orders.forecast(world.program, [later]) == {FIRST: -10}
    assert orders.forecast(world.program, [older]) == {}
    world.settle(later)
    assert Order.objects.get().points == 10


def test_who_was_forgotten_gets_nothing(world: World) -> None:
    people.enrol(world.program, {(1, 7001): NOW - timedelta(days=1)})
    people.forget(world.program, (1, 7001))
    assert orders.forecast(world.program, [fetched(line(2990))]) == {}


def test_points_are_worth_what_the_most_generous_reward_gives() -> None:
    fixed = {"kind": "fixed", "value": "5.00", "points": 100}
    variable = {"kind": "variable", "per": "1.00", "points": 10}
    share = {"kind": "percentage", "percent": "10", "points": 1}
    assert offers.worth(1000, [fixed, share], "EUR") == 5000
    assert offers.worth(1000, [fixed, variable], "EUR") == 10000
    assert offers.worth(1000, [share], "EUR") is None
