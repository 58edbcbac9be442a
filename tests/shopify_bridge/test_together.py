"""Rows of several requests in one statement: who shares it, who waits, and what a failure does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shopify_bridge.together import Together
from tests import loops
from tests.disk import SECONDS, Disk


def on_a_loop(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(SECONDS):
            await story()

    loops.run(in_time())


async def under_way(disk: Disk, groups: int = 1) -> None:
    while len(disk.groups) < groups:
        await asyncio.sleep(0.001)


def test_who_comes_meanwhile_shares_the_next_statement() -> None:
    disk = Disk()
    together: Together[str, int] = Together(disk.write, most=5)

    async def story() -> None:
        first = asyncio.create_task(together.do("", 0))
        await under_way(disk)
        others = [asyncio.create_task(together.do("", row)) for row in range(1, 12)]
        await asyncio.sleep(0.01)
        assert not first.done()
        disk.go_on.set()
        await asyncio.gather(first, *others)
        await together.do("", 12)

    on_a_loop(story)
    assert disk.groups == [[0], [1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11], [12]]


def test_who_comes_at_the_same_moment_goes_together() -> None:
    disk = Disk()
    disk.go_on.set()
    together: Together[str, int] = Together(disk.write, most=5)

    async def story() -> None:
        await asyncio.gather(*(together.do("", row) for row in range(3)))

    on_a_loop(story)
    assert disk.groups == [[0, 1, 2]]


def test_other_keys_do_not_wait() -> None:
    slow, quick = Disk(), Disk()
    quick.go_on.set()
    disks = {0: slow, 1: quick}
    together: Together[int, int] = Together(lambda rows: disks[rows[0]].write(rows), most=5)

    async def story() -> None:
        waiting = asyncio.create_task(together.do(0, 0))
        await under_way(slow)
        await together.do(1, 1)
        assert not waiting.done()
        slow.go_on.set()
        await waiting

    on_a_loop(story)


def test_a_failure_is_told_to_all_who_waited_for_it_and_to_nobody_later() -> None:
    disk = Disk()
    disk.failure = ValueError("full")
    together: Together[str, int] = Together(disk.write, most=2)

    async def story() -> None:
        tasks = [asyncio.create_task(together.do("", 0))]
        await under_way(disk)
        tasks += [asyncio.create_task(together.do("", row)) for row in range(1, 5)]
        await asyncio.sleep(0.01)
        disk.go_on.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert outcomes == [disk.failure] * 5
        disk.failure = None
        await together.do("", 5)

    on_a_loop(story)
    assert disk.groups == [[0], [5]]


def test_who_goes_away_keeps_nobody_from_an_answer() -> None:
    disk = Disk()
    together: Together[str, int] = Together(disk.write, most=5)

    async def story() -> None:
        gone, stays = (asyncio.create_task(together.do("", row)) for row in range(2))
        await under_way(disk)
        gone.cancel()
        disk.go_on.set()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    on_a_loop(story)
    assert disk.groups == [[0, 1]]


def test_nothing_is_left_of_who_was_served() -> None:
    disk = Disk()
    disk.go_on.set()
    together: Together[int, int] = Together(disk.write, most=5)

    async def story() -> None:
        await asyncio.gather(*(together.do(row, row) for row in range(10)))
        await asyncio.sleep(0)

    on_a_loop(story)
    assert (together._waiting, together._tasks) == ({}, set())
