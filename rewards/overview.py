"""What a member sees of their own, in one statement: every shopper who opens the widget asks for it."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from rewards.models import Program

SHOWN_MOST = 50
OVERVIEW = """
    SELECT p.version, p.currency, m.id, m.available, m.pending, m.reserved, m.debt,
           r.id, r.state, r.code, r.points, r.reward, r.expires_at
    FROM rewards_program p
    LEFT JOIN rewards_identity i
           ON i.program_id = %s AND i.source_id = %s AND i.external_id = %s
    LEFT JOIN rewards_member m ON m.program_id = i.program_id AND m.id = i.member_id
    LEFT JOIN rewards_redemption r
           ON r.program_id = m.program_id AND r.member_id = m.id
          AND r.state IN ('reserved', 'issued', 'ending')
    WHERE p.id = %s
    ORDER BY r.id DESC
    LIMIT %s
"""


class Points(NamedTuple):
    """A member's four balances."""

    available: int
    pending: int
    reserved: int
    debt: int


class AtHand(NamedTuple):
    """A redemption that isn't over."""

    id: int
    state: str
    code: str
    points: int
    reward: dict[str, Any]
    expires_at: datetime | None


class Overview(NamedTuple):
    """Without member id: nobody we know."""

    program: Program
    member_id: int | None
    points: Points
    at_hand: list[AtHand]


def overview(program_id: int, source_id: int, customer_id: int | None) -> Overview:
    """The program, the member who this customer is, and their redemptions at hand, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(OVERVIEW, [program_id, source_id, customer_id, program_id, SHOWN_MOST])
        rows = cursor.fetchall()
    version, currency, member_id, *points = rows[0][:7]
    return Overview(
        Program(pk=program_id, version=version, currency=currency),
        member_id,
        Points(*points) if member_id else Points(0, 0, 0, 0),
        [
            AtHand(id, state, code, points, json.loads(reward), expires_at)
            for *_, id, state, code, points, reward, expires_at in rows
            if id is not None
        ],
    )
