"""Rows of several requests in one statement, for the event loop of the web's doors.

A statement for twenty takes hardly longer than one for a single row. Who comes while nobody is at it is
served at once; who comes meanwhile shares the next one. `rewards.group_commit` does the same among threads.
"""

from asyncio import Future, Task, create_task, get_running_loop
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Generic, TypeVar

from django.conf import settings

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class Together(Generic[Key, Row]):
    """Rows of one key share a statement; those of other keys don't wait for it."""

    def __init__(self, work: Callable[[list[Row]], None], *, most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: dict[Key, list[tuple[Row, Future[None]]]] = {}
        self._tasks: set[Task[None]] = set()
        # The loop goes on while these wait for the database.
        self.threads: Executor = ThreadPoolExecutor(settings.WEB_DOOR_THREADS)

    async def do(self, key: Key, row: Row) -> None:
        """Returns when the work is done for this row. Raises what it raised, to all who waited for it."""
        done: Future[None] = get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((row, done))
        else:
            self._waiting[key] = [(row, done)]
            task = create_task(self._work_off(key))
            self._tasks.add(task)  # the loop itself holds its tasks but weakly
            task.add_done_callback(self._tasks.discard)
        await done

    async def _work_off(self, key: Key) -> None:
        line = self._waiting[key]
        try:
            while line:
                group = line[: self._most]
                del line[: self._most]
                problem = await self._attempt([row for row, _ in group])
                if problem is not None:
                    # They have waited for a failure, and another attempt would keep them for as long again.
                    group += line
                    line.clear()
                _tell([done for _, done in group], problem)
        finally:
            del self._waiting[key]

    async def _attempt(self, rows: list[Row]) -> Exception | None:
        try:
            await get_running_loop().run_in_executor(self.threads, self._work, rows)
        except Exception as problem:  # noqa: BLE001 - it is raised to those who wait
            return problem
        return None


def _tell(waiting: list[Future[None]], problem: Exception | None) -> None:
    for done in waiting:
        if done.done():
            continue  # whoever waited has gone
        if problem is None:
            done.set_result(None)
        else:
            done.set_exception(problem)
