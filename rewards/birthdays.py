"""Birthdays: day and month alone, told by the member, and what the program gives on the day.

Who was born on 29 February has their birthday on the 28th in other years. A change counts from the next
year on, so that nobody has two in one.
"""

from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rewards import actions, clock, dates, recurring
from rewards.actions import InForce, NotGiven
from rewards.ledger import MemberMerged, again_if_overtaken
from rewards.models import Member, Program
from rewards.rules.actions import Birthday

DAYS_BACK = 3
"""So many days a birthday is made up for, where the clock was down."""
BATCH = 1000
LEAP_DAY = 229
# Each program has a first version. It drives the question, since it lies with the program's other rows.
PROGRAMS = """
    SELECT v.program_id FROM rewards_programversion v
    WHERE v.number = 1 AND EXISTS (
        SELECT 1 FROM rewards_member m WHERE m.program_id = v.program_id AND m.birthday IS NOT NULL
    )
    ORDER BY v.program_id
"""
# Who has their birthday on a day and got nothing for it from one of the rules yet, part after part.
DUE = """
    SELECT m.id FROM rewards_member m
    WHERE m.program_id = %s AND m.birthday = ANY(%s) AND m.birthday_since <= %s AND m.id > %s
      AND m.merged_into_id IS NULL AND m.closed_at IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM rewards_action a
          WHERE a.program_id = %s AND a.member_id = m.id AND a.rule = %s AND a.occasion = %s
      )
    ORDER BY m.id LIMIT %s
"""


class NoSuchDay(ValueError):
    """There is no such day in any year."""


class _Due(NamedTuple):
    """A birthday, the rule that gives something for it, and the moment that counts as that of giving."""

    member_id: int
    found: InForce
    day: date
    at: datetime


def of(member: Member) -> dict[str, Any] | None:
    """What is known: `{"day": 29, "month": 2, "from": "2026-11-20"}`."""
    if member.birthday is None or member.birthday_since is None:
        return None
    month, day = divmod(member.birthday, 100)
    return {"day": day, "month": month, "from": member.birthday_since.isoformat()}


@again_if_overtaken
@transaction.atomic
def tell(
    program: Program, member_id: int, *, day: int, month: int, now: datetime | None = None
) -> dict[str, Any]:
    """Keep a member's birthday: from today on, or, where it changes, from next year. Raises NoSuchDay."""
    try:
        date(2024, month, day)  # a leap year
    except (ValueError, OverflowError) as error:
        raise NoSuchDay(f"There is no day {day} in month {month}.") from error
    today = dates.local_date(now or clock.now(), ZoneInfo(program.timezone))
    member_id = actions.survivor(program.pk, member_id)
    member = Member.objects.select_for_update().get(program_id=program.pk, pk=member_id)
    if member.merged_into_id:
        raise MemberMerged({member.pk: member.merged_into_id})
    told = month * 100 + day
    if member.birthday != told:
        member.birthday_since = today if member.birthday is None else date(today.year + 1, 1, 1)
        member.birthday = told
        member.save(update_fields=["birthday", "birthday_since"])
    found = of(member)
    assert found is not None  # it was told just now
    return found


def give_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Give what is due for birthdays of today and of the last days; returns how many got something."""
    now = now or clock.certain()
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS)
        found = [program_id for (program_id,) in cursor.fetchall()]
    return recurring.each(
        "program", found, lambda program_id: _give(Program.objects.get(pk=program_id), now, batch)
    )


def carry_over(program_id: int, gone_id: int, kept_id: int) -> None:
    """The birthday of one who became another, where the other told none. Needs the locks of both."""
    gone = Member.objects.get(program_id=program_id, pk=gone_id)
    kept = Member.objects.filter(program_id=program_id, pk=kept_id)
    kept.filter(birthday=None).update(birthday=gone.birthday, birthday_since=gone.birthday_since)
    Member.objects.filter(program_id=program_id, pk=gone_id).update(birthday=None, birthday_since=None)


def _give(program: Program, now: datetime, batch: int) -> int:
    """Who is due is asked part after part, and each of them gets theirs in a transaction of their own."""
    return recurring.each(
        "member",
        _everybody_due(program, now, batch),
        lambda due: _given(program, due, now),
        id=attrgetter("member_id"),
    )


def _everybody_due(program: Program, now: datetime, batch: int) -> Iterator[_Due]:
    zone = ZoneInfo(program.timezone)
    today = dates.local_date(now, zone)
    for back in range(DAYS_BACK):
        day = today - timedelta(days=back)
        at = min(now, dates.end_of_day(day, zone))
        for found in actions.in_force(program, at):
            if isinstance(found.rule, Birthday):
                for members in _members_due(program.pk, found, day, batch):
                    yield from (_Due(member_id, found, day, at) for member_id in members)


def _members_due(program_id: int, found: InForce, day: date, batch: int) -> Iterator[list[int]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                DUE,
                [program_id, celebrated(day), day, last, program_id, found.rule.id, str(day.year), batch],
            )
            members = [member_id for (member_id,) in cursor.fetchall()]
        if not members:
            return
        last = members[-1]
        yield members


def celebrated(day: date) -> list[int]:
    """Which birthdays are celebrated on a day, as they are kept."""
    own = day.month * 100 + day.day
    return [own, LEAP_DAY] if own == LEAP_DAY - 1 and not isleap(day.year) else [own]


def _given(program: Program, due: _Due, now: datetime) -> bool:
    occasion = str(due.day.year)
    try:
        _, is_new = actions.earn(program, due.member_id, due.found.rule.id, occasion, at=due.at, now=now)
    except NotGiven:
        return False
    return is_new
