"""Which tier a member has: worked examples of the rules, and a day-by-day oracle over random histories."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.tier_rules import Grant, Rules, State, next_tier, review
from rewards.tier_settings import Counted, Level, Settings

DAY = timedelta(days=1)
LEVELS = (
    Level("silver", 100, 60, "Silver"),
    Level("gold", 500, 300, "Gold"),
    Level("vip", None, None, "VIP"),
    Level("platinum", 1000, 1000, "Platinum"),
)
ROLLING = Settings(levels=LEVELS)
CALENDAR = Settings(levels=LEVELS, window="calendar_year")
LIFETIME = Settings(levels=LEVELS, window="lifetime")


def bought(day, amount, hold=0):
    return Counted(day, day + hold * DAY, amount, amount, 1)


def rules(*versions):
    """The last one is in force."""
    return Rules(len(versions), versions[-1], lambda number: versions[number - 1])


def tiers_on(days, counted, *versions, grants=(), state=None):
    """The tier on each of these days, reviewed when something is due, as the nightly run does it."""
    state, found, known = state or State(), [], rules(*versions)
    for day in days:
        state, _ = review(state, counted, grants, known, day)
        found.append(state.tier)
    return found


def the_way(counted, first, last, *versions, grants=(), state=None):
    """(day, tier) of each move between two days."""
    state, moves, known = state or State(), [], rules(*versions)
    day = first
    while day <= last:
        state, changes = review(state, counted, grants, known, day)
        moves += [(change.day, change.tier) for change in changes]
        day = max(state.due_on, day + DAY) if state.due_on else last + DAY
    return moves


def test_an_order_counts_through_the_same_day_of_the_next_year():
    counted = [bought(date(2026, 3, 10), 100)]
    assert the_way(counted, date(2026, 3, 10), date(2028, 1, 1), ROLLING) == [
        (date(2026, 3, 10), "silver"),
        (date(2027, 3, 11), None),
    ]


@pytest.mark.parametrize(
    ("day", "lost"),
    [
        (date(2028, 2, 29), date(2029, 3, 1)),  # 29 February + 1 year = 28 February, the last day
        (date(2027, 2, 28), date(2028, 2, 29)),
        (date(2027, 3, 1), date(2028, 3, 2)),
    ],
)
def test_leap_days(day, lost):
    assert the_way([bought(day, 100)], day, date(2030, 1, 1), ROLLING)[-1] == (lost, None)


def test_who_is_below_the_keep_threshold_has_days_of_grace_and_then_goes_where_they_fit():
    with_grace = replace(ROLLING, grace_days=30)
    counted = [bought(date(2026, 1, 10), 450), bought(date(2026, 6, 1), 60)]
    assert the_way(counted, date(2026, 6, 1), date(2028, 1, 1), with_grace) == [
        (date(2026, 6, 1), "gold"),
        # 60 are left from 11 January on: enough to keep silver.
        (date(2027, 2, 10), "silver"),
        (date(2027, 7, 2), None),
    ]


def test_an_order_within_the_grace_saves_the_tier():
    with_grace = replace(ROLLING, grace_days=30)
    counted = [bought(date(2026, 1, 10), 500), bought(date(2027, 1, 30), 300)]
    state, _ = review(State(), counted, [], rules(with_grace), date(2026, 1, 10))
    state, _ = review(state, counted[:1], [], rules(with_grace), date(2027, 1, 11))
    assert (state.tier, state.falls_on, state.ends_on) == ("gold", date(2027, 2, 10), date(2027, 2, 9))
    state, changes = review(state, counted, [], rules(with_grace), date(2027, 1, 30))
    assert (state.tier, state.falls_on, state.ends_on, changes) == ("gold", None, None, [])


def test_step_by_step_takes_at_most_one_step_in_twelve_months():
    steps = replace(ROLLING, downgrade="step")
    counted = [bought(date(2026, 1, 10), 1000)]
    assert the_way(counted, date(2026, 1, 10), date(2031, 1, 1), steps) == [
        (date(2026, 1, 10), "platinum"),
        (date(2027, 1, 11), "gold"),
        (date(2028, 1, 11), "silver"),
        (date(2029, 1, 11), None),
    ]


def test_a_calendar_year_lasts_to_the_end_of_the_next():
    counted = [bought(date(2026, 3, 1), 500), bought(date(2027, 12, 31), 299)]
    assert the_way(counted, date(2026, 3, 1), date(2031, 1, 1), CALENDAR) == [
        (date(2026, 3, 1), "gold"),
        # Judged by the year that ended: 299 keep silver only, to the end of 2028.
        (date(2028, 1, 1), "silver"),
        (date(2029, 1, 1), None),
    ]


def test_what_keeps_a_calendar_tier_is_the_year_that_ended():
    counted = [bought(date(2026, 3, 1), 500), bought(date(2027, 1, 1), 300)]
    assert the_way(counted, date(2026, 3, 1), date(2031, 1, 1), CALENDAR)[1:] == [(date(2029, 1, 1), None)]


def test_calendar_years_by_steps_take_one_step_a_year():
    steps = replace(CALENDAR, downgrade="step")
    counted = [bought(date(2026, 3, 1), 1000)]
    assert the_way(counted, date(2026, 3, 1), date(2032, 1, 1), steps)[1:] == [
        (date(2028, 1, 1), "gold"),
        (date(2029, 1, 1), "silver"),
        (date(2030, 1, 1), None),
    ]


def test_lifetime_falls_by_refunds_only():
    counted = [bought(date(2020, 1, 1), 500)]
    state, _ = review(State(), counted, [], rules(LIFETIME), date(2020, 1, 1))
    assert (state.tier, state.due_on) == ("gold", None)
    state, _ = review(state, [bought(date(2020, 1, 1), 250)], [], rules(LIFETIME), date(2026, 1, 1))
    assert state.tier == "silver"


def test_a_refund_below_the_keep_threshold_begins_the_grace_in_a_calendar_year_too():
    with_grace = replace(CALENDAR, grace_days=10)
    state, _ = review(State(), [bought(date(2026, 3, 1), 500)], [], rules(with_grace), date(2026, 3, 1))
    state, _ = review(state, [bought(date(2026, 3, 1), 20)], [], rules(with_grace), date(2026, 4, 1))
    assert (state.tier, state.falls_on) == ("gold", date(2026, 4, 11))
    state, _ = review(state, [bought(date(2026, 3, 1), 20)], [], rules(with_grace), date(2026, 4, 11))
    assert state.tier is None


def test_after_the_hold_an_order_lifts_only_when_it_is_free():
    waiting = replace(ROLLING, upgrade="after_hold")
    counted = [bought(date(2026, 3, 1), 100, hold=14)]
    assert the_way(counted, date(2026, 3, 1), date(2026, 12, 1), waiting) == [(date(2026, 3, 15), "silver")]


def test_a_late_run_finds_what_an_early_one_would_have_found():
    counted = [bought(date(2026, 1, 10), 1000)]
    steps = replace(ROLLING, downgrade="step")
    state, _ = review(State(), counted, [], rules(steps), date(2026, 1, 10))
    state, changes = review(state, counted, [], rules(steps), date(2029, 6, 1))
    assert [(change.day, change.tier) for change in changes] == [
        (date(2027, 1, 11), "gold"),
        (date(2028, 1, 11), "silver"),
        (date(2029, 1, 11), None),
    ]


HARDER = replace(ROLLING, levels=(Level("silver", 1000, 1000, "Silver"), Level("gold", 5000, 5000, "Gold")))


def test_nobody_falls_by_an_edit_before_their_own_date():
    counted = [bought(date(2026, 3, 10), 500)]
    state, _ = review(State(), counted, [], rules(ROLLING), date(2026, 3, 10))
    moves = the_way(counted, date(2026, 4, 1), date(2028, 1, 1), ROLLING, HARDER, state=state)
    assert moves == [(date(2027, 3, 11), None)]


def test_nobody_falls_by_a_change_of_metric_or_window():
    counted = [bought(date(2026, 3, 10), 500)]
    state, _ = review(State(), counted, [], rules(LIFETIME), date(2026, 3, 10))
    assert the_way(counted, date(2026, 4, 1), date(2030, 1, 1), LIFETIME, HARDER, state=state) == []
    orders = replace(HARDER, metric="orders")
    assert the_way(counted, date(2026, 4, 1), date(2030, 1, 1), LIFETIME, orders, state=state) == []


def test_who_the_new_settings_confirm_is_judged_by_them_from_then_on():
    easier = replace(ROLLING, window="calendar_year")
    counted = [bought(date(2026, 3, 10), 500)]
    state, _ = review(State(), counted, [], rules(ROLLING), date(2026, 3, 10))
    state, _ = review(state, counted, [], rules(ROLLING, easier), date(2026, 4, 1))
    assert state.version == 2
    assert the_way(counted, date(2026, 4, 2), date(2030, 1, 1), ROLLING, easier, state=state) == [
        (date(2028, 1, 1), None)
    ]


def test_lower_thresholds_lift():
    easier = replace(ROLLING, levels=(Level("silver", 10, 10, "Silver"), Level("gold", 50, 50, "Gold")))
    counted = [bought(date(2026, 3, 10), 70)]
    state, _ = review(State(), counted, [], rules(ROLLING), date(2026, 3, 10))
    assert state.tier is None
    assert the_way(counted, date(2026, 4, 1), date(2026, 5, 1), ROLLING, easier, state=state) == [
        (date(2026, 4, 1), "gold")
    ]


def test_a_level_that_is_taken_out_is_left_for_the_one_below():
    without_gold = replace(ROLLING, levels=tuple(level for level in LEVELS if level.id != "gold"))
    counted = [bought(date(2026, 3, 10), 500)]
    state, _ = review(State(), counted, [], rules(ROLLING), date(2026, 3, 10))
    state, (change,) = review(state, counted, [], rules(ROLLING, without_gold), date(2026, 4, 1))
    assert (state.tier, change.reason, change.entered) == ("silver", "removed", ())


def test_the_tier_is_the_higher_of_earned_and_granted():
    counted = [bought(date(2026, 3, 10), 100)]
    grants = [Grant("vip", date(2026, 5, 1), date(2026, 5, 31))]
    assert the_way(counted, date(2026, 3, 10), date(2028, 1, 1), ROLLING, grants=grants) == [
        (date(2026, 3, 10), "silver"),
        (date(2026, 5, 1), "vip"),
        (date(2026, 6, 1), "silver"),
        (date(2027, 3, 11), None),
    ]


def test_days_that_were_bought_follow_one_another():
    grants = [Grant("vip", date(2026, 5, 1), days=30), Grant("vip", date(2026, 5, 10), days=30)]
    day = date(2026, 5, 10)
    state, _ = review(State(), [], grants, rules(ROLLING), day)
    assert (state.tier, state.ends_on) == ("vip", date(2026, 6, 29))
    # The first one is given back: the second begins with its own day.
    state, _ = review(state, [], grants[1:], rules(ROLLING), day)
    assert (state.tier, state.ends_on) == ("vip", date(2026, 6, 8))


@pytest.mark.parametrize(
    ("pays_skipped", "entered"), [(True, ("silver", "gold", "platinum")), (False, ("platinum",))]
)
def test_whose_entry_points_are_due(pays_skipped, entered):
    said = replace(ROLLING, pays_skipped=pays_skipped)
    _, (change,) = review(State(), [bought(date(2026, 1, 1), 1000)], [], rules(said), date(2026, 1, 1))
    assert change.entered == entered


def test_a_gift_skips_what_lies_above_what_was_earned():
    grants = [Grant("platinum", date(2026, 1, 1))]
    _, (change,) = review(State(), [bought(date(2026, 1, 1), 100)], grants, rules(ROLLING), date(2026, 1, 1))
    assert (change.reason, change.entered) == ("granted", ("silver", "platinum"))


def test_progress_says_what_is_missing_and_until_when_it_is_that_much():
    counted = [bought(date(2026, 3, 10), 30), bought(date(2026, 5, 1), 30)]
    state, _ = review(State(), counted, [], rules(ROLLING), date(2026, 5, 1))
    silver = {"id": "silver", "name": "Silver", "metric": "spend", "missing": "0.40", "by": "2027-03-10"}
    assert next_tier(ROLLING, state, "EUR") == silver
    state, _ = review(State(), counted, [], rules(CALENDAR), date(2026, 5, 1))
    assert next_tier(CALENDAR, state, "EUR") == {**silver, "by": "2026-12-31"}
    state, _ = review(State(), counted, [], rules(LIFETIME), date(2026, 5, 1))
    assert next_tier(LIFETIME, state, "EUR") == {**silver, "by": None}


def test_progress_never_tells_of_hidden_levels():
    hidden = replace(ROLLING, levels=(replace(LEVELS[0], hidden=True), *LEVELS[1:]))
    assert next_tier(hidden, State(), "EUR")["id"] == "gold"
    assert next_tier(hidden, State(tier="platinum"), "EUR") is None


# --- the oracle: every day of the calendar, one after the other, from the words of the rules ------------


def a_year_after(day):
    """29 February + 1 year = 28 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def window_amount(said, counted, day, *, firm=False):
    known = [one for one in counted if one.day <= day and (not firm or one.firm <= day)]
    if said.window == "lifetime":
        return sum(getattr(one, said.metric) for one in known)
    if said.window == "rolling_year":
        return sum(getattr(one, said.metric) for one in known if day <= a_year_after(one.day))
    years = {day.year: 0, day.year - 1: 0}
    for one in known:
        if one.day.year in years:
            years[one.day.year] += getattr(one, said.metric)
    return max(years.values())


class Oracle:
    """One member, one settings, a day at a time; no dates are ever calculated ahead."""

    def __init__(self, said):
        self.said = said
        self.levels = [level for level in said.levels if level.reach is not None]
        self.held = -1
        self.days_below = None
        self.last_step = None

    def live(self, counted, day):
        said = self.said
        firm = window_amount(said, counted, day, firm=said.upgrade == "after_hold")
        amount = window_amount(said, counted, day)
        reached = max([n for n, level in enumerate(self.levels) if level.reach <= firm], default=-1)
        if reached > self.held:
            self.held, self.days_below, self.last_step = reached, None, None
        elif self.held >= 0 and amount >= self.levels[self.held].keep:
            self.days_below = None
        elif self.held >= 0:
            self.days_below = 0 if self.days_below is None else self.days_below + 1
            rested = self.last_step is None or a_year_after(self.last_step) <= day
            if self.days_below >= said.grace_days and rested:
                self.fall(amount, day)
        return self.levels[self.held].id if self.held >= 0 else None

    def fall(self, amount, day):
        self.days_below = None
        if self.said.downgrade == "step":
            self.held, self.last_step = self.held - 1, day
            if self.held >= 0 and amount < self.levels[self.held].keep:
                self.days_below = 0
        else:
            kept = [n for n, level in enumerate(self.levels) if n < self.held and level.keep <= amount]
            self.held = max(kept, default=-1)


FIRST = date(2027, 11, 1)
DAYS = 4 * 366
amounts = st.lists(
    st.builds(
        bought,
        st.integers(0, DAYS - 1).map(lambda number: FIRST + number * DAY)
        | st.sampled_from([date(2028, 2, 28), date(2028, 2, 29), date(2028, 12, 31), date(2029, 1, 1)]),
        st.sampled_from([0, 10, 60, 100, 200, 500]),
        st.sampled_from([0, 1, 30]),
    ),
    max_size=12,
)
programs = st.builds(
    Settings,
    metric=st.sampled_from(["spend", "orders"]),
    window=st.sampled_from(["rolling_year", "calendar_year", "lifetime"]),
    grace_days=st.sampled_from([0, 1, 30, 200]),
    downgrade=st.sampled_from(["fit", "step"]),
    upgrade=st.sampled_from(["at_once", "after_hold"]),
    levels=st.sampled_from([LEVELS, (Level("one", 2, 1), Level("two", 3, 3), Level("three", 5, 4))]),
)
# When a refund of one of the orders is heard of: (which order, after how many days).
refunds = st.lists(st.tuples(st.integers(0, 11), st.integers(0, DAYS)), max_size=3)


def known_on(day, counted, taken_back):
    """Orders are known from their day on, and as what they were before they were refunded."""
    gone = {number for number, after in taken_back if FIRST + after * DAY <= day}
    return [
        one._replace(spend=0, points=0, orders=0) if number in gone else one
        for number, one in enumerate(counted)
        if one.day <= day
    ]


@settings(deadline=None, max_examples=60)
@given(amounts, programs, refunds)
def test_the_tier_of_every_day_is_that_of_a_slow_calendar(counted, said, taken_back):
    oracle, state, known = Oracle(said), State(), rules(said)
    before = None
    for number in range(DAYS):
        day = FIRST + number * DAY
        facts = known_on(day, counted, taken_back)
        expected = oracle.live(facts, day)
        is_told = facts != before
        if is_told or (state.due_on and state.due_on <= day):
            state, _ = review(state, facts, [], known, day)
        before = facts
        assert state.tier == expected, day
        year = [one for one in facts if said.window != "calendar_year" or one.day.year == day.year]
        assert state.amount == window_amount(said, year, day), day


@settings(deadline=None, max_examples=60)
@given(amounts, programs, st.integers(0, DAYS - 1), st.integers(0, DAYS - 1))
def test_a_run_that_comes_late_finds_the_same_way(counted, said, first, late):
    """Nights that were missed are made up for, as long as nothing else was heard of."""
    begin, end = sorted((FIRST + first * DAY, FIRST + late * DAY))
    facts = [one for one in counted if one.day <= begin]
    state, _ = review(State(), facts, [], rules(said), begin)
    at_once, changes = review(state, facts, [], rules(said), end)
    every_day = [(change.day, change.tier) for change in changes]
    assert the_way(facts, begin, end, said, state=state) == every_day
    assert review(at_once, facts, [], rules(said), end) == (at_once, [])


def edited(before, after):
    """As a program is saved: what is taken out of it stays, closed."""
    known = {level.id for level in after.levels}
    closed = [
        replace(level, reach=None, keep=None, closed=True) for level in before.levels if level.id not in known
    ]
    return replace(after, levels=(*closed, *after.levels))


@settings(deadline=None, max_examples=100)
@given(amounts, programs, programs, st.integers(0, DAYS - 1))
def test_nobody_is_moved_down_by_any_edit_before_their_own_date(counted, before, after, number):
    """Beside a program that stays as it was: nothing is lost sooner, unless the new one confirms."""
    said = edited(before, after)
    unchanged, versions = rules(before), rules(before, said)
    day = FIRST + number * DAY
    state = State()
    for known in range(number + 1):
        today = FIRST + known * DAY
        state, _ = review(state, known_on(today, counted, ()), [], unchanged, today)
    held, old, new = state.tier, state, state
    while held and day < FIRST + DAYS * DAY:
        facts = known_on(day, counted, ())
        old, _ = review(old, facts, [], unchanged, day)
        if old.tier != held:
            break
        new, _ = review(new, facts, [], versions, day)
        assert new.tier == held or said.rank(new.tier) > said.rank(held) >= 0, day
        if new.version == versions.version:
            break
        day += DAY
