"""The end of a hold: pending points become available when their moment has come."""

from collections.abc import Iterable
from datetime import datetime

from rewards import clock, due, recurring
from rewards.ledger import MemberMerged, opened
from rewards.models import Bucket

BATCH = 1000


def release_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Release every lot whose hold is over; returns how many. Safe to run twice at once, and to stop."""
    now = now or clock.certain()
    return recurring.of_members(
        due.ON_HOLD.programs(now),
        lambda program_id: due.ON_HOLD.members(program_id, now, batch),
        lambda program_id, members: _release(program_id, members, now),
    )


def _release(program_id: int, member_ids: Iterable[int], now: datetime) -> int:
    try:
        with opened(program_id, member_ids, now=now) as book:
            held = [lot for lot in book.lots if lot.available_at <= now and lot.buckets[Bucket.PENDING]]
            for lot in sorted(held, key=lambda lot: lot.turn):
                posting = book.posting(
                    lot.member_id,
                    f"release:{lot.id}",
                    "release",
                    {"rule": "release", "lot": lot.id},
                    lot.available_at,
                    order_id=lot.order_id,
                )
                posting.move(lot, Bucket.PENDING, Bucket.AVAILABLE, lot.buckets[Bucket.PENDING])
            return len(held)
    except MemberMerged:
        return 0  # their lots moved to the survivor; the next round finds them there
