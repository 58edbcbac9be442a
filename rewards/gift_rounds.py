"""Gifts that a day brings: to those who stayed away for long, and to the members of a tier in each period.

Work is in proportion to what is due: the orders of one day, and once in a period the members of a tier. Who
comes to a tier in the midst of a period gets theirs on arriving. Safe to run twice at once, and to stop.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rewards import clock, dates, gift_rules, gifts, recurring, tier_rows
from rewards.gift_rules import TIER_PERK, WIN_BACK, GiftRule
from rewards.gifts import Gift
from rewards.models import GiftRound, Member, Program
from rewards.tier_rows import Moved

BATCH = 1000
DAYS_BACK = 3
"""So many days are made up for, where the clock was down."""
PROGRAMS = """
    SELECT p.id FROM rewards_program p
    JOIN rewards_programversion v ON v.program_id = p.id AND v.number = p.version
    WHERE jsonb_array_length(COALESCE(v.document->'gifts', '[]')) > 0 ORDER BY p.id
"""
# Whose last order was on a day, and who got nothing from the rule lately, part after part.
STAYED_AWAY = """
    SELECT DISTINCT o.member_id FROM rewards_order o
    JOIN rewards_member m ON m.program_id = o.program_id AND m.id = o.member_id
    WHERE o.program_id = %s AND o.counts_on = %s AND o.spend > 0 AND o.member_id > %s
      AND m.merged_into_id IS NULL AND m.closed_at IS NULL AND m.redacted_at IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM rewards_order l WHERE l.program_id = o.program_id AND l.member_id = o.member_id
          AND l.counts_on > o.counts_on AND l.spend > 0
      )
      AND NOT EXISTS (
          SELECT 1 FROM rewards_redemption r WHERE r.program_id = o.program_id
          AND r.member_id = o.member_id AND r.points = 0 AND r.rule = %s AND r.created_at > %s
      )
    ORDER BY o.member_id LIMIT %s
"""
OF_TIER = """
    SELECT member_id FROM rewards_membertier
    WHERE program_id = %s AND tier = %s AND member_id > %s ORDER BY member_id LIMIT %s
"""


def give_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Give what is due; returns how many got something."""
    now = now or clock.certain()
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS)
        found = [program_id for (program_id,) in cursor.fetchall()]
    programs = Program.objects.filter(pk__in=found).order_by("pk")
    return recurring.each("program", programs, lambda program: _give_of(program, now, batch))


def arrived(program: Program, moves: Iterable[Moved], now: datetime) -> None:
    """Members who came to a tier get what it gives in this period. Needs their locks."""
    rules = [one for one in gift_rules.of_program(program, TIER_PERK) if one.period.covers(now)]
    if rules:
        tiers = {moved.member_id: moved.change.tier for moved in moves}
        gifts.give_all(
            program,
            [
                _perk(program, rule, member_id, now=now)
                for member_id, tier in sorted(tiers.items())
                for rule in rules
                if rule.tier == tier
            ],
            now,
        )


def _give_of(program: Program, now: datetime, batch: int) -> int:
    rules = [one for one in gift_rules.of_program(program, WIN_BACK, TIER_PERK) if one.period.covers(now)]
    ways = {WIN_BACK: _win_back, TIER_PERK: _round}
    return recurring.each("rule", rules, lambda rule: ways[rule.kind](program, rule, now, batch))


def _win_back(program: Program, rule: GiftRule, now: datetime, batch: int) -> int:
    zone = ZoneInfo(program.timezone)
    today = dates.local_date(now, zone)
    assert rule.period.starts is not None  # each has a beginning
    begins = dates.local_date(rule.period.starts, zone)
    days = [today - timedelta(days=back) for back in range(DAYS_BACK)]

    def give(due_on: date) -> int:
        last = due_on - timedelta(days=rule.days)
        lately = now - timedelta(days=rule.again_days)
        parts = _parts(STAYED_AWAY, [program.pk, last], [rule.id, lately, batch])
        gift = partial(rule.gift, occasion=last)
        return recurring.each("part", parts, lambda members: _give(program, members, now, gift))

    return recurring.each("day", [day for day in days if day >= begins], give)


def _round(program: Program, rule: GiftRule, now: datetime, batch: int) -> int:
    """Go through the members of a tier once in a period."""
    ends_on = _period(program, rule, now)
    round, _ = GiftRound.objects.get_or_create(program_id=program.pk, rule=rule.id, ends_on=ends_on)
    if round.is_over:
        return 0

    def give(members: list[int]) -> int:
        given = _give(program, members, now, partial(_perk, program, rule, now=now))
        round.last_member = members[-1]
        round.save(update_fields=["last_member"])
        return given

    parts = _parts(OF_TIER, [program.pk, rule.tier], [batch], round.last_member)
    try:
        given = recurring.each("part", parts, give)
    except recurring.LeftBehind:
        # The next try begins anew; who has theirs gets nothing more.
        round.last_member = 0
        round.save(update_fields=["last_member"])
        raise
    round.is_over = True
    round.save(update_fields=["is_over"])
    return given


def _period(program: Program, rule: GiftRule, now: datetime) -> date:
    return dates.end_of_period(dates.local_date(now, ZoneInfo(program.timezone)), rule.every)


def _perk(program: Program, rule: GiftRule, member_id: int, *, now: datetime) -> Gift:
    ends_on = _period(program, rule, now)
    return rule.gift(member_id, ends_on, until=dates.end_of_day(ends_on, ZoneInfo(program.timezone)))


def _parts(sql: str, before: list[Any], after: list[Any], last: int = 0) -> Iterator[list[int]]:
    """Members, part after part, by their ids; none comes twice."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*before, last, *after])
            members = [member_id for (member_id,) in cursor.fetchall()]
        if not members:
            return
        yield members
        last = members[-1]


def _give(program: Program, members: list[int], now: datetime, gift: Callable[[int], Gift]) -> int:
    """To those of them who are still there."""

    @transaction.atomic
    def give(members: Sequence[int]) -> int:
        locked = tier_rows.locked(program.pk, members)
        there = Member.objects.filter(program_id=program.pk, pk__in=locked, closed_at=None)
        still = there.order_by("pk").values_list("pk", flat=True)
        return len(gifts.give_all(program, [gift(member_id) for member_id in still], now))

    return recurring.halved("member", members, give)
