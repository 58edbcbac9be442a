"""The end of holds and of points' lives: the clock's work, against bare statements that write as many rows.

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
from rewards import expiry, holds, programs
from rewards.models import Program

DUE_FIRST = 1000
POINTS = 100
PROPORTION_MOST = 3.0
EXPIRY = {"policy": "rolling", "months": 12}

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


def out_of_proportion(ours: list[Sample], peer: list[Sample]) -> list[str]:
    worst = max(sample.notes["one of few"] for sample in ours)
    return [f"{worst:.1f} times as much for each lot where few are due"] if worst > PROPORTION_MOST else []


@contextmanager
def _both(stage: Stage, sort: str, work: Callable[[datetime], int], bare: tuple[str, ...]) -> Iterator[Turns]:
    number = stage.pick(quick=20_000, usual=200_000, full=1_000_000)
    yield Turns(
        lambda: _ours(stage, _filled(stage, number, sort), number, work),
        lambda: _peer(stage, _filled(stage, number, sort), number, bare),
    )


def _filled(stage: Stage, number: int, sort: str) -> int:
    """A fresh database with one program, that of so many members."""
    connection.close()
    stage.fresh_database()
    programs.document_of.cache_clear()
    program = programs.start("Bench", "EUR", "UTC")
    programs.apply(program, {**programs.document(program), "expiry": EXPIRY}, "bench")
    program.versions.update(effective_from=programs.BEGINNING)
    Program.objects.filter(pk=program.pk).update(dated_version=program.version, expiry_since=None)
    with stage.connect() as filler, filler.cursor() as cursor:
        # What is filled in is whole: no reference has to be checked.
        cursor.execute("SET session_replication_role = replica")
        fill.members(cursor, program.pk, 1, number, points=POINTS, due=DUE_FIRST, **{sort: number})
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return program.pk


def _ours(stage: Stage, program: int, number: int, work: Callable[[datetime], int]) -> Sample:
    few, few_seconds = _timed(partial(work, datetime.now(UTC)))
    before = _cpu(stage)
    done, seconds = _timed(partial(work, datetime.now(UTC) + timedelta(days=2)))
    spent = _cpu(stage) - before
    if (few, done) != (DUE_FIRST, number - DUE_FIRST):
        raise BenchError(f"{few} and then {done} lots of program {program} were due.")
    each = seconds / done
    return Sample(seconds, spent / done, {"µs a lot": each * 1e6, "one of few": few_seconds / few / each})


def _peer(stage: Stage, program: int, number: int, bare: tuple[str, ...]) -> Sample:
    values = {"program": program, "now": datetime.now(UTC) + timedelta(days=2)}
    before = _cpu(stage)
    began = time.monotonic()
    with stage.connect() as plain, plain.transaction():
        for statement in bare:
            plain.execute(statement, values)
    seconds = time.monotonic() - began
    return Sample(seconds, (_cpu(stage) - before) / number, {"µs a lot": seconds / number * 1e6})


def _cpu(stage: Stage) -> float:
    return cpu_seconds(os.getpid()) + cpu_seconds(stage.postmaster())


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began
