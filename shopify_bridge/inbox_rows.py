"""The inbox's rows while they are worked on: claimed in turn, finished, put off or parked. For `inbox`."""

import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q

from shopify_bridge import metrics, payloads
from shopify_bridge.models import InboxRow

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
"""Longer than one question takes. If whoever asks dies, somebody else goes on then."""
LONGEST_PAUSE = timedelta(minutes=15)

CLAIM = """
    WITH RECURSIVE turn (shop_id) AS (
        SELECT COALESCE(
            (SELECT shop_id FROM shopify_bridge_inboxrow
             WHERE state = 'waiting' AND due_at <= statement_timestamp() AND shop_id > %s
             ORDER BY shop_id LIMIT 1),
            (SELECT shop_id FROM shopify_bridge_inboxrow
             WHERE state = 'waiting' AND due_at <= statement_timestamp() ORDER BY shop_id LIMIT 1)
        )
        UNION ALL
        SELECT (SELECT next.shop_id FROM shopify_bridge_inboxrow next
                WHERE next.state = 'waiting' AND next.due_at <= statement_timestamp()
                  AND next.shop_id > turn.shop_id
                ORDER BY next.shop_id LIMIT 1)
        FROM turn WHERE turn.shop_id IS NOT NULL
    )
    SELECT id, program_id, row.shop_id, shop_domain, topic, triggered_at, received_at, due_at, attempts,
           body, packed, EXISTS (
               SELECT FROM shopify_bridge_inboxrow earlier
               WHERE earlier.body_hash = row.body_hash AND earlier.id < row.id
                 AND earlier.shop_id <> row.shop_id
           )
    FROM turn CROSS JOIN LATERAL (
        SELECT * FROM shopify_bridge_inboxrow
        WHERE state = 'waiting' AND due_at <= statement_timestamp() AND shop_id = turn.shop_id
        ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
    ) row
    LIMIT %s
"""

_served_last = 0
"""The shop whose rows ended this process's last batch: the next one begins behind it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One claimed delivery."""

    id: int
    program_id: int
    shop_id: int
    shop_domain: str
    topic: str
    triggered_at: datetime | None
    received_at: datetime
    due_at: datetime
    attempts: int
    body: bytes
    packed: bool
    # The same bytes came for another shop before.
    is_repeated: bool

    @property
    def content(self) -> bytes:
        """The bytes as Shopify sent them."""
        return zlib.decompress(self.body) if self.packed else self.body


def claim(batch: int) -> list[Row]:
    """Lock up to `batch` due rows that nobody else holds: shop after shop in turn, each shop's oldest first.

    A shop with a flash sale fills a batch and then waits until all others had their turn.
    """
    global _served_last
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [_served_last, batch, batch])
        rows = [Row(*columns) for columns in cursor.fetchall()]
    _served_last = rows[-1].shop_id if rows else 0
    return rows


def finish(rows: Iterable[Row]) -> None:
    """They are done."""
    ids = [row.id for row in rows]
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE shopify_bridge_inboxrow SET state = 'done', done_at = now(), reason = ''
            WHERE id = ANY(%s) AND state = 'waiting'
            """,
            [ids],
        )
    metrics.HANDLED.inc(len(ids))


def lease(rows: Iterable[Row]) -> None:
    """Nobody else takes them for a while."""
    if ids := [row.id for row in rows]:
        InboxRow.objects.filter(pk__in=ids).update(due_at=datetime.now(UTC) + LEASE)


def wait_until(row: Row, moment: datetime) -> None:
    """Look again then, as if for the first time."""
    InboxRow.objects.filter(pk=row.id).update(due_at=moment)


def put_off(rows: Iterable[Row], reason: str, after: float | None) -> None:
    """Try again in so many seconds, or in longer and longer pauses. Waiting never parks a row."""
    for row in rows:
        pause = min(timedelta(seconds=after or 2 ** min(row.attempts, 10)), LONGEST_PAUSE)
        InboxRow.objects.filter(pk=row.id, state=InboxRow.State.WAITING).update(
            due_at=datetime.now(UTC) + pause, attempts=row.attempts + 1, reason=reason[:1000]
        )


def park(rows: Iterable[Row], reason: str) -> None:
    """A person has to look at them."""
    for row in rows:
        log.error("delivery parked", extra={"row": row.id, "topic": row.topic, "shop": row.shop_domain})
        InboxRow.objects.filter(Q(pk=row.id) & ~Q(state=InboxRow.State.DONE)).update(
            state=InboxRow.State.PARKED,
            reason=payloads.printable(reason)[:1000],
            done_at=datetime.now(UTC),
        )
        metrics.PARKED.inc()
