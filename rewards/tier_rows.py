"""The rows of tiers: amounts gathered, states and history written, set-based. Only `tiers` calls this."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from rewards.models import Program
from rewards.tier_rules import Change, Grant, Rules, State
from rewards.tier_settings import Counted

NOT_EARNED = ["adjustment", "tier"]
"""Kinds of lots that no order gave and that don't count as points earned."""
DAYS_READ = {"lifetime": None, "calendar_year": 732, "rolling_year": 367}
"""How far back amounts can matter, from the first day that is judged."""
STATE = (
    *("tier", "earned", "version", "falls_on", "stepped_on"),
    *("amount", "until", "ends_on", "due_on", "reviewed"),
)
"""The columns of a state, in their order."""
# Who was confirmed by other settings than the present ones is judged by both: all amounts are read.
CASES = """
    SELECT w.member_id, s.changed_at,
           s.tier, s.earned, s.version, s.falls_on, s.stepped_on,
           s.amount, s.until, s.ends_on, s.due_on, s.reviewed,
           o.days, o.firm, o.spend, o.points, l.days, l.points, g.levels, g.starts, g.ends, g.days
    FROM unnest(%s::bigint[]) AS w (member_id)
    LEFT JOIN LATERAL (
        SELECT * FROM rewards_membertier WHERE program_id = %s AND member_id = w.member_id
        LIMIT 1  -- so that they are looked up one by one, however few statistics there are
    ) s ON true
    CROSS JOIN LATERAL (
        SELECT array_agg(counts_on) AS days, array_agg(firm_on) AS firm, array_agg(spend) AS spend,
               array_agg(points) AS points
        FROM rewards_order
        WHERE program_id = %s AND member_id = w.member_id
          AND counts_on >= CASE WHEN s.version <> %s OR %s::int IS NULL THEN '-infinity'
                                ELSE LEAST(s.due_on, %s::date) - %s::int END
    ) o
    CROSS JOIN LATERAL (
        SELECT array_agg((available_at AT TIME ZONE %s)::date) AS days, array_agg(given) AS points
        FROM rewards_lot
        WHERE program_id = %s AND order_id IS NULL AND parent_id IS NULL
          AND kind <> ALL(%s) AND (%s OR s.version <> %s)
          AND member_id = ANY(
              ARRAY(SELECT id FROM rewards_member
                    WHERE program_id = %s AND merged_into_id = w.member_id) || w.member_id)
    ) l
    CROSS JOIN LATERAL (
        SELECT array_agg(level) AS levels, array_agg(starts_on) AS starts, array_agg(ends_on) AS ends,
               array_agg(days) AS days
        FROM rewards_tiergrant
        WHERE program_id = %s AND member_id = w.member_id AND revoked_at IS NULL
    ) g
"""


@dataclass(slots=True)
class Case:
    """A member to be judged: the state that is stored, and what counts. Without `is_stored`: no row yet."""

    member_id: int
    is_stored: bool
    changed_at: datetime | None
    state: State
    counted: list[Counted]
    grants: list[Grant]


class Moved(NamedTuple):
    """An entry of the history."""

    member_id: int
    change: Change
    version: int
    happened_at: datetime


def cases(program: Program, rules: Rules, member_ids: Iterable[int], today: date) -> Iterator[Case]:
    """All that decides on these members, by one statement."""
    settings = rules.settings
    days = DAYS_READ[settings.window]
    values: list[Any] = [
        sorted(set(member_ids)),
        program.pk,
        program.pk,
        rules.version,
        days,
        today,
        days,
        program.timezone,
        program.pk,
        NOT_EARNED,
        settings.metric == "points",
        rules.version,
        program.pk,
        program.pk,
    ]
    with connection.cursor() as cursor:
        cursor.execute(CASES, values)
        for row in cursor.fetchall():
            yield _case(row)


def _case(row: Sequence[Any]) -> Case:
    member_id, changed_at, tier, earned, version, *columns = row
    *rest, days, firm, spend, points, gift_days, gifts, levels, starts, ends, bought = columns
    state = State() if version is None else State(tier or None, earned or None, version, *rest)
    # Most members have some of these only, and a night asks for a million.
    counted = list(map(Counted.of_order, days, firm, spend, points)) if days else []
    if gifts:
        counted += map(Counted.of_gift, gift_days, gifts)
    grants = list(map(Grant, levels, starts, ends, bought)) if levels else []
    return Case(member_id, version is not None, changed_at, state, counted, grants)


def locked(program_id: int, member_ids: Iterable[int]) -> list[int]:
    """Lock members, in the order of their ids; those who became part of others are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM rewards_member
            WHERE program_id = %s AND id = ANY(%s) AND merged_into_id IS NULL ORDER BY id FOR UPDATE
            """,
            [program_id, list(member_ids)],
        )
        return [member_id for (member_id,) in cursor.fetchall()]


def tell(program_id: int, member_ids: list[int]) -> None:
    """These members are to be told something new."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_member SET version = version + 1 WHERE program_id = %s AND id = ANY(%s)",
            [program_id, member_ids],
        )


def save(program_id: int, cases: Sequence[Case]) -> None:
    """Write the states of these members."""
    if not cases:
        return
    states = [case.state for case in cases]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_membertier AS s (program_id, member_id, tier, earned, version, falls_on,
                stepped_on, amount, until, ends_on, due_on, reviewed, changed_at)
            SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::date[], %s::date[],
                %s::bigint[], %s::date[], %s::date[], %s::date[], %s::int[], %s::timestamptz[])
            ON CONFLICT (program_id, member_id) DO UPDATE
            SET tier = excluded.tier, earned = excluded.earned, version = excluded.version,
                falls_on = excluded.falls_on, stepped_on = excluded.stepped_on, amount = excluded.amount,
                until = excluded.until, ends_on = excluded.ends_on, due_on = excluded.due_on,
                reviewed = excluded.reviewed, changed_at = excluded.changed_at
            """,
            [
                program_id,
                [case.member_id for case in cases],
                [state.tier or "" for state in states],
                [state.earned or "" for state in states],
                [state.version for state in states],
                [state.falls_on for state in states],
                [state.stepped_on for state in states],
                [state.amount for state in states],
                [state.until for state in states],
                [state.ends_on for state in states],
                [state.due_on for state in states],
                [state.reviewed for state in states],
                [case.changed_at for case in cases],
            ],
        )


def note(program_id: int, moves: Sequence[Moved]) -> None:
    """Add to the history."""
    if not moves:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_tierchange (program_id, member_id, tier, previous, reason, version,
                                            happened_at)
            SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[],
                                     %s::timestamptz[])
            """,
            [
                program_id,
                [moved.member_id for moved in moves],
                [moved.change.tier or "" for moved in moves],
                [moved.change.previous or "" for moved in moves],
                [moved.change.reason for moved in moves],
                [moved.version for moved in moves],
                [moved.happened_at for moved in moves],
            ],
        )


def held_at(program_id: int, asked: Sequence[tuple[int, datetime]]) -> list[str | None]:
    """For each (member, moment): the tier that was held just before it, as the history tells."""
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT tier FROM rewards_tierchange
                    WHERE program_id = %s AND member_id = w.member_id AND happened_at < w.moment
                    ORDER BY happened_at DESC, id DESC LIMIT 1)
            FROM unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS w (member_id, moment, turn)
            ORDER BY w.turn
            """,
            [program_id, [member_id for member_id, _ in asked], [moment for _, moment in asked]],
        )
        return [tier or None for (tier,) in cursor.fetchall()]


def entered(program_id: int, wanted: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of these (member, level) those whose entry points were given, to them or to who became part of them."""
    asked = sorted(set(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT w.member_id, w.level
            FROM unnest(%s::bigint[], %s::text[]) AS w (member_id, level)
            WHERE EXISTS (
                SELECT 1 FROM rewards_movement
                WHERE program_id = %s AND key = ANY(
                    SELECT 'tier:' || id || ':' || w.level || ':0'
                    FROM unnest(ARRAY(SELECT id FROM rewards_member
                                      WHERE program_id = %s AND merged_into_id = w.member_id)
                                || w.member_id) AS own (id))
            )
            """,
            [[member for member, _ in asked], [level for _, level in asked], program_id, program_id],
        )
        return set(cursor.fetchall())


PROGRAMS_DUE = """
    SELECT v.program_id FROM rewards_programversion v
    WHERE v.number = 1 AND (
        SELECT s.due_on FROM rewards_membertier s
        WHERE s.program_id = v.program_id AND s.due_on IS NOT NULL ORDER BY s.due_on LIMIT 1
    ) <= %s
    ORDER BY v.program_id
"""
# Each program has a first version. It drives the question, since it lies with the program's other rows. The
# first of those that are due is asked for, and not whether there is one: that may walk past all who aren't.


def programs_due(now: datetime) -> list[int]:
    """Programs with somebody whose day has come, or is about to somewhere on Earth."""
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS_DUE, [(now + timedelta(hours=14)).date()])
        return [program_id for (program_id,) in cursor.fetchall()]


def everybody(program_id: int, batch: int) -> Iterator[list[int]]:
    """All members of a program but those who became part of others, so many at a time."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT id FROM rewards_member WHERE program_id = %s AND id > %s AND merged_into_id IS NULL
                ORDER BY id LIMIT %s
                """,
                [program_id, last, batch],
            )
            rows = [member_id for (member_id,) in cursor.fetchall()]
        if not rows:
            return
        last = rows[-1]
        yield rows


def due(program_id: int, today: date, batch: int) -> Iterator[list[int]]:
    """Members whose day has come, so many at a time; none comes twice, whatever becomes of it."""
    day, last = date.min, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT member_id, due_on FROM rewards_membertier
                WHERE program_id = %s AND due_on <= %s AND (due_on, member_id) > (%s, %s)
                ORDER BY due_on, member_id LIMIT %s
                """,
                [program_id, today, day, last, batch],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last, day = rows[-1]
        yield [member_id for member_id, _ in rows]
