"""The end of holds, of points and tiers: the clock's work, against bare statements that write as many rows.

The app works in batches, under the members' locks, each lot with its explanation, debts paid first. The two
statements of the peer, in one transaction, write the same rows of the same tables with all their keys,
references and indexes. Before all are due a thousand are: each is to cost about as much as one of the many.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import connection

from bench import fill
from bench.figures import Sample, Turns
from bench.stage import BenchError, Stage, cpu_seconds
from rewards import expiry, holds, memories, programs, tiers
from rewards.models import Program

DUE_FIRST = 1000
POINTS = 100
PROPORTION_MOST = 3.0
TOMORROW = timedelta(days=1)
EXPIRY = {"policy": "rolling", "months": 12}
LEVELS = [{"id": "silver", "name": "Silver", "from": "1"}, {"id": "gold", "name": "Gold", "from": "1000"}]

RELEASE = (
    """
    WITH released AS (
        UPDATE rewards_lot
        SET available = pending, pending = 0, expires_at = available_at + interval '12 months'
        WHERE program_id = %(program)s AND pending > 0 AND available_at <= %(now)s
        RETURNING id, member_id, order_id, given, available_at
    )
    INSERT INTO rewards_movement (program_id, key, member_id, lot_id, order_id, kind, source, target, points,
                                  explanation, happened_at)
    SELECT %(program)s, 'release:' || id || ':0', member_id, id, order_id, 'release', 'pending', 'available',
           given, jsonb_build_object('rule', 'release', 'lot', id), available_at
    FROM released
    """,
    """
    UPDATE rewards_member m SET pending = m.pending - v.points, available = m.available + v.points,
                                version = m.version + 1
    FROM (SELECT member_id, sum(points) AS points FROM rewards_movement
          WHERE program_id = %(program)s AND kind = 'release' GROUP BY member_id) v
    WHERE m.program_id = %(program)s AND m.id = v.member_id
    """,
)
LAPSE = (
    """
    WITH lapsed AS (
        UPDATE rewards_lot SET expired = available, available = 0
        WHERE program_id = %(program)s AND available > 0 AND expires_at <= %(now)s
        RETURNING id, member_id, given, expires_at
    )
    INSERT INTO rewards_movement (program_id, key, member_id, lot_id, kind, source, target, points,
                                  explanation, happened_at)
    SELECT %(program)s, 'lapse:' || id || ':' || expires_at || ':0', member_id, id, 'lapse', 'available',
           'expired', given, jsonb_build_object('rule', 'lapse', 'points', given), expires_at
    FROM lapsed
    """,
    """
    UPDATE rewards_member m SET available = m.available - v.points, version = m.version + 1
    FROM (SELECT member_id, sum(points) AS points FROM rewards_movement
          WHERE program_id = %(program)s AND kind = 'lapse' GROUP BY member_id) v
    WHERE m.program_id = %(program)s AND m.id = v.member_id
    """,
)
# Amounts are summed again, as they have to be, and all who are due fall, which writes the most.
FALL = (
    """
    WITH fallen AS (
        UPDATE rewards_membertier s
        SET tier = '', earned = '', until = NULL, due_on = NULL, changed_at = %(now)s,
            amount = COALESCE((SELECT sum(spend) FROM rewards_order o
                               WHERE o.program_id = %(program)s AND o.member_id = s.member_id
                                 AND o.counts_on + interval '1 year' >= %(now)s::date), 0)
        WHERE program_id = %(program)s AND due_on <= %(now)s::date
        RETURNING member_id
    )
    INSERT INTO rewards_tierchange (program_id, member_id, tier, previous, reason, version, happened_at)
    SELECT %(program)s, member_id, '', 'silver', 'not_kept', 1, %(now)s FROM fallen
    """,
    """
    UPDATE rewards_member m SET version = m.version + 1
    FROM (SELECT member_id FROM rewards_tierchange
          WHERE program_id = %(program)s AND reason = 'not_kept') v
    WHERE m.program_id = %(program)s AND m.id = v.member_id
    """,
)


@contextmanager
def release(stage: Stage) -> Iterator[Turns]:
    """Every lot of a program comes to the end of its hold."""
    with _both(stage, "on_hold", lambda now: holds.release_due(now=now), RELEASE) as turns:
        yield turns


@contextmanager
def lapse(stage: Stage) -> Iterator[Turns]:
    """Every lot of a program comes to its end."""
    with _both(stage, "ending", lambda now: expiry.lapse_due(now=now) // POINTS, LAPSE) as turns:
        yield turns


@contextmanager
def review(stage: Stage) -> Iterator[Turns]:
    """Every member of a program loses their tier."""
    with _both(stage, "tiers", lambda now: tiers.review_due(now=now, hands=2), FALL, TOMORROW) as turns:
        yield turns


def out_of_proportion(ours: list[Sample], peer: list[Sample]) -> list[str]:
    worst = max(sample.notes["one of few"] for sample in ours)
    return [f"{worst:.1f} times as much for each where few are due"] if worst > PROPORTION_MOST else []


@contextmanager
def _both(
    stage: Stage,
    sort: str,
    work: Callable[[datetime], int],
    bare: tuple[str, ...],
    later: timedelta = 2 * TOMORROW,
) -> Iterator[Turns]:
    """`later`: when all are due."""
    number = stage.pick(quick=20_000, usual=100_000, full=1_000_000)
    yield Turns(
        lambda: _ours(stage, _filled(stage, number, sort), number, work, later),
        lambda: _peer(stage, _filled(stage, number, sort), number, bare, later),
    )


def _filled(stage: Stage, number: int, sort: str) -> int:
    """A fresh database with one program, that of so many members."""
    connection.close()
    stage.fresh_database()
    memories.forget()
    program = programs.start("Bench", "EUR", "UTC")
    said = {"tiers": {"levels": LEVELS}} if sort == "tiers" else {"expiry": EXPIRY}
    programs.apply(program, {**programs.document(program), **said}, "bench")
    program.versions.update(effective_from=programs.BEGINNING)
    settled = {"dated_version": program.version, "tiered_version": program.version, "expiry_since": None}
    Program.objects.filter(pk=program.pk).update(**settled)
    with stage.connect() as filler, filler.cursor() as cursor:
        # What is filled in is whole: no reference has to be checked.
        cursor.execute("SET session_replication_role = replica")
        if sort == "tiers":
            fill.members(cursor, program.pk, 1, number, points=POINTS)
            fill.tiers(cursor, program.pk, program.version, DUE_FIRST)
        else:
            fill.members(cursor, program.pk, 1, number, points=POINTS, due=DUE_FIRST, **{sort: number})
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return program.pk


def _ours(
    stage: Stage, program: int, number: int, work: Callable[[datetime], int], later: timedelta
) -> Sample:
    few, few_seconds = _timed(partial(work, datetime.now(UTC)))
    before = _cpu(stage)
    done, seconds = _timed(partial(work, datetime.now(UTC) + later))
    spent = _cpu(stage) - before
    if (few, done) != (DUE_FIRST, number - DUE_FIRST):
        raise BenchError(f"{few} and then {done} of program {program} were due.")
    each = seconds / done
    return Sample(seconds, spent / done, {"µs for each": each * 1e6, "one of few": few_seconds / few / each})


def _peer(stage: Stage, program: int, number: int, bare: tuple[str, ...], later: timedelta) -> Sample:
    values = {"program": program, "now": datetime.now(UTC) + later}
    before = _cpu(stage)
    began = time.monotonic()
    with stage.connect() as plain, plain.transaction():
        for statement in bare:
            plain.execute(statement, values)
    seconds = time.monotonic() - began
    return Sample(seconds, (_cpu(stage) - before) / number, {"µs for each": seconds / number * 1e6})


def _cpu(stage: Stage) -> float:
    return cpu_seconds(os.getpid()) + cpu_seconds(stage.postmaster())


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began
