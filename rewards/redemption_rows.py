"""The rows of redemptions, written down: new ones, and those that are changed, each in one statement."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection

from rewards.models import Redemption


class Locked(NamedTuple):
    """A redemption that nobody else changes now."""

    redemption: Redemption
    # What its points did, as far as it is written: (lot, from, to, points), summed up.
    moved: list[tuple[int, str, str, int]]
    # At which of its turns it was found.
    turns: int

    @property
    def is_changed(self) -> bool:
        return self.redemption.turns > self.turns


def locked(program_id: int, ids: Iterable[int]) -> dict[int, Locked]:
    """These redemptions by their ids, locked in that order. Their members are locked before."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [program_id, sorted(set(ids))])
        rows = cursor.fetchall()
    return {row[ID]: _locked(row) for row in rows}


def _locked(row: Sequence[Any]) -> Locked:
    *values, moved = row
    for place in DOCUMENTS:
        values[place] = json.loads(values[place])
    redemption = Redemption.from_db(connection.alias, COLUMNS, values)
    return Locked(redemption, json.loads(moved or "[]"), redemption.turns)


COLUMNS = [field.attname for field in Redemption._meta.concrete_fields]
ID, DOCUMENTS = COLUMNS.index("id"), [COLUMNS.index("reward"), COLUMNS.index("history")]
# The movements are those of the statement's beginning: the members' locks keep others from making more.
LOCK = f"""
    SELECT {", ".join(f"r.{name}" for name in COLUMNS)}, (
        SELECT jsonb_agg(jsonb_build_array(lot_id, source, target, points) ORDER BY lot_id)::text FROM (
            SELECT lot_id, source, target, sum(points) AS points FROM rewards_movement
            WHERE program_id = r.program_id AND redemption_id = r.id
            GROUP BY lot_id, source, target
        ) moved
    )
    FROM rewards_redemption r WHERE r.program_id = %s AND r.id = ANY(%s) ORDER BY r.id FOR UPDATE
"""  # noqa: S608


def update(program_id: int, rows: Iterable[Locked]) -> None:
    """Write what changes said in the rows of redemptions, where there were any."""
    if not (changed := [row.redemption for row in rows if row.is_changed]):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE,
            [
                [row.pk for row in changed],
                [row.state for row in changed],
                [row.external_ref for row in changed],
                [row.order_id for row in changed],
                [row.turns for row in changed],
                [row.reason for row in changed],
                [row.ending_as for row in changed],
                [row.attempts for row in changed],
                [json.dumps(row.history) for row in changed],
                [row.expires_at for row in changed],
                [row.extends_to for row in changed],
                [row.due_at for row in changed],
                [row.absent_since for row in changed],
                [row.changed_at for row in changed],
                program_id,
            ],
        )


UPDATE = """
    UPDATE rewards_redemption r
    SET state = v.state, external_ref = v.external_ref, order_id = v.order_id, turns = v.turns,
        reason = v.reason, ending_as = v.ending_as, attempts = v.attempts, history = v.history,
        expires_at = v.expires_at, extends_to = v.extends_to, due_at = v.due_at,
        absent_since = v.absent_since, changed_at = v.changed_at
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::int[], %s::text[], %s::text[],
        %s::int[], %s::text[]::jsonb[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[])
        AS v (id, state, external_ref, order_id, turns, reason, ending_as, attempts, history, expires_at,
              extends_to, due_at, absent_since, changed_at)
    WHERE r.program_id = %s AND r.id = v.id
"""


def insert(program_id: int, new: Sequence[Redemption]) -> list[Redemption]:
    """Write those whose member has none with the same key yet; each learns its id. Returns them."""
    if not new:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            [
                program_id,
                [row.member_id for row in new],
                [row.source_id for row in new],
                [row.customer_id for row in new],
                [row.key for row in new],
                [json.dumps(row.reward) for row in new],
                [row.points for row in new],
                [row.value for row in new],
                [row.rule for row in new],
                [json.dumps(row.history) for row in new],
                [row.code for row in new],
                [row.starts_at for row in new],
                [row.expires_at for row in new],
                [row.due_at for row in new],
            ],
        )
        ids = {(member_id, key): id for member_id, key, id in cursor.fetchall()}
    written = [row for row in new if (row.member_id, row.key) in ids]
    for row in written:
        row.pk = ids[row.member_id, row.key]
        row._state.adding = False
    return written


INSERT = """
    INSERT INTO rewards_redemption (program_id, member_id, source_id, customer_id, key, reward, points, value,
        rule, history, code, starts_at, expires_at, due_at, state, external_ref, turns, reason, ending_as,
        attempts)
    SELECT %s, *, 'reserved', '', 0, '', '', 0
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[]::jsonb[], %s::bigint[],
        %s::bigint[], %s::text[], %s::text[]::jsonb[], %s::text[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[])
    ON CONFLICT (program_id, member_id, key) DO NOTHING
    RETURNING member_id, key, id
"""
