"""What goes wrong meanwhile: kills, and wires held still, at moments that the seed decides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from tests.smoke.shop import expect
from tests.soak.kills import Killer
from tests.soak.state import Soak

VICTIMS = ("worker", "web", "postgres", "clock", "backend")
WIRES = ("postgres", "valkey")
HELD_SECONDS = (0.3, 4.0)
"""The web answers 503 after some two seconds without its database; what is shorter it only waits for."""
LOOK_SECONDS = 0.02


@contextmanager
def happening(soak: Soak, stage: str, accidents: list[str], progress: Callable[[], float]) -> Iterator[None]:
    """Each accident at its own point of the work, which `progress` tells as a share of the whole."""
    others = _Accidents(soak, stage, accidents, progress)
    others.start()
    try:
        yield
    finally:
        others.stop()
    expect(others.trouble is None, f"the accidents stopped: {others.trouble!r}")
    Killer(soak).wait_until_all_is_back()


def planned(soak: Soak) -> list[str]:
    """As many of each kind as the size says, in the seed's order."""
    size = soak.size
    kills = [VICTIMS[i % len(VICTIMS)] for i in range(size.kills - size.valkey_losses)]
    holds = [f"hold {WIRES[i % len(WIRES)]}" for i in range(size.holds)]
    all_of_them = [*kills, *["valkey"] * size.valkey_losses, *holds]
    soak.chance("accidents").shuffle(all_of_them)
    return all_of_them


class _Accidents(Thread):
    """Before each, the token is made to expire, so that it is renewed in the middle of it."""

    def __init__(self, soak: Soak, stage: str, accidents: list[str], progress: Callable[[], float]) -> None:
        super().__init__(name="accidents")
        self._soak, self._killer, self._progress = soak, Killer(soak), progress
        self._chance = soak.chance(f"accidents of {stage}")
        moments = sorted(self._chance.uniform(0.05, 0.95) for _ in accidents)
        self._due = list(zip(moments, accidents, strict=True))
        self._over = Event()
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            for moment, accident in self._due:
                while self._progress() < moment and not self._over.is_set():
                    time.sleep(LOOK_SECONDS)
                self._end_token()
                self._happen(accident, self._chance)
        except Exception as trouble:  # noqa: BLE001 - raised again by the thread that waits for this one
            self.trouble = trouble

    def _happen(self, accident: str, chance: random.Random) -> None:
        if accident.startswith("hold "):
            self._soak.hold(accident.removeprefix("hold "), chance.uniform(*HELD_SECONDS))
        else:
            self._killer.kill(accident)

    def _end_token(self) -> None:
        try:
            self._soak.books.end_token()
        except psycopg.OperationalError:
            return  # PostgreSQL is away; there are other accidents.

    def stop(self) -> None:
        """What is still planned happens at once."""
        self._over.set()
        self.join()
