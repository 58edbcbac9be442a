"""Birthdays: once a year on the day, in the shop's zone, leap years and stopped clocks included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rewards import birthdays, dates, people
from rewards.birthdays import NoSuchDay
from rewards.models import Action, Member, Program
from tests.rewards.conftest import NOW, World

GIFT = {"id": "gift", "kind": "birthday", "points": 100}


@pytest.fixture
def shop(world):
    world.rules(rules=[GIFT])
    people.enrol(world.program, {(1, 7001): NOW, (1, 7002): NOW}, now=NOW)
    return world


def tell(shop, day, month, customer=7001, now=NOW):
    return birthdays.tell(shop.program, shop.member(customer).pk, day=day, month=month, now=now)


def points(shop, customer=7001):
    return shop.member(customer).available


def noon(*day):
    return datetime(*day, 12, tzinfo=UTC)


def test_once_a_year_on_the_day(shop):
    assert tell(shop, 24, 12) == {"day": 24, "month": 12, "from": "2026-11-20"}
    for day, given in ((23, 0), (24, 100), (24, 100), (25, 100)):
        birthdays.give_due(now=noon(2026, 12, day))
        assert points(shop) == given
    birthdays.give_due(now=noon(2027, 12, 24))
    assert points(shop) == 200
    assert points(shop, 7002) == 0
    assert set(Action.objects.values_list("occasion", flat=True)) == {"2026", "2027"}


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("Europe/Berlin", datetime(2026, 12, 23, 23, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 12, 23, 11, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 12, 24, 8, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 12, 23, 18, 15, tzinfo=UTC)),
    ],
)
def test_the_day_begins_in_the_shop(shop, zone, begins):
    Program.objects.filter(pk=shop.program.pk).update(timezone=zone)
    shop.program.refresh_from_db()
    tell(shop, 24, 12)
    assert birthdays.give_due(now=begins - timedelta(seconds=1)) == 0
    assert birthdays.give_due(now=begins) == 1


def test_29_february_is_the_28th_in_other_years(shop):
    tell(shop, 29, 2)
    tell(shop, 28, 2, customer=7002)
    for year, first, second in ((2027, 100, 100), (2028, 100, 200)):
        birthdays.give_due(now=noon(year, 2, 28))
        assert (points(shop), points(shop, 7002)) == (first, second)
    birthdays.give_due(now=noon(2028, 2, 29))
    assert points(shop) == 200
    birthdays.give_due(now=noon(2028, 3, 1))
    assert points(shop) == 200


@pytest.mark.parametrize(("late", "given"), [(1, 100), (2, 100), (3, 0)])
def test_a_clock_that_was_down_makes_up_for_it(shop, late, given):
    tell(shop, 24, 12)
    birthdays.give_due(now=noon(2026, 12, 24) + timedelta(days=late))
    assert points(shop) == given


def test_made_up_for_in_the_new_year_it_is_still_that_of_the_old(shop):
    tell(shop, 31, 12)
    birthdays.give_due(now=noon(2027, 1, 1))
    birthdays.give_due(now=noon(2027, 12, 31))
    assert points(shop) == 200


def test_a_birthday_told_afterwards_is_that_of_next_year(shop):
    tell(shop, 19, 11)
    birthdays.give_due(now=NOW)
    assert points(shop) == 0
    birthdays.give_due(now=noon(2027, 11, 19))
    assert points(shop) == 100


def test_today_is_a_birthday_too(shop):
    tell(shop, 20, 11)
    birthdays.give_due(now=NOW)
    assert points(shop) == 100


def test_a_change_counts_from_next_year(shop):
    tell(shop, 20, 11)
    birthdays.give_due(now=NOW)
    assert tell(shop, 24, 12)["from"] == "2027-01-01"
    assert tell(shop, 24, 12, now=noon(2027, 6, 1))["from"] == "2027-01-01"
    birthdays.give_due(now=noon(2026, 12, 24))
    assert points(shop) == 100
    birthdays.give_due(now=noon(2027, 12, 24))
    assert points(shop) == 200


@pytest.mark.parametrize(
    ("day", "month"), [(30, 2), (31, 4), (0, 1), (1, 0), (1, 13), (32, 1), (-1, 1), (10**20, 1)]
)
def test_days_that_don_t_exist(shop, day, month):
    with pytest.raises(NoSuchDay):
        tell(shop, day, month)


def test_only_who_is_there_gets_something(shop):
    for customer in (7001, 7002):
        tell(shop, 24, 12, customer=customer)
    people.close(shop.program, (1, 7001), at=NOW)
    people.forget(shop.program, (1, 7002))
    assert not Member.objects.filter(redacted_at__isnull=False, birthday__isnull=False).exists()
    assert birthdays.give_due(now=noon(2026, 12, 24)) == 0


def test_who_became_another_brings_the_birthday_along(shop):
    tell(shop, 24, 12)
    birthdays.give_due(now=noon(2026, 12, 24))
    people.merge(shop.program, (1, 7002), (1, 7001), happened_at=NOW)
    birthdays.give_due(now=noon(2026, 12, 24))
    assert points(shop, 7002) == 100
    birthdays.give_due(now=noon(2027, 12, 24))
    assert points(shop, 7002) == 200


def test_of_two_that_became_one_the_survivor_s_birthday_stays(shop):
    tell(shop, 24, 12)
    tell(shop, 25, 12, customer=7002)
    people.merge(shop.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert birthdays.of(shop.member(7002))["day"] == 25
    birthdays.give_due(now=noon(2026, 12, 24))
    assert points(shop, 7002) == 0


def test_programs_without_the_rule_and_audiences_without_the_member(shop):
    tell(shop, 24, 12)
    shop.rules(rules=[{**GIFT, "audience": {"customer_tags": ["vip"]}}])
    assert birthdays.give_due(now=noon(2026, 12, 24)) == 0
    shop.rules(rules=[])
    assert birthdays.give_due(now=noon(2026, 12, 24)) == 0


def test_more_than_fit_into_a_part(shop):
    refs = {(1, 8000 + number): NOW for number in range(7)}
    people.enrol(shop.program, refs, now=NOW)
    for _, customer in refs:
        tell(shop, 24, 12, customer=customer)
    other = World()
    people.enrol(other.program, {(1, 9000): NOW}, now=NOW)
    birthdays.tell(other.program, other.member(9000).pk, day=24, month=12, now=NOW)
    assert birthdays.give_due(now=noon(2026, 12, 24), batch=2) == 7


def test_every_birthday_has_one_day_in_every_year():
    for year in (2026, 2028, 2100):
        days = [date(year, 1, 1) + timedelta(days=count) for count in range(365 + (year == 2028))]
        told = [birthday for day in days for birthday in birthdays.celebrated(day)]
        assert len(told) == len(set(told)) == 366


def test_local_years():
    begin, end = dates.year_of(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert (begin, end) == (
        datetime(2026, 12, 31, 23, tzinfo=UTC),
        datetime(2027, 12, 31, 23, tzinfo=UTC),
    )
