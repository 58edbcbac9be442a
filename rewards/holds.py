"""The end of a hold: pending points become available when their moment has come."""

from datetime import datetime

from django.db import transaction

from rewards.expiry import database_now
from rewards.ledger import Book, MemberMerged
from rewards.models import Bucket, Lot

BATCH = 500


def release_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Release every lot whose hold is over; returns how many. Safe to run twice at once, and to stop."""
    now = now or database_now()
    released = 0
    while part := _release_batch(now, batch):
        released += part
    return released


def _release_batch(now: datetime, batch: int) -> int:
    due = list(
        Lot.objects.filter(pending__gt=0, available_at__lte=now)
        .order_by("available_at", "id")
        .values_list("program_id", "member_id", "id")[:batch]
    )
    if not due:
        return 0
    program_id = due[0][0]
    own = [(member_id, lot_id) for program, member_id, lot_id in due if program == program_id]
    try:
        with transaction.atomic():
            book = Book.open(program_id, [member_id for member_id, _ in own], now=now)
            held = [lot for lot in book.lots if lot.available_at <= now and lot.buckets[Bucket.PENDING]]
            for lot in sorted(held, key=lambda lot: lot.turn):
                explanation = {"rule": "release", "lot": lot.id}
                posting = book.posting(
                    lot.member_id,
                    f"release:{lot.id}",
                    "release",
                    explanation,
                    lot.available_at,
                    order_id=lot.order_id,
                )
                posting.move(lot, Bucket.PENDING, Bucket.AVAILABLE, lot.buckets[Bucket.PENDING])
            book.write()
    except MemberMerged:
        pass  # their lots moved to the survivor; the next round finds them there
    return len(own)
