"""How often members redeemed in the last minute.

Each process keeps what it read of a member, so that only what is new is read: a redemption costs no more
after thousands of others, a minute ago or years.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from rewards import memories

SPAN = timedelta(minutes=1)

# Two parts, since each is in the order of an index; of each the newest, since at most so many count.
NEW = """
        (SELECT id, created_at FROM rewards_redemption
         WHERE program_id = %s AND member_id = %s AND id > %s
           AND state IN ('reserved', 'issued', 'ending')
         ORDER BY id DESC LIMIT %s)
        UNION ALL
        (SELECT id, created_at FROM rewards_redemption
         WHERE program_id = %s AND member_id = %s AND id > %s
           AND state IN ('used', 'failed', 'expired', 'cancelled', 'returned')
         ORDER BY id DESC LIMIT %s)
"""


class Pace:
    """The redemptions of one member in the last minute, as far as they were read. Needs the member's lock.

    All with ids up to `newest` are among them, as a member's get their ids one after the other, under that
    lock; but those that a merge brings from another member may be missing, for the minute after it.
    """

    __slots__ = ("moments", "newest")

    def __init__(self) -> None:
        self.newest = 0
        self.moments: list[datetime] = []

    def learn(self, newest: int | None, moments: Iterable[datetime]) -> None:
        """What was found beyond `newest`."""
        self.newest = max(self.newest, newest or 0)
        for moment in moments:
            insort(self.moments, moment)

    def asked(self, program_id: int, member_id: int, most: int) -> list[int]:
        """What `NEW` asks for."""
        return [program_id, member_id, self.newest, most] * 2

    def count(self, now: datetime) -> int:
        """How many there were in the minute before; older ones are forgotten."""
        del self.moments[: bisect_right(self.moments, now - SPAN)]
        return len(self.moments)


def of_member(program_id: int, member_id: int) -> Pace:
    """What this process knows; nothing, of most members."""
    if connection.savepoint_ids:
        # In somebody's transaction, which may be undone: what is read there is for nobody else.
        return Pace()
    return _of_member(program_id, member_id)


@memories.remembered
def _of_member(program_id: int, member_id: int) -> Pace:
    return Pace()
