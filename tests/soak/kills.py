"""Who is killed with -9. The demo's supervisor is the one that starts them again."""

from __future__ import annotations

import shutil
import signal

import psutil

from tests.smoke.shop import wait_until
from tests.soak.state import Soak

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


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
