"""Statements that PostgreSQL plans once for a connection, and not each time they are made.

For those that each visitor of the storefront needs, and that take longer to plan than to carry out. After
five plans for given values PostgreSQL keeps one for any, if that looks no dearer
(https://www.postgresql.org/docs/current/sql-prepare.html), until columns or statistics change.

The driver can prepare as well, but counts its statements (`_pg3_0`): where a pooler hands connections on from
client to client, a name has to say what is behind it.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import ClientCursor, Connection, errors

ATTEMPTS = 4
"""With a pooler each may meet another connection, with the statement or without it."""

_known: "WeakKeyDictionary[Connection[Any], set[str]]" = WeakKeyDictionary()


def prepared() -> CursorWrapper:
    """As `connection.cursor()`, for statements of a few texts, whoever asks, that need no transaction.

    Within one, behind a pooler, to find nothing prepared would end the transaction.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    cursor: CursorWrapper = connection._prepare_cursor(_PreparedCursor(connection.connection))  # type: ignore[attr-defined]
    return cursor


class _Named(NamedTuple):
    name: str
    prepare: str
    execute: str


@lru_cache(maxsize=100)
def _named(query: str) -> _Named:
    """`query` has a `%s` for each value."""
    name = f"app_{sha256(query.encode()).hexdigest()[:16]}"
    first, *others = query.split("%s")
    numbered = first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
    values = f"({', '.join(['%s'] * len(others))})" if others else ""
    return _Named(name, f"PREPARE {name} AS {numbered}", f"EXECUTE {name}{values}")


class _PreparedCursor(ClientCursor[Any]):
    def execute(self, query: Any, params: Any = None, **rest: Any) -> Any:
        named = _named(query)
        known = _known.setdefault(self.connection, set())
        for _ in range(ATTEMPTS):
            try:
                if named.name in known:
                    return super().execute(named.execute, params, **rest)
                # In one message, so that both meet the same connection.
                super().execute(f"{named.prepare}; {named.execute}", params, **rest)
                self.nextset()
                known.add(named.name)
                return self
            except errors.InvalidSqlStatementName:
                known.discard(named.name)
            except errors.DuplicatePreparedStatement:
                known.add(named.name)
            except errors.FeatureNotSupported:
                break  # A migration has changed the type of a column since.
        return super().execute(query, params, **rest)
