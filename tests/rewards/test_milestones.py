"""How far it is to the next gift for what is spent, and that this is what brings it."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import (
    gift_reviews,
    gift_rules,
    redemptions,
)
from rewards.redemptions import State
from tests.rewards.conftest import NOW
from tests.rewards.gifts import buy, gifts, issue, refund, spend

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("within", "orders", "expected"),
    [
        (None, [(1, 499)], 0),
        (None, [(1, 500)], 1),
        (None, [(1, 499), (2, 1)], 1),
        (None, [(1, 1700)], 3),
        (None, [(1, 700), (2, 300)], 2),
        (30, [(1, 300), (32, 300)], 0),
        (30, [(1, 300), (31, 300)], 1),
        (30, [(1, 700), (31, 300)], 2),
        (30, [(1, 700), (32, 300)], 1),
        (30, [(1, 400), (20, 300), (51, 300)], 1),
        (30, [(1, 400), (20, 300), (50, 300)], 2),
        (1, [], 0),
    ],
)
def test_milestones_are_counted(within, orders, expected):
    first = date(2026, 1, 1)
    dated = [(first + timedelta(days=day), spend) for day, spend in orders]
    assert gift_rules.milestones(500, within, dated) == expected


FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("within", "orders", "today", "reached", "spent", "until"),
    [
        (None, [], 1, 0, 0, None),
        (None, [(1, 363)], 900, 0, 363, None),
        (None, [(1, 500)], 1, 1, 0, None),
        (None, [(1, 700), (2, 100)], 2, 1, 300, None),
        (30, [], 1, 0, 0, None),
        (30, [(1, 300)], 31, 0, 300, 31),
        (30, [(1, 300)], 32, 0, 0, None),
        (30, [(1, 300), (20, 100)], 31, 0, 400, 31),
        (30, [(1, 300), (20, 100)], 32, 0, 100, 50),
        (30, [(1, 300), (20, 300)], 31, 1, 100, 50),
        (30, [(1, 700)], 31, 1, 200, 31),
        (30, [(1, 700)], 32, 1, 0, None),
        (1, [(1, 499)], 2, 0, 499, 2),
    ],
)
def test_progress_is_what_still_counts_by_a_day(within, orders, today, reached, spent, until):
    dated = [(FIRST + timedelta(days=day), spend) for day, spend in orders]
    last = until and FIRST + timedelta(days=until)
    found = gift_rules.progress(500, within, dated, FIRST + timedelta(days=today))
    assert found == gift_rules.Progress(reached, spent, last)


histories = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 1500))).map(
    lambda row: [(FIRST + timedelta(days=day), spend) for day, spend in sorted(row)]
)


@given(st.integers(1, 600), st.none() | st.integers(1, 60), histories, st.integers(0, 60))
def test_what_is_missing_is_what_reaches_one_more(amount, within, orders, later):
    today = max((day for day, _ in orders), default=FIRST) + timedelta(days=later)
    now_at = gift_rules.progress(amount, within, orders, today)

    def reached(spend, day=today):
        return gift_rules.milestones(amount, within, [*orders, (day, spend)])

    missing = amount - now_at.spent
    assert now_at.reached == gift_rules.milestones(amount, within, orders)
    assert reached(missing - 1) == now_at.reached
    assert reached(missing) == now_at.reached + 1
    if now_at.until is not None:
        assert reached(missing, now_at.until) == now_at.reached + 1
        assert reached(missing, now_at.until + DAY) == now_at.reached
    else:
        assert within is None or now_at.spent == 0


def milestone(world, now=NOW):
    """How far the member is: missing, spent and until when."""
    (found,) = gift_reviews.standings(world.program, world.member().pk, now)
    return found.missing, found.spent, found.until


def test_a_member_sees_what_is_missing(world, by_rule):
    by_rule("milestone", amount="50", within_days=30)
    buy(world, 70, 1)
    last = date(2026, 12, 20)
    assert milestone(world) == (3000, 2000, last)
    assert milestone(world, NOW + 30 * DAY) == (3000, 2000, last)
    assert milestone(world, NOW + 31 * DAY) == (5000, 0, None)
    refund(world, 70, 1, left=45)
    assert milestone(world) == (500, 4500, last)


def test_the_day_is_the_shops_own(world, by_rule):
    by_rule("milestone", amount="50", within_days=1)
    buy(world, 20, 1, at=NOW)
    still = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
    assert milestone(world, still) == (3000, 2000, date(2026, 11, 21))
    assert milestone(world, still + timedelta(minutes=1)) == (5000, 0, None)


def test_the_end_of_the_rule_is_the_last_day_too(world, by_rule):
    by_rule("milestone", amount="50", within_days=30, ends="2026-12-07")
    buy(world, 20, 1)
    assert milestone(world) == (3000, 2000, date(2026, 12, 7))
    assert gift_reviews.standings(world.program, None, NOW + 20 * DAY) == []


@pytest.mark.parametrize("said", [{"archived": True}, {"starts": "2027-01-01"}, {"ends": "2026-11-19"}])
def test_what_is_not_on_is_not_shown(world, by_rule, said):
    by_rule("milestone", amount="50", **said)
    assert gift_reviews.standings(world.program, None, NOW) == []


def test_whoever_is_unknown_has_spent_nothing(world, by_rule, django_assert_num_queries):
    by_rule("milestone", amount="50")
    buy(world, 20, 1)
    gift_rules.of_program(world.program, "milestone")
    with django_assert_num_queries(0):
        (found,) = gift_reviews.standings(world.program, None, NOW)
    assert (found.missing, found.spent, found.until) == (5000, 0, None)


def test_one_that_could_not_be_made_is_owed(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 60, 1)
    assert milestone(world) == (4000, 1000, None)
    redemptions.failed(world.program.pk, gifts()[0].pk, "no", now=NOW)
    assert milestone(world) == (0, 5000, None)
    buy(world, 1, 2)
    assert len(gifts()) == 2
    assert milestone(world) == (3900, 1100, None)


def test_what_was_had_for_an_order_that_was_undone_comes_first(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    (one,) = gifts()
    issue(world, one)
    buy(world, 10, 2, codes=(one.code,))
    refund(world, 50, 1)
    assert milestone(world) == (9000, 0, None)
    buy(world, 89, 3)
    assert len(gifts()) == 1
    buy(world, 1, 4)
    assert len(gifts()) == 2


@pytest.mark.parametrize("seed", range(6))
def test_what_is_missing_is_what_brings_the_next_gift(world, by_rule, seed):
    """Whatever was bought, refunded, used or not made before."""
    chance, bought = random.Random(seed), {}
    by_rule("milestone", amount="50", within_days=chance.choice([None, 5, 20]))
    now = NOW
    for number in range(1, 13):
        now += chance.randint(0, 4) * DAY
        match chance.choice(["buy", "buy", "buy", "refund", "use", "fail"]):
            case "refund" if bought:
                which = chance.choice(sorted(bought))
                refund(world, bought.pop(which), which, minutes=number * 10_000)
            case "use" if ready := gifts(state=State.ISSUED):
                buy(world, 1, number, at=now, codes=(ready[0].code,))
            case "fail" if made := gifts(state=State.RESERVED):
                redemptions.failed(world.program.pk, made[0].pk, "no", now=now)
            case _:
                bought[number] = chance.randint(1, 90)
                buy(world, bought[number], number, at=now)
                if chance.random() < 0.5:
                    issue(world, *gifts(state=State.RESERVED))
    had = len(gifts())
    missing, _, _ = milestone(world, now)
    if missing > 1:
        spend(world, missing - 1, 50, now)
        assert len(gifts()) == had
        missing = 1
        assert milestone(world, now)[0] == missing
    spend(world, max(1, missing), 51, now)
    assert len(gifts()) == had + 1
