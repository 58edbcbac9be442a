"""Work beside other work: once for each asking, one at a time, whatever happened before."""

import threading

import pytest

from shopify_bridge.beside import Beside

SECONDS = 10


class Work:
    """Work that a test holds in the middle; `fails` are the turns that break."""

    __name__ = "work"

    def __init__(self, fails=()):
        self.turns = 0
        self.fails = fails
        self.begun, self.go_on, self.done = (
            threading.Semaphore(0),
            threading.Semaphore(0),
            threading.Semaphore(0),
        )

    def __call__(self):
        self.turns += 1
        self.begun.release()
        assert self.go_on.acquire(timeout=SECONDS)
        self.done.release()
        if self.turns in self.fails:
            raise ValueError("broken")

    def finish_turn(self):
        assert self.begun.acquire(timeout=SECONDS)
        self.go_on.release()
        assert self.done.acquire(timeout=SECONDS)


@pytest.mark.django_db
def test_asked_while_it_works_it_works_once_more_and_no_more():
    work = Work()
    beside = Beside(work)
    beside.ask()
    assert work.begun.acquire(timeout=SECONDS)
    for _ in range(5):
        beside.ask()
    assert work.turns == 1
    work.go_on.release()
    assert work.done.acquire(timeout=SECONDS)
    work.finish_turn()
    assert not work.begun.acquire(timeout=0.2)
    assert work.turns == 2


@pytest.mark.django_db
def test_a_failure_is_logged_and_the_next_asking_is_answered(caplog):
    work = Work(fails=(1,))
    beside = Beside(work)
    beside.ask()
    work.finish_turn()
    beside.ask()
    work.finish_turn()
    assert work.turns == 2
    assert "work beside others failed" in caplog.text
