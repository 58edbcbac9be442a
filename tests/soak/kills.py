"""Who is killed with -9, and when. The demo's supervisor is the one that starts them again."""

from __future__ import annotations

import shutil
import signal
import time
from threading import Thread

import psutil
import psycopg

from tests.smoke.shop import expect, wait_until
from tests.soak.state import Soak

KINDS = ("worker", "web", "postgres", "clock", "backend")
BACK_SECONDS = 60


class Killer:
    def __init__(self, soak: Soak) -> None:
        self._soak, self._demo = soak, soak.run.demo

    def kill(self, kind: str) -> None:
        """`web`, `worker`, `clock`: processes of the app; `valkey`: with all its data; `postgres`: the
        server; `backend`: one process of it, at which it throws all connections out and recovers.
        """
        match kind:
            case "valkey":
                self._lose_valkey()
            case "postgres":
                self._postgres().kill()
            case "backend":
                backends = [p for p in self._postgres().children() if "postgres loyalty" in _command(p)]
                if backends:
                    backends[0].kill()
            case _:
                self._child(kind).kill()
        self._soak.killed[kind] = self._soak.killed.get(kind, 0) + 1

    def plan(self) -> list[str]:
        """As many of each kind as the size says, in the seed's order."""
        size, chance = self._soak.size, self._soak.chance("victims")
        others = [KINDS[i % len(KINDS)] for i in range(size.kills - size.valkey_losses)]
        planned = others + ["valkey"] * size.valkey_losses
        chance.shuffle(planned)
        return planned

    def wait_until_all_is_back(self) -> None:
        for name in ("web", "worker", "clock"):
            self._child(name)
        self._demo.wait_until_ready(BACK_SECONDS)

    def _child(self, name: str) -> psutil.Process:
        return wait_until(BACK_SECONDS, f"{name} runs", lambda: self._demo.process(name))

    def _postgres(self) -> psutil.Process:
        return wait_until(BACK_SECONDS, "PostgreSQL runs", self._demo.database_server)

    def _lose_valkey(self) -> None:
        """Its files go while it stands still, so that nothing of them comes back."""
        server = wait_until(BACK_SECONDS, "Valkey runs", self._demo.queue_server)
        server.send_signal(signal.SIGSTOP)
        for kept in (self._demo.var / "valkey").iterdir():
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        server.kill()


class Killing(Thread):
    """Kills at random instants while something else goes on; and lets the token expire now and then."""

    def __init__(self, soak: Soak, seconds: float) -> None:
        super().__init__(name="killing")
        self._killer, self._soak = Killer(soak), soak
        self._planned = self._killer.plan()
        chance = soak.chance("instants")
        self._instants = sorted(chance.uniform(0.05, 0.95) * seconds for _ in self._planned)
        self.trouble: BaseException | None = None

    def run(self) -> None:
        began = time.monotonic()
        try:
            for kind, instant in zip(self._planned, self._instants, strict=True):
                time.sleep(max(0.0, began + instant - time.monotonic()))
                self._end_token()
                self._killer.kill(kind)
        except Exception as trouble:  # noqa: BLE001 - raised again by the thread that waits for this one
            self.trouble = trouble

    def _end_token(self) -> None:
        """So that it is renewed in the middle of the next kill."""
        try:
            self._soak.books.end_token()
        except psycopg.OperationalError:
            return  # PostgreSQL is away; there are other kills.

    def finish(self) -> None:
        self.join()
        expect(self.trouble is None, f"the killing stopped: {self.trouble!r}")


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
