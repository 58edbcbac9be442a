"""The audit: every promise of the ledger checked with set-based SQL, in one moment's view of the database."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q

from rewards.models import Program
from rewards.promises import CHECKS, Check

__all__ = ["Check", "Finding", "also", "audit", "audit_due", "checks"]

log = logging.getLogger(__name__)

SHOWN = 20
NIGHT = time(3)
"""The hour of the shop's own night from which on its ledger is checked."""
SETTINGS = {
    # Sums over all members, or all lots, are done in memory as far as this goes; above, on the disk.
    "work_mem": "64MB",
    "statement_timeout": "30min",
    # Reading waits only for a change of the tables themselves, and steps back from that.
    "lock_timeout": "10s",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: how many rows break the promise, the first of them, and their columns."""

    check: Check
    count: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


_more: list[Check] = []


def also(checks: Iterable[Check]) -> None:
    """Have promises of other rooms checked too."""
    _more.extend(checks)


def checks() -> list[Check]:
    """All there are."""
    return [*CHECKS, *_more]


def audit(program_id: int | None = None) -> Iterator[Finding]:
    """Run every check, for one program or all of them; a finding without rows is a promise kept."""
    scope = "program_id = %(program)s" if program_id is not None else "program_id IS NOT NULL"
    with _snapshot(), connection.cursor() as cursor:
        for check in checks():
            cursor.execute(
                # Counted first: a mere LIMIT would have the planner look for a few rows, not at all of them.
                f"WITH broken AS MATERIALIZED ({check.query(scope)}) "  # noqa: S608
                f"SELECT (SELECT count(*) FROM broken), broken.* FROM broken LIMIT {SHOWN}",
                {"program": program_id},
            )
            columns = tuple(column.name for column in cursor.description)[1:]
            rows = cursor.fetchall()
            yield Finding(check, rows[0][0] if rows else 0, columns, tuple(row[1:] for row in rows))


def audit_due(*, now: datetime | None = None) -> int:
    """Check each program every night, or as soon as somebody asks, and keep the outcome for its merchant.

    Returns how many were checked.
    """
    now = now or datetime.now(UTC)
    done = 0
    recent = Q(audited_at__gt=now - timedelta(hours=20))
    for program in Program.objects.exclude(recent).order_by(F("audited_at").asc(nulls_first=True)):
        if program.audited_at and program.audited_at >= _last_night(program, now):
            continue
        started = datetime.now(UTC)
        try:
            broken = [finding.check.promise for finding in audit(program.pk) if finding.rows]
        except DatabaseError as problem:
            # Too long, or somebody changes the tables right now: the others have their turn.
            log.warning("not audited", extra={"program": program.pk, "why": str(problem)})
            continue
        if broken:
            log.error("the ledger is broken", extra={"program": program.pk, "promises": broken})
        Program.objects.filter(pk=program.pk).update(audited_at=started, broken_promises=broken)
        done += 1
    return done


def _last_night(program: Program, now: datetime) -> datetime:
    zone = ZoneInfo(program.timezone)
    local = now.astimezone(zone)
    day = local.date() if local.time() >= NIGHT else local.date() - timedelta(days=1)
    return datetime.combine(day, NIGHT, zone)


@contextmanager
def _snapshot() -> Iterator[None]:
    """All checks see the same moment, while the app goes on. In a caller's transaction it is the caller's."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for name, value in SETTINGS.items():
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
