"""A real PostgreSQL and a real Valkey of the app's own, for machines where nobody runs them.

Used when DATABASE_URL or REDIS_URL are not set. The programs come from wheels on PyPI; the data stays in the
data folder between runs. The first process starts the servers, others join, the last one out stops them.
Nothing in here ever deletes data: a folder that can't be used gets a message that says why and what to do.
"""

import atexit
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from loyalty_app.embedded.folders import EmbeddedError, Layout, layout_of, prepare, redis_url, socket_folder
from loyalty_app.embedded.postgres import DATABASE, Postgres
from loyalty_app.embedded.server import START_SECONDS
from loyalty_app.embedded.valkey import Valkey

__all__ = [
    "DATABASE",
    "EmbeddedError",
    "join_postgres",
    "join_valkey",
    "leave",
    "redis_url",
    "revive",
    "socket_folder",
]

SERVERS: dict[str, type[Postgres] | type[Valkey]] = {"postgres": Postgres, "valkey": Valkey}

_held: dict[tuple[Path, str], IO[bytes]] = {}


def join_postgres(var: Path) -> None:
    """Make sure that PostgreSQL runs, and keep it running while this process lives."""
    _join(var, "postgres")


def join_valkey(var: Path) -> None:
    """Make sure that Valkey runs, and keep it running while this process lives."""
    _join(var, "valkey")


def _join(var: Path, name: str) -> None:
    if (var, name) in _held:
        return
    layout = prepare(var)
    server = SERVERS[name](layout)
    with _turn(layout):
        if not server.answers():
            server.start()
        # A shared lock counts the users: the kernel lets go of it however a process ends.
        users = open(layout.var / f"{name}.users", "ab")  # noqa: SIM115
        fcntl.flock(users, fcntl.LOCK_SH)
        _held[(var, name)] = users
    atexit.register(leave, os.getpid())


def revive() -> None:
    """Start again what this process has joined and what has ended since."""
    for var, name in list(_held):
        server = SERVERS[name](layout_of(var))
        if not server.answers():
            with _turn(server.layout):
                if not server.answers():
                    server.start()


def leave(pid: int | None = None) -> None:
    """Let go of the servers; the last one out stops them."""
    if pid is not None and pid != os.getpid():  # A forked child runs the handlers of its parent.
        return
    for (var, name), users in list(_held.items()):
        layout = layout_of(var)
        with _turn(layout):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                SERVERS[name](layout).stop()
            users.close()
            del _held[(var, name)]


@contextmanager
def _turn(layout: Layout) -> Iterator[None]:
    """One process at a time starts or stops servers."""
    with open(layout.var / "embedded.lock", "ab") as lock:
        deadline = time.monotonic() + START_SECONDS + 30
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"Another process has been starting or stopping the embedded servers in {layout.var} "
                        f"for {START_SECONDS + 30} seconds. Look at {layout.log} and end that process."
                    ) from None
                time.sleep(0.05)
        yield
