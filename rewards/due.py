"""Lots whose moment has come. First which programs have some, then part after part of each, oldest first.

Looking costs one step into an index for each program, and the rest is in proportion to what is due, however
many members and lots there are. The first question is the only one of all programs: it locks nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

BEGINNING = datetime.min.replace(tzinfo=UTC)
# Each program has a first version. It drives the question, since it lies with the program's other rows.
PROGRAMS = """
    SELECT v.program_id FROM rewards_programversion v
    WHERE v.number = 1 AND EXISTS (
        SELECT 1 FROM rewards_lot l
        WHERE l.program_id = v.program_id AND l.{held} > 0 AND l.{moment} <= %s
    )
    ORDER BY v.program_id
"""
PART = """
    SELECT member_id, {moment}, id FROM rewards_lot
    WHERE program_id = %s AND {held} > 0 AND {moment} <= %s AND ({moment}, id) > (%s, %s)
    ORDER BY {moment}, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    """Lots that hold points of one kind, and the column of the moment when something happens to these."""

    held: str
    moment: str

    def programs(self, now: datetime) -> list[int]:
        """Programs with such lots."""
        with connection.cursor() as cursor:
            cursor.execute(PROGRAMS.format(held=self.held, moment=self.moment), [now])
            return [program_id for (program_id,) in cursor.fetchall()]

    def members(self, program_id: int, now: datetime, batch: int) -> Iterator[set[int]]:
        """Whose lots these are, for so many lots at a time; none comes twice, whatever becomes of it."""
        moment, last = BEGINNING, 0
        sql = PART.format(held=self.held, moment=self.moment)
        while True:
            with connection.cursor() as cursor:
                cursor.execute(sql, [program_id, now, moment, last, batch])
                rows = cursor.fetchall()
            if not rows:
                return
            _, moment, last = rows[-1]
            yield {member_id for member_id, _, _ in rows}


ON_HOLD = Due("pending", "available_at")
ENDING = Due("available", "expires_at")
