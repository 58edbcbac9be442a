"""Two habits of PostgreSQL: trying again after a deadlock, and doing something in one process at a time."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

P = ParamSpec("P")
R = TypeVar("R")
ATTEMPTS = 4


def retried(work: Callable[P, R]) -> Callable[P, R]:
    """Do a whole transaction again when the database chose it as the victim of a deadlock."""

    @wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
                    raise
        return work(*args, **kwargs)

    return again


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else is inside. PostgreSQL's lock of this session: it goes when the process does."""
    digest = hashlib.sha256(name.encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (locked,) = cursor.fetchone()
    try:
        yield locked
    finally:
        if locked and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
