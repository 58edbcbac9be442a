"""Rows of several threads in one commit: who shares it, who waits, and what a failure does."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import transaction

from rewards.group_commit import GroupCommit, Groups, NotCommitted
from tests.disk import SECONDS, Disk


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def held_up(commits: GroupCommit[int], disk: Disk, pool: ThreadPoolExecutor, rows: int) -> list[Future[None]]:
    """The first row is being committed, the others wait behind it."""
    futures = [pool.submit(commits.keep, 0)]
    wait_until(lambda: len(disk.groups) == 1)
    for row in range(1, rows):
        futures.append(pool.submit(commits.keep, row))
        wait_until(lambda row=row: len(commits._waiting) == row)  # type: ignore[misc]
    return futures


def test_who_comes_meanwhile_shares_the_next_commit() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write, most=5)
    with ThreadPoolExecutor(12) as pool:
        futures = held_up(commits, disk, pool, 12)
        assert not any(future.done() for future in futures)
        disk.go_on.set()
        for future in futures:
            future.result(SECONDS)
    assert disk.groups == [[0], [1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11]]
    commits.keep(12)
    assert disk.groups[-1] == [12]


def test_a_failure_is_told_to_all_who_waited_and_the_next_starts_anew() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write, most=5)
    disk.failure = RuntimeError("the disk is gone")
    with ThreadPoolExecutor(9) as pool:
        first, *others = held_up(commits, disk, pool, 9)
        disk.go_on.set()
        with pytest.raises(RuntimeError):
            first.result(SECONDS)
        for future in others:
            with pytest.raises(NotCommitted) as told:
                future.result(SECONDS)
            assert told.value.__cause__ is disk.failure
    assert disk.groups == [[0]]
    disk.failure = None
    commits.keep(9)
    assert disk.groups == [[0], [9]]


def test_nothing_is_lost_or_doubled_by_many_threads() -> None:
    kept: list[int] = []
    commits = GroupCommit(kept.extend, most=7)

    def keep(row: int) -> None:
        commits.keep(row)
        assert row in kept

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(keep, range(2_000)))
    assert sorted(kept) == list(range(2_000))


def test_nobody_is_told_of_a_failure_that_may_be_about_anothers_row() -> None:
    disk = Disk()

    def commit(rows: list[int]) -> None:
        if 0 in rows:
            disk.write(rows)
        if 3 in rows:
            raise LookupError

    commits = GroupCommit(commit, most=5)
    with ThreadPoolExecutor(4) as pool:
        first, *others = held_up(commits, disk, pool, 4)
        disk.go_on.set()
        first.result(SECONDS)
        for future in others:
            with pytest.raises(NotCommitted):
                future.result(SECONDS)
    with pytest.raises(LookupError):
        commits.keep(3)


@pytest.mark.django_db(transaction=True)
def test_whoever_is_in_a_transaction_shares_it_with_nobody() -> None:
    disk = Disk()
    written: list[list[int]] = []

    def commit(rows: list[int]) -> None:
        if 0 in rows:
            disk.write(rows)
        written.append(rows)

    groups: Groups[str, int] = Groups(commit, most=5)
    with ThreadPoolExecutor(2) as pool, transaction.atomic():
        first = pool.submit(groups.keep, "key", 0)
        wait_until(lambda: len(disk.groups) == 1)
        groups.keep("key", 1)  # without waiting for the first, or leading who comes after it
        second = pool.submit(groups.keep, "key", 2)
        assert written == [[1]]
        disk.go_on.set()
        first.result(SECONDS)
        second.result(SECONDS)
    assert written == [[1], [0], [2]]
