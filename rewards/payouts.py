"""Cashback is paid: points that are available become store credit by themselves.

Each payout is a redemption like any other, of a reward that stands in no list. A member has one at a time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection

from rewards import clock, documents, programs, recurring, reservations
from rewards.cashback import REWARD_ID, Cashback
from rewards.ledger import MemberMerged, Overdrawn
from rewards.models import Program

BATCH = 500
PAUSE = timedelta(days=1)
"""What was refused is tried again after this."""
DUE = """
    SELECT m.id, m.version, m.available, i.external_id
    FROM rewards_member m
    CROSS JOIN LATERAL (
        SELECT external_id FROM rewards_identity
        WHERE program_id = %s AND member_id = m.id AND source_id = %s AND NOT merged ORDER BY id LIMIT 1
    ) i
    LEFT JOIN LATERAL (
        SELECT true AS refused FROM rewards_redemption
        WHERE program_id = %s AND member_id = m.id AND state = 'failed' AND changed_at > %s
          AND reward->>'id' = %s
        LIMIT 1  -- so that a few of many are looked up one by one
    ) r ON true
    WHERE m.program_id = %s AND m.merged_into_id IS NULL AND m.redacted_at IS NULL AND m.closed_at IS NULL
      AND m.available >= %s AND (m.available, m.id) < (%s, %s) AND m.reserved = 0
      AND r.refused IS NULL
    ORDER BY m.available DESC, m.id DESC LIMIT %s
"""
LARGEST = 2**63 - 1


class _Due(NamedTuple):
    member_id: int
    version: int
    available: int
    customer_id: int


def begin_due(program: Program, source_id: int, *, now: datetime | None = None) -> int:
    """Begin the payouts that are due to customers of one shop; returns how many.

    Who has points set aside for something else right now waits until that is known.
    """
    terms = Cashback.of(programs.document(program), program.currency)
    if terms is None:
        return 0
    moment = now or clock.now()
    return recurring.each(
        "member",
        _due(program, source_id, terms, moment),
        lambda due: _begin(program, source_id, terms, due, now),
        id=attrgetter("member_id"),
    )


def _due(program: Program, source_id: int, terms: Cashback, now: datetime) -> Iterator[_Due]:
    """Members with enough points, those with most first."""
    refused: list[Any] = [program.pk, now - PAUSE, REWARD_ID]
    last = (LARGEST, LARGEST)
    while True:
        with connection.cursor() as cursor:
            asked = [program.pk, source_id, *refused, program.pk, terms.from_points, *last, BATCH]
            cursor.execute(DUE, asked)
            part = [_Due(*row) for row in cursor.fetchall()]
        if not part:
            return
        yield from part
        last = part[-1].available, part[-1].member_id


def _begin(program: Program, source_id: int, terms: Cashback, due: _Due, now: datetime | None) -> bool:
    """Set all its points aside that are worth whole minor units. False: it changed since it was looked at."""
    reward = documents.completed({"rewards": [terms.reward(due.available)]})["rewards"][0]
    # Whoever else begins with the same view of the member chooses the same key.
    request = reservations.Request(
        due.member_id, source_id, due.customer_id, REWARD_ID, f"cashback:{due.version}"
    )
    try:
        _, is_new = reservations.put_aside(program, request, reward, now=now)
    except (Overdrawn, MemberMerged, reservations.KeyReused, reservations.TooMany):
        return False
    return is_new
