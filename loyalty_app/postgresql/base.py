"""Django's PostgreSQL backend, with an answer in time when the server has none, and no commit that lies."""

import time
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base

from loyalty_app import embedded
from loyalty_app.postgresql.arrays import ArrayDumper
from loyalty_app.postgresql.moments import MomentLoader

ANSWER_SECONDS = 2.2
"""How long the web waits for one answer: Shopify gives a delivery 5 seconds, and ours is to come in 3."""
CHECK_SECONDS = 0.5
PAUSE_SECONDS = 1.0
FRESH_SECONDS = 0.5
"""A connection that answered so recently isn't asked whether it lives: that would be every second trip."""

SHOW_DURABILITY = "SELECT current_setting('synchronous_commit'), current_setting('fsync')"


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up when the server stays silent.

    statement_timeout can't do that: it is the server's. tcp_user_timeout can't either where the server's
    machine still acknowledges packets, as with a process that hangs or a proxy in between.
    """

    answer_seconds = ANSWER_SECONDS
    answered_at = 0.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            answer = super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
            self.answered_at = time.monotonic()
            return answer
        except psycopg.errors._WaitTimeout as error:
            if timeout is not None:
                raise
            self.pgconn.finish()
            if self.answer_seconds == ANSWER_SECONDS:
                DatabaseWrapper.pause()
            raise psycopg.OperationalError("PostgreSQL did not answer in time") from error

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        # Statements of the app go through cursors. This way comes only the pool's question whether the
        # connection still lives, which is empty, and a living one answers at once.
        if not query and time.monotonic() - self.answered_at < FRESH_SECONDS:
            return self.cursor()
        self.answer_seconds = CHECK_SECONDS
        try:
            return super().execute(query, *args, **kwargs)
        finally:
            self.answer_seconds = ANSWER_SECONDS


class DatabaseWrapper(base.DatabaseWrapper):
    _down_until = 0.0

    @staticmethod
    def pause() -> None:
        """Each wait for a dead server occupies a thread: after one has waited, others are told at once."""
        DatabaseWrapper._down_until = time.monotonic() + PAUSE_SECONDS

    @property
    def embedded(self) -> bool:
        return bool(self.settings_dict.get("EMBEDDED"))

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if time.monotonic() < DatabaseWrapper._down_until:
            raise psycopg.OperationalError("PostgreSQL could not be reached a moment ago")
        if self.embedded:
            embedded.join_postgres(Path(self.settings_dict["EMBEDDED"]))
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            self.pause()
            raise

    def _configure_connection(self, connection: Any) -> bool:
        """Called once for each new connection, by the pool or without one."""
        super()._configure_connection(connection)  # type: ignore[misc]  # unknown to the stubs
        connection.adapters.register_dumper(list, ArrayDumper)
        if self.timezone == MomentLoader.timezone:
            connection.adapters.register_loader("timestamptz", MomentLoader)
        assert_durable(connection)
        return True  # There is something to commit: the question above opened a transaction.


def assert_durable(connection: Any) -> None:
    """A delivery is acknowledged to Shopify once it is committed, so a commit has to be one."""
    synchronous_commit, fsync = connection.execute(SHOW_DURABILITY).fetchone()
    if "off" in (synchronous_commit, fsync):
        raise ImproperlyConfigured(
            f"PostgreSQL runs with synchronous_commit={synchronous_commit} and fsync={fsync}: it would lose "
            f"deliveries that were acknowledged to Shopify. Set both to 'on'."
        )
