"""Local dates: short months, leap years, nights with a missing or a double hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import dates

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
    ],
)
def test_months_end_where_the_month_does(day, months, expected):
    assert dates.add_months(day, months) == expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("month", date(2026, 5, 31)),
        ("quarter", date(2026, 6, 30)),
        ("half_year", date(2026, 6, 30)),
        ("year", date(2026, 12, 31)),
    ],
)
def test_periods_end_with_their_last_month(period, expected):
    assert dates.end_of_period(date(2026, 5, 9), period) == expected


def test_days_of_a_change_have_23_or_25_hours():
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)):
        length = dates.end_of_day(day, BERLIN) - dates.start_of_day(day, BERLIN)
        assert length == timedelta(hours=hours) - dates.INSTANT


def test_a_day_without_midnight_begins_at_the_change():
    """In Beirut the clocks jump from midnight to one."""
    begin = dates.start_of_day(date(2026, 3, 29), ZoneInfo("Asia/Beirut"))
    assert begin == datetime(2026, 3, 28, 22, tzinfo=UTC)


@given(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]),
)
def test_a_moment_of_a_day_lies_between_its_ends(day, name):
    zone = ZoneInfo(name)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    assert dates.start_of_day(day, zone) <= noon <= dates.end_of_day(day, zone)
    assert dates.local_date(dates.end_of_day(day, zone), zone) == day
    assert dates.end_of_day(day, zone) + dates.INSTANT == dates.start_of_day(day + timedelta(1), zone)
