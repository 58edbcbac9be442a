"""What time it is: the database's clock is the one that all processes share.

A process whose own clock jumps dates nothing wrongly, ends no hold and lets nothing lapse. What can't be
taken back - a lapse, the end of a hold - is done only when the process agrees, so that a database whose
clock jumps ahead does no harm either.
"""

from datetime import UTC, datetime

from django.db import connection


def now() -> datetime:
    """The database's clock, also in the middle of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (found,) = cursor.fetchone()
    moment: datetime = found
    return moment


def certain() -> datetime:
    """The moment that has come by both clocks: the database's and this process's."""
    return min(now(), datetime.now(UTC))
