"""How long points live under each policy, without a database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rewards.lifetimes import Policy

BERLIN = ZoneInfo("Europe/Berlin")
INSTANT = timedelta(microseconds=1)


def policy(kind, since=None, zone=BERLIN, **said):
    return Policy(kind, zone, since=since, **said)


def moment(*parts):
    return datetime(*parts, tzinfo=BERLIN).astimezone(UTC)


def end_of(*day):
    """The instant before the next local day."""
    following = date(*day) + timedelta(days=1)
    return moment(following.year, following.month, following.day) - INSTANT


@pytest.mark.parametrize(
    ("given", "begin", "end"),
    [
        ({"kind": "rolling", "months": 1}, moment(2026, 1, 31, 0), end_of(2026, 2, 28)),
        ({"kind": "rolling", "months": 12}, moment(2028, 2, 29, 23, 59), end_of(2029, 2, 28)),
        ({"kind": "rolling", "months": 6}, moment(2026, 9, 29, 12), end_of(2027, 3, 29)),
        ({"kind": "calendar", "period": "month", "periods": 0}, moment(2026, 1, 31, 12), end_of(2026, 1, 31)),
        ({"kind": "calendar", "period": "month", "periods": 1}, moment(2026, 1, 31, 12), end_of(2026, 2, 28)),
        (
            {"kind": "calendar", "period": "quarter", "periods": 1},
            moment(2026, 3, 31, 12),
            end_of(2026, 6, 30),
        ),
        ({"kind": "calendar", "period": "half_year", "periods": 0}, moment(2026, 7, 1), end_of(2026, 12, 31)),
        ({"kind": "calendar", "period": "year", "periods": 2}, moment(2026, 7, 1), end_of(2028, 12, 31)),
        ({"kind": "never"}, moment(2026, 7, 1), None),
        ({"kind": "inactivity", "months": 6}, moment(2026, 7, 1), None),
    ],
)
def test_a_lot_ends_with_a_local_day(given, begin, end):
    assert policy(**given).end_of_lot(begin) == end


def test_a_rest_ends_months_after_the_last_activity_or_the_change_whichever_is_later():
    active, change = moment(2026, 1, 15, 9), moment(2026, 3, 10, 9)
    assert policy("inactivity", months=6).end_of_rest(active) == end_of(2026, 7, 15)
    assert policy("inactivity", change, months=6).end_of_rest(active) == end_of(2026, 9, 10)
    assert policy("inactivity", active, months=6).end_of_rest(change) == end_of(2026, 9, 10)
    assert policy("rolling", months=6).end_of_rest(active) is None


def test_a_change_never_ends_anything_sooner_than_a_full_period_later():
    begin, change = moment(2026, 1, 15), moment(2026, 3, 10)
    shorter = policy("rolling", change, months=1)
    assert shorter.redated(begin, end_of(2027, 1, 15)) == end_of(2026, 4, 10)
    assert shorter.redated(begin, None) == end_of(2026, 4, 10)
    assert shorter.redated(moment(2026, 3, 20), end_of(2027, 3, 20)) == end_of(2026, 4, 20)


def test_a_longer_life_counts_from_the_points_own_beginning():
    begin, change = moment(2026, 1, 15), moment(2026, 3, 10)
    longer = policy("rolling", change, months=24)
    assert longer.redated(begin, end_of(2027, 1, 15)) == end_of(2028, 1, 15)
    assert longer.redated(begin, end_of(2028, 1, 15)) == end_of(2028, 1, 15)
    assert policy("never", change).redated(begin, end_of(2027, 1, 15)) is None
    assert policy("rolling", months=1).redated(begin, end_of(2027, 1, 15)) == end_of(2026, 2, 15)


def test_grace_is_thirty_days_and_today_is_today():
    now = moment(2026, 3, 10, 23, 30)
    assert policy("rolling", months=1).grace(now) == end_of(2026, 4, 9)
    assert policy("rolling", months=1).today(now) == end_of(2026, 3, 10)
    assert (
        policy("rolling", zone=ZoneInfo("Asia/Tokyo"), months=1).today(now)
        == moment(2026, 3, 11, 16) - INSTANT
    )


def test_grace_counts_from_the_shops_date_not_from_the_machines():
    now = datetime(2026, 3, 10, 16, tzinfo=UTC)  # the 11th in Tokyo
    tokyo = policy("rolling", zone=ZoneInfo("Asia/Tokyo"), months=1)
    assert tokyo.grace(now) == datetime(2026, 4, 10, 15, tzinfo=UTC) - INSTANT


def test_a_policy_is_what_the_document_says():
    since = moment(2026, 3, 10)
    said = {"policy": "calendar", "period": "quarter", "periods": 2}
    assert Policy.said({"expiry": said}, "Asia/Tokyo", since) == Policy(
        "calendar", ZoneInfo("Asia/Tokyo"), 0, "quarter", 2, since
    )
    said = {"policy": "rolling", "months": 7}
    assert Policy.said({"expiry": said}, "UTC", None) == Policy("rolling", ZoneInfo("UTC"), 7, "", 0, None)
    assert Policy.said({}, "UTC", None) == Policy("never", ZoneInfo("UTC"))


def test_points_of_any_policy_have_an_end_but_where_they_never_lapse():
    begin = moment(2026, 7, 1)
    assert policy("never", months=6).end(begin) is None
    for kind in ("rolling", "inactivity"):
        assert policy(kind, months=6).end(begin) == end_of(2027, 1, 1)


def test_points_are_over_at_their_own_end_or_with_their_members_rest():
    end, active = moment(2026, 3, 10), moment(2025, 9, 9, 12)
    for found in (policy("rolling", months=6), policy("inactivity", months=6)):
        assert found.is_over(end, None, end)
        assert not found.is_over(end, active, end - INSTANT)
    resting = policy("inactivity", months=6)
    assert resting.is_over(None, active, end_of(2026, 3, 9))
    assert not resting.is_over(None, active, end_of(2026, 3, 9) - INSTANT)
    assert not resting.is_over(None, None, end)
    assert not policy("never").is_over(None, active, end)
