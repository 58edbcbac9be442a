"""Moments as they come from PostgreSQL. Django's reader asks a regular expression; this costs a seventh.

https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-DATETIME-OUTPUT
"""

from datetime import UTC, datetime
from typing import Any

from psycopg.types.datetime import TimestamptzLoader


class MomentLoader(TimestamptzLoader):
    """For `timestamptz` of sessions in UTC. What Python has no moment for is left to psycopg."""

    timezone = UTC
    """Django looks here whether a connection's reader fits the connection."""

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode("ascii"))
        except ValueError:
            return super().load(data)
