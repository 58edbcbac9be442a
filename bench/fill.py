"""Members with a history, by set-based SQL: a program of any size in seconds."""

from collections.abc import Sequence
from typing import Any, Protocol

TABLES = ("member", "identity", "order", "lot", "movement")


class Cursor(Protocol):
    def execute(self, sql: str, parameters: Sequence[Any] | None = None, /) -> Any: ...


def members(
    cursor: Cursor,
    program_id: int,
    source_id: int,
    number: int,
    *,
    orders_each: int = 1,
    points: int = 100,
    on_hold: int = 0,
    ending: int = 0,
    due: int | None = None,
) -> None:
    """So many members, each with some settled orders.

    Of all the lots `on_hold` wait for their release, and `ending` come to their end. Of either sort `due`
    are due since an hour, or all of them, and the others tomorrow.
    """
    bounds = {"program": program_id, "source": source_id, "number": number, "each": orders_each}
    values = {**bounds, "points": points, "lots": number * orders_each, "on_hold": on_hold, "ending": ending}
    values["due"] = max(on_hold, ending) if due is None else due
    for table in TABLES:
        cursor.execute(f"SELECT COALESCE(max(id), 0) FROM rewards_{table}")  # noqa: S608
        values[table] = cursor.fetchone()[0]  # type: ignore[attr-defined]
    for sql in (MEMBERS, IDENTITIES, ORDERS, LOTS, MOVEMENTS, "ANALYZE rewards_lot, rewards_member", HELD):
        cursor.execute(sql, values)  # type: ignore[arg-type]
    for table in TABLES:
        name = f"rewards_{table}"
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")  # noqa: S608


def tiers(cursor: Cursor, program_id: int, version: int, due: int) -> None:
    """All members of a program hold the tier "silver" for a year: the first of them to this day, the others
    to the next. Each has one order, or several of the same day."""
    values = {"program": program_id, "version": version, "due": due}
    for sql in (COUNTED, STANDINGS, MOVES):
        cursor.execute(sql, values)  # type: ignore[arg-type]


def look(cursor: Cursor) -> None:
    """Let the planner see what is there."""
    others = ("redemption", "notice", "tombstone", "membertier", "tierchange", "tiergrant")
    for table in (*TABLES, *others, "advocate", "claim", "referral"):
        cursor.execute(f"ANALYZE rewards_{table}")
    cursor.execute("ANALYZE shopify_bridge_inboxrow")


MEMBERS = """
    INSERT INTO rewards_member (program_id, id, joined_at, available, pending, version, published_version,
                                active_at)
    OVERRIDING SYSTEM VALUE
    SELECT %(program)s, %(member)s + n, now() - interval '90 days', 0, 0, 1, 1,
           now() - interval '30 days' - n %% 1000 * interval '1 minute'
    FROM generate_series(1, %(number)s) n
"""
IDENTITIES = """
    INSERT INTO rewards_identity (program_id, source_id, external_id, member_id)
    SELECT %(program)s, %(source)s, 10000000 + n, %(member)s + n FROM generate_series(1, %(number)s) n
"""
ORDERS = """
    INSERT INTO rewards_order (program_id, id, source_id, external_id, member_id, facts, facts_at, paid_at,
                               context, settlements, points, spend, counts_on, firm_on)
    OVERRIDING SYSTEM VALUE
    SELECT %(program)s, %(order)s + n, %(source)s, 50000000 + n, %(member)s + 1 + (n - 1) %% %(number)s,
           '{"source_id": 1, "external_id": 1, "updated_at": "2026-10-01T00:00:00+00:00",
             "processed_at": "2026-10-01T00:00:00+00:00", "currency": "USD", "customer_id": null,
             "cancelled": false, "codes": [], "refunds": [], "lines": []}', now() - interval '30 days',
           now() - interval '30 days', '{"version": 1, "excluded": false, "tags": []}', 1, %(points)s,
           %(points)s * 100, now() - interval '30 days', now() - interval '30 days'
    FROM generate_series(1, %(lots)s) n
"""
# The first of them are due: on hold until a moment ago, or at the end of their life.
LOTS = """
    INSERT INTO rewards_lot (program_id, id, member_id, order_id, kind, given, pending, available, reserved,
                             expired, available_at, expires_at)
    OVERRIDING SYSTEM VALUE
    SELECT %(program)s, %(lot)s + n, %(member)s + 1 + (n - 1) %% %(number)s, %(order)s + n, 'order',
           %(points)s,
           CASE WHEN n <= %(on_hold)s THEN %(points)s ELSE 0 END,
           CASE WHEN n <= %(on_hold)s THEN 0 ELSE %(points)s END, 0, 0,
           CASE WHEN n > %(on_hold)s THEN now() - interval '30 days'
                WHEN n <= %(due)s THEN now() - interval '1 hour'
                ELSE now() + interval '1 day' END,
           CASE WHEN n <= %(on_hold)s THEN NULL
                WHEN n > %(on_hold)s + %(ending)s THEN now() + (300 + n %% 40) * interval '1 day'
                WHEN n <= %(on_hold)s + %(due)s THEN now() - interval '1 hour'
                ELSE now() + interval '1 day' END
    FROM generate_series(1, %(lots)s) n
"""
MOVEMENTS = """
    INSERT INTO rewards_movement (program_id, id, key, member_id, lot_id, order_id, kind, source, target,
                                  points, explanation, happened_at)
    OVERRIDING SYSTEM VALUE
    SELECT %(program)s, %(movement)s + n, 'order:' || (%(order)s + n) || ':0:0',
           %(member)s + 1 + (n - 1) %% %(number)s, %(lot)s + n, %(order)s + n, 'order', 'issued',
           CASE WHEN n <= %(on_hold)s THEN 'pending' ELSE 'available' END, %(points)s,
           '{"rule": "lapse", "points": 1}',
           now() - interval '30 days' + n * interval '1 second'
    FROM generate_series(1, %(lots)s) n
"""
HELD = """
    UPDATE rewards_member m SET pending = l.pending, available = l.available
    FROM (SELECT member_id, sum(pending) AS pending, sum(available) AS available
          FROM rewards_lot WHERE program_id = %(program)s GROUP BY member_id) l
    WHERE m.program_id = %(program)s AND m.id = l.member_id
"""
COUNTED = """
    UPDATE rewards_order o
    SET counts_on = m.last_day - interval '1 year', firm_on = m.last_day - interval '1 year'
    FROM (SELECT id, CASE WHEN row_number() OVER (ORDER BY id) <= %(due)s THEN current_date - 1
                          ELSE current_date END AS last_day
          FROM rewards_member WHERE program_id = %(program)s) m
    WHERE o.program_id = %(program)s AND o.member_id = m.id
"""
STANDINGS = """
    INSERT INTO rewards_membertier (program_id, member_id, tier, earned, version, amount, until, due_on,
                                    reviewed, changed_at)
    SELECT %(program)s, member_id, 'silver', 'silver', %(version)s, sum(spend),
           min(counts_on) + interval '1 year', min(counts_on) + interval '1 year 1 day', %(version)s,
           min(paid_at)
    FROM rewards_order WHERE program_id = %(program)s GROUP BY member_id
"""
MOVES = """
    INSERT INTO rewards_tierchange (program_id, member_id, tier, previous, reason, version, happened_at)
    SELECT %(program)s, member_id, 'silver', '', 'reached', %(version)s, changed_at
    FROM rewards_membertier WHERE program_id = %(program)s
"""
