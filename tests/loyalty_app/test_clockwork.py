"""The clock: every item, in one process at a time, whatever the others do."""

import threading
import time

import pytest
from django.db import connection

from loyalty_app import clock, clockwork

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_item_that_fails_is_run_again_and_stops_nobody() -> None:
    runs: list[str] = []
    stop = threading.Event()

    def fail() -> None:
        runs.append("fail")
        raise RuntimeError("broken")

    def work() -> None:
        runs.append("work")
        if runs.count("fail") > 1 and runs.count("work") > 1:
            stop.set()

    guard = threading.Timer(10, stop.set)
    guard.start()
    clockwork.run([("fail", 0.05, fail), ("work", 0.05, work)], stop)
    guard.cancel()
    assert runs.count("fail") > 1
    assert runs.count("work") > 1


def test_a_broken_connection_is_replaced() -> None:
    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    assert clockwork.once("cut", cut) is False
    assert clockwork.once("ask", ask) is True


def test_two_clocks_never_run_one_item_at_the_same_time() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        assert go_on.wait(10)

    def first_clock() -> None:
        try:
            assert clockwork.once("shared", slow)
        finally:
            connection.close()

    first = threading.Thread(target=first_clock)
    first.start()
    assert inside.wait(10)
    assert clockwork.once("shared", pytest.fail) is False
    assert clockwork.once("another", lambda: None) is True
    go_on.set()
    first.join()
    assert clockwork.once("shared", lambda: None) is True


def test_stopping_waits_for_the_work_in_hand() -> None:
    stop, done = threading.Event(), threading.Event()

    def work() -> None:
        stop.set()
        time.sleep(0.3)
        done.set()

    clockwork.run([("work", 60, work)], stop)
    assert done.is_set()


def test_the_list_names_each_item_once() -> None:
    names = [name for name, _every, _function in clock.WORK]
    assert len(names) == len(set(names))
