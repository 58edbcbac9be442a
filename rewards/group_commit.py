"""Several threads' rows in one commit, as databases do it inside.

A commit waits for the disk, and one of twenty rows takes hardly longer than one of a single row. Whoever
comes while nobody commits does it; who comes meanwhile waits, and the first of these commits for all of them.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from django.db import OperationalError, connection
from psycopg.errors import QueryCanceled

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class NotCommitted(Exception):
    """A commit for several failed (its cause), and whose row was at fault isn't said: each may try alone."""


class _Entry(Generic[Row]):
    def __init__(self, row: Row) -> None:
        self.row = row
        self.leads = False
        self.problem: BaseException | None = None
        self.called = Lock()
        self.called.acquire()


class GroupCommit(Generic[Row]):
    def __init__(self, commit: Callable[[list[Row]], None], *, most: int) -> None:
        self._commit = commit
        self._most = most
        self._lock = Lock()
        self._busy = False
        self._waiting: list[_Entry[Row]] = []

    def keep(self, row: Row) -> None:
        """Returns when the row is committed. Raises NotCommitted, or what a commit of it alone raised."""
        entry = _Entry(row)
        with self._lock:
            self._waiting.append(entry)
            entry.leads = not self._busy
            self._busy = True
        if not entry.leads:
            entry.called.acquire()
        if entry.leads:
            self._lead()
        elif entry.problem:
            raise NotCommitted from entry.problem

    def _lead(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        rows = [entry.row for entry in group]
        failure: BaseException | None = None
        try:
            self._commit(rows)
        except BaseException as problem:
            failure = problem
            if len(rows) > 1 and isinstance(problem, Exception):
                raise NotCommitted from problem
            raise
        finally:
            if failure:
                group += self._take_waiting()
            self._call_next()
            # The first of the group is the thread that led it: nobody is called there.
            for entry in group[1:]:
                entry.problem = failure
                entry.called.release()

    def _take_waiting(self) -> list[_Entry[Row]]:
        """They have waited for a failure, and another attempt would keep them for as long again."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting

    def _call_next(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].called.release()


class Groups(Generic[Key, Row]):
    """A group for each key, as long as somebody is in it."""

    def __init__(self, commit: Callable[[list[Row]], None], *, most: int) -> None:
        self._commit = commit
        self._most = most
        self._groups: WeakValueDictionary[Key, GroupCommit[Row]] = WeakValueDictionary()

    def keep(self, key: Key, row: Row) -> None:
        """Returns when the row is committed. Raises what a commit of it alone raised, and OperationalError.

        At worst two threads that come at the same moment are two groups. Whoever is in a transaction shares
        it with nobody: what others were told would be undone with it. After a failure of several each tries
        alone, so a commit has to find out whether its row was committed after all.
        """
        if connection.in_atomic_block:
            self._commit([row])
            return
        group = self._groups.setdefault(key, GroupCommit(self._commit, most=self._most))
        try:
            group.keep(row)
        except NotCommitted as failure:
            problem = failure.__cause__
            if isinstance(problem, OperationalError) and isinstance(problem.__cause__, QueryCanceled):
                # The time to wait is over. One after the other, all would wait for as long again.
                raise OperationalError(str(problem)) from failure
            self._commit([row])
