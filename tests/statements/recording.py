"""What the app says to the database, and what the database would do about it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connection

_aside: ContextVar[bool] = ContextVar("aside", default=False)
PREFERENCES = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # All of it is in memory.
    "random_page_cost": "1",
}
SAYS_NOTHING = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET ", "SHOW ")


@dataclass(frozen=True)
class Statement:
    """`plan`: the top node as EXPLAIN tells it."""

    sql: str
    plan: dict[str, Any]

    @property
    def numbered(self) -> str:
        """As PostgreSQL's parser reads it: `$1` in place of `%s`."""
        parts = self.sql.replace("%%", "\0").split("%s")
        joined = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]
        return joined.replace("\0", "%")


@contextmanager
def aside() -> Iterator[None]:
    """What a test asks for itself isn't recorded."""
    token = _aside.set(True)
    try:
        yield
    finally:
        _aside.reset(token)


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Every statement that goes through Django's connection, with its plan."""
    found: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not _aside.get() and not sql.startswith(SAYS_NOTHING):
            with aside():
                found.append(Statement(sql, _plan(sql, params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def _plan(sql: str, params: Any) -> dict[str, Any]:
    """The plan when the planner takes an index wherever there is one that helps.

    In tables as small as a test's, reading them whole, or hashing them, is often the better plan.
    """
    with preferring_indexes(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (told,) = cursor.fetchone()
    return top(told)


def top(told: str | list[Any]) -> dict[str, Any]:
    """The top node of what EXPLAIN (FORMAT JSON) tells."""
    found: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return found


@contextmanager
def preferring_indexes() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET {name} = {value}" for name, value in PREFERENCES.items()))
        yield
        cursor.execute("; ".join(f"RESET {name}" for name in PREFERENCES))
