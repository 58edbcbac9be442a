"""The ledger's rows: how books are read, under lock, and written, set-based. For `ledger`.

Rows of several programs are read and written by the same statements as those of one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from rewards import tenancy
from rewards.accounts import OWN, Account, LedgerBroken, Leg, MemberMerged, OpenLot
from rewards.models import Bucket

LOT_COLUMNS = (
    "id, program_id, member_id, order_id, kind, given, available_at, expires_at, parent_id, grace, "
    "pending, available, reserved, expired"
)


def lock_accounts(members: Mapping[int, Iterable[int]]) -> dict[int, Account]:
    """The members of these programs, locked in the order of their ids."""
    columns = tenancy.columns({program_id: zip(ids) for program_id, ids in members.items()})
    if not columns:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT m.id, m.merged_into_id, m.program_id, m.version, m.active_at,
                   m.pending, m.available, m.reserved, m.debt
            FROM rewards_member m
            JOIN unnest(%s::bigint[], %s::bigint[]) AS w (program_id, id)
              ON m.program_id = w.program_id AND m.id = w.id
            WHERE {tenancy.of("m", columns[0])}
            ORDER BY m.id FOR UPDATE OF m
            """,  # noqa: S608
            columns,
        )
        rows = cursor.fetchall()
    if survivors := {id: merged_into for id, merged_into, *_ in rows if merged_into}:
        raise MemberMerged(survivors)
    if missing := set(zip(*columns, strict=True)) - {(row[2], row[0]) for row in rows}:
        raise LedgerBroken(f"Members are not in their programs: {sorted(missing)} (program, member).")
    buckets = (*OWN, Bucket.DEBT)
    return {
        id: Account(id, program_id, version, active_at, dict(zip(buckets, balances, strict=True)))
        for id, _, program_id, version, active_at, *balances in rows
    }


def lots(
    program_id: int, member_ids: list[int], order_ids: list[int], redemption_ids: list[int]
) -> Iterator[OpenLot]:
    """The lots of these members with points in them, and those of these orders and redemptions."""
    wanted = [
        ("member_id = ANY(%s) AND (pending > 0 OR available > 0 OR reserved > 0)", member_ids),
        ("order_id = ANY(%s)", order_ids),
        (
            "id IN (SELECT lot_id FROM rewards_movement"
            " WHERE program_id = rewards_lot.program_id AND redemption_id = ANY(%s))",
            redemption_ids,
        ),
    ]
    parts = [(which, ids) for which, ids in wanted if ids]
    if not parts:
        return iter(())
    select = f"SELECT {LOT_COLUMNS} FROM rewards_lot WHERE program_id = %s AND "  # noqa: S608
    return _lots(
        # Always in one order: which of two alike comes first decides who pays a debt, or lapses.
        " UNION ".join(select + which for which, _ in parts) + " ORDER BY id",
        [value for _, ids in parts for value in (program_id, ids)],
    )


def lot(program_id: int, lot_id: int) -> OpenLot:
    """One lot."""
    sql = f"SELECT {LOT_COLUMNS} FROM rewards_lot WHERE program_id = %s AND id = %s"  # noqa: S608
    return next(_lots(sql, [program_id, lot_id]))


def posted(program_id: int, key: str) -> bool:
    """Whether a movement has this key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM rewards_movement WHERE program_id = %s AND key = %s", [program_id, key])
        return cursor.fetchone() is not None


def reserve_ids(table: str, count: int) -> list[int]:
    """So many new ids of a table, before its rows are written."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(name::regclass)"
            " FROM pg_get_serial_sequence(%s, 'id') AS name, generate_series(1, %s)",
            [table, count],
        )
        return [id for (id,) in cursor.fetchall()]


def insert_lots(new: Sequence[OpenLot]) -> None:
    """Write new lots; each learns its id."""
    for lot, id in zip(new, reserve_ids("rewards_lot", len(new)), strict=True):
        lot.id = id
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_lot (program_id, id, member_id, order_id, parent_id, kind, given,
                                     available_at, expires_at, grace, pending, available, reserved, expired)
            OVERRIDING SYSTEM VALUE
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
                %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
            """,
            [
                [lot.program_id for lot in new],
                [lot.id for lot in new],
                [lot.member_id for lot in new],
                [lot.order_id for lot in new],
                [lot.parent_id for lot in new],
                [lot.kind for lot in new],
                [lot.given for lot in new],
                [lot.available_at for lot in new],
                [lot.expires_at for lot in new],
                [lot.grace for lot in new],
                *_columns(new),
            ],
        )


def update_lots(changed: Sequence[OpenLot]) -> None:
    """Write what is left in lots."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE rewards_lot l
            SET expires_at = v.expires_at, pending = v.pending, available = v.available,
                reserved = v.reserved, expired = v.expired
            FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[],
                        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS v (program_id, id, expires_at, pending, available, reserved, expired)
            WHERE l.program_id = v.program_id AND l.id = v.id
              AND {tenancy.of("l", (lot.program_id for lot in changed))}
            """,  # noqa: S608
            [
                [lot.program_id for lot in changed],
                [lot.id for lot in changed],
                [lot.expires_at for lot in changed],
                *_columns(changed),
            ],
        )


def insert_movements(legs: Sequence[Leg]) -> None:
    """Write movements; the unique key refuses what was posted before."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_movement (program_id, key, member_id, lot_id, order_id, redemption_id, kind,
                                          source, target, points, explanation, happened_at)
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[]::jsonb[],
                %s::timestamptz[])
            """,
            [
                [leg.lot.program_id for leg in legs],
                [leg.key for leg in legs],
                [leg.member_id for leg in legs],
                [leg.lot.id for leg in legs],
                [leg.order_id for leg in legs],
                [leg.redemption_id for leg in legs],
                [leg.kind for leg in legs],
                [str(leg.source) for leg in legs],
                [str(leg.target) for leg in legs],
                [leg.points for leg in legs],
                [json.dumps(leg.explanation) for leg in legs],
                [leg.happened_at for leg in legs],
            ],
        )


def update_accounts(changed: Sequence[Account]) -> None:
    """Write balances, each on the version that was locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE rewards_member m
            SET pending = v.pending, available = v.available, reserved = v.reserved, debt = v.debt,
                active_at = v.active_at, version = m.version + 1
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
                        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS v (program_id, id, version, active_at, pending, available, reserved, debt)
            WHERE m.program_id = v.program_id AND m.id = v.id AND m.version = v.version
              AND {tenancy.of("m", (account.program_id for account in changed))}
            """,  # noqa: S608
            [
                [account.program_id for account in changed],
                [account.id for account in changed],
                [account.version for account in changed],
                [account.active_at for account in changed],
                *([account.buckets[bucket] for account in changed] for bucket in (*OWN, Bucket.DEBT)),
            ],
        )
        if cursor.rowcount != len(changed):
            raise LedgerBroken("A member's balance changed under our lock.")


def _lots(sql: str, parameters: list[Any]) -> Iterator[OpenLot]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    for *columns, pending, available, reserved, expired in rows:
        lot = OpenLot(*columns)
        lot.buckets.update(zip((*OWN, Bucket.EXPIRED), (pending, available, reserved, expired), strict=True))
        yield lot


def _columns(lots: Sequence[OpenLot]) -> list[list[int]]:
    return [[lot.buckets[bucket] for lot in lots] for bucket in (*OWN, Bucket.EXPIRED)]
