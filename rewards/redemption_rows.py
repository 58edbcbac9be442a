"""New redemptions, written in one statement."""

import json
from collections.abc import Sequence

from django.db import connection

from rewards.models import Redemption


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
