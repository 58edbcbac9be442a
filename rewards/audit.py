"""The invariants of the ledger as set-based SQL. Each check names the rows that break it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from rewards.models import Bucket, Program

SHOWN = 20
EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: a name, the promise in words, and a query whose rows break it."""

    name: str
    promise: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: the first offending rows, and their columns."""

    check: Check
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


# What a bucket has gained and lost; {net_pending} and its like in the queries below.
NET = {
    f"net_{bucket}": f"sum(CASE '{bucket}' WHEN target THEN points WHEN source THEN -points ELSE 0 END)"
    for bucket in Bucket.values
}

# {scope} becomes a condition on the program.
CHECKS = [
    Check(
        "balances",
        "Each member's balances equal the sums of their movements.",
        """
        WITH sums AS (
            SELECT program_id, member_id,
                   {net_pending} AS pending, {net_available} AS available,
                   {net_reserved} AS reserved,                    {net_debt} AS debt
            FROM rewards_movement WHERE {scope} GROUP BY program_id, member_id
        )
        SELECT m.program_id, m.id AS member, m.pending, s.pending AS moved_pending, m.available,
               s.available AS moved_available, m.reserved, s.reserved AS moved_reserved,
               m.debt, s.debt AS moved_debt
        FROM (SELECT * FROM rewards_member WHERE {scope}) m
        LEFT JOIN sums s ON s.program_id = m.program_id AND s.member_id = m.id
        WHERE (m.pending, m.available, m.reserved, m.debt) IS DISTINCT FROM
              (COALESCE(s.pending, 0), COALESCE(s.available, 0),
               COALESCE(s.reserved, 0), COALESCE(s.debt, 0))
        """,
    ),
    Check(
        "signs",
        "Nothing is below zero but debt, and debt is owed only with nothing available.",
        """
        SELECT program_id, id AS member, pending, available, reserved, debt FROM rewards_member
        WHERE {scope} AND (pending < 0 OR available < 0 OR reserved < 0 OR debt > 0
                           OR (debt < 0 AND available > 0))
        """,
    ),
    Check(
        "lots",
        "Each lot holds what its movements say, and never more than it was given.",
        """
        WITH sums AS (
            SELECT program_id, lot_id,
                   {net_pending} AS pending, {net_available} AS available,
                   {net_reserved} AS reserved,                    {net_expired} AS expired
            FROM rewards_movement WHERE {scope} GROUP BY program_id, lot_id
        )
        SELECT l.program_id, l.id AS lot, l.given, l.pending, s.pending AS moved_pending, l.available,
               s.available AS moved_available, l.reserved, s.reserved AS moved_reserved, l.expired,
               s.expired AS moved_expired
        FROM (SELECT * FROM rewards_lot WHERE {scope}) l
        LEFT JOIN sums s ON s.program_id = l.program_id AND s.lot_id = l.id
        WHERE (l.pending, l.available, l.reserved, l.expired)
              IS DISTINCT FROM (s.pending, s.available, s.reserved, s.expired)
           OR l.pending + l.available + l.reserved + l.expired > l.given
        """,
    ),
    Check(
        "lots and members",
        "The lots of a member hold exactly the member's points.",
        """
        WITH held AS (
            SELECT program_id, member_id, sum(pending) AS pending, sum(available) AS available,
                   sum(reserved) AS reserved
            FROM rewards_lot WHERE {scope} GROUP BY program_id, member_id
        )
        SELECT m.program_id, m.id AS member, m.pending, h.pending AS in_lots_pending, m.available,
               h.available AS in_lots_available, m.reserved, h.reserved AS in_lots_reserved
        FROM (SELECT * FROM rewards_member WHERE {scope}) m
        LEFT JOIN held h ON h.program_id = m.program_id AND h.member_id = m.id
        WHERE (m.pending, m.available, m.reserved) IS DISTINCT FROM
              (COALESCE(h.pending, 0), COALESCE(h.available, 0), COALESCE(h.reserved, 0))
        """,
    ),
    Check(
        "orders",
        "Each order has the points that were posted for it, and never more was reversed than earned.",
        """
        WITH sums AS (
            SELECT program_id, order_id,
                   sum(CASE WHEN source = 'issued' THEN points ELSE 0 END) AS earned,
                   sum(CASE WHEN target = 'issued' THEN points ELSE 0 END) AS reversed
            FROM rewards_movement WHERE order_id IS NOT NULL AND {scope} GROUP BY program_id, order_id
        )
        SELECT o.program_id, o.id AS order, o.external_id, o.points, s.earned, s.reversed
        FROM (SELECT * FROM rewards_order WHERE {scope}) o
        LEFT JOIN sums s ON s.program_id = o.program_id AND s.order_id = o.id
        WHERE o.points <> COALESCE(s.earned - s.reversed, 0) OR s.reversed > s.earned
        """,
    ),
    Check(
        "redemptions",
        "Each redemption has its points where its state says: reserved, spent, or back.",
        """
        WITH sums AS (
            SELECT program_id, redemption_id,
                   {net_reserved} AS reserved,
                   {net_spent} AS spent
            FROM rewards_movement WHERE redemption_id IS NOT NULL AND {scope}
            GROUP BY program_id, redemption_id
        )
        SELECT r.program_id, r.id AS redemption, r.state, r.points, s.reserved, s.spent
        FROM (SELECT * FROM rewards_redemption WHERE {scope}) r
        LEFT JOIN sums s ON s.program_id = r.program_id AND s.redemption_id = r.id
        WHERE NOT CASE r.state
            WHEN 'reserved' THEN s.reserved = r.points AND s.spent = 0
            WHEN 'issued' THEN s.reserved = 0 AND s.spent = r.points
            WHEN 'ending' THEN s.reserved = 0 AND s.spent = r.points
            WHEN 'used' THEN s.reserved = 0 AND s.spent = r.points
            WHEN 'expired' THEN s.reserved = 0 AND s.spent IN (0, r.points)
            ELSE s.reserved = 0 AND s.spent = 0 END
           OR s.spent IS NULL
        """,
    ),
    Check(
        "lapses",
        "Each point lapses at most once.",
        """
        SELECT program_id, lot_id AS lot, {net_expired} AS lapsed
        FROM rewards_movement WHERE (target = 'expired' OR source = 'expired') AND {scope}
        GROUP BY program_id, lot_id
        HAVING {net_expired} < 0
        """,
    ),
    Check(
        "forgotten",
        "A redacted member has no identity left.",
        """
        SELECT m.program_id, m.id AS member FROM rewards_member m
        JOIN rewards_identity i ON i.program_id = m.program_id AND i.member_id = m.id
        WHERE m.redacted_at IS NOT NULL AND m.{scope}
        """,
    ),
]


def audit(program_id: int | None = None) -> Iterator[Finding]:
    """Run every check, for one program or all of them; a finding without rows is a promise kept."""
    scope = "program_id = %(program)s" if program_id is not None else "program_id IS NOT NULL"
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(check.sql.format(scope=scope, **NET), {"program": program_id})
            columns = tuple(column.name for column in cursor.description)
            yield Finding(check, columns, tuple(cursor.fetchmany(SHOWN)))


def audit_due() -> None:
    """Check each program once a day, or as soon as somebody asks, and keep the outcome for its merchant."""
    due = Q(audited_at=None) | Q(audited_at__lt=datetime.now(UTC) - EVERY)
    for program in Program.objects.filter(due):
        started = datetime.now(UTC)
        broken = [finding.check.promise for finding in audit(program.pk) if finding.rows]
        Program.objects.filter(pk=program.pk).update(audited_at=started, broken_promises=broken)
