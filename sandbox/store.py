"""Keeps the world in one SQLite file, so that a second start finds it again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

LAYOUT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    shop TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (shop, kind, id)
) WITHOUT ROWID;
"""


class DamagedState(Exception):
    """The state folder can't be used; the message says what to do. Nothing is ever deleted."""


class Store:
    def __init__(self, folder: Path | None) -> None:
        """Without a folder everything stays in memory (tests)."""
        path = ":memory:"
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = str(folder / "sandbox.sqlite3")
        self._file = path
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._open()

    def _open(self) -> None:
        try:
            # A crash of the machine may lose the last moment, a crash of the process loses nothing.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_TABLES)
            layout = self.fact("layout")
        except sqlite3.DatabaseError as error:
            raise DamagedState(
                f"{self._file} is not a readable sandbox state ({error}). Move it away to start afresh."
            ) from error
        if layout is None:
            self.set_fact("layout", str(LAYOUT))
        elif layout != str(LAYOUT):
            raise DamagedState(
                f"{self._file} was written by another release (layout {layout}, this one reads {LAYOUT}). "
                "Move it away to start afresh."
            )

    def fact(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_fact(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def objects(self) -> Iterator[tuple[str, str, int, str]]:
        yield from self._connection.execute(
            "SELECT shop, kind, id, body FROM objects ORDER BY shop, kind, id"
        )

    def write(
        self,
        saved: list[tuple[str, str, int, str]],
        removed: list[tuple[str, str, int]],
        facts: dict[str, str],
    ) -> None:
        """All or nothing."""
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", saved)
        self._connection.executemany("DELETE FROM objects WHERE shop = ? AND kind = ? AND id = ?", removed)
        for name, value in facts.items():
            self.set_fact(name, value)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
