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
    LEFT JOIN (
        SELECT member.* FROM rewards_identity i
        JOIN rewards_member member ON member.program_id = i.program_id AND member.id = i.member_id
        WHERE i.program_id = %s AND i.source_id = %s AND i.external_id = %s
    ) m ON true
    LEFT JOIN LATERAL (
        SELECT * FROM rewards_redemption
        WHERE program_id = %s AND member_id = m.id AND state IN ('reserved', 'issued', 'ending')
        ORDER BY id DESC LIMIT %s
    ) r ON true
    WHERE p.id = %s
    ORDER BY r.id DESC
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
        identity = [program_id, source_id, customer_id]
        cursor.execute(OVERVIEW, [*identity, program_id, SHOWN_MOST, program_id])
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
