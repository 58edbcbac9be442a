"""Starts the demo in a data folder of its own and stops it again."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 180
STOP_SECONDS = 120
FIGURES_SECONDS = 15
FIRST_PORT = 18600


class DemoTrouble(Exception):
    """The demo doesn't do what it should; the text says what and where to look."""


@dataclass(frozen=True)
class Demo:
    """A running demo: what its demo.json says, and its data folder."""

    var: Path
    sandbox: str
    app: str
    metrics: str
    shop: str
    admin_token: str

    def metric(self, name: str, label: str = "") -> float:
        """A figure of the metrics port, added up over its labels or those that contain `label`."""
        found = self._lines(name)
        deadline = time.monotonic() + FIGURES_SECONDS
        while not found and time.monotonic() < deadline:
            # A busy machine may be too slow for the port's own limit of its questions to the database.
            time.sleep(1)
            found = self._lines(name)
        if not found:
            raise DemoTrouble(f"There is no metric {name}.")
        return sum(float(line.rsplit(" ", 1)[1]) for line in found if label in line)

    def _lines(self, name: str) -> list[str]:
        lines = requests.get(self.metrics, timeout=10).text.splitlines()
        return [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]

    def parked(self) -> float:
        """Deliveries set aside for a person."""
        return self.metric("loyalty_inbox_rows", 'state="parked"')

    def waiting(self) -> float:
        """Deliveries that still wait for their turn."""
        return self.metric("loyalty_inbox_rows", 'state="waiting"')

    def manage(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` on the demo's own database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**_inherited(), **self._settings()},
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def _settings(self) -> dict[str, str]:
        kept = json.loads((self.var / "demo-secrets.json").read_text())
        return {
            "LOYALTY_VAR": str(self.var),
            "DJANGO_SECRET_KEY": kept["django_secret_key"],
            "APP_URL": self.app,
            "SHOPIFY_API_KEY": kept["client_id"],
            "SHOPIFY_API_SECRET": kept["client_secret"],
            "SHOPIFY_SANDBOX": self.sandbox,
            "TOKEN_KEYS": kept["token_keys"],
            "LOG_LEVEL": "WARNING",
        }

    def client_secret(self) -> str:
        """What Shopify signs with."""
        kept: dict[str, str] = json.loads((self.var / "demo-secrets.json").read_text())
        return kept["client_secret"]

    def process(self, name: str) -> psutil.Process | None:
        """The process that `manage.py NAME` runs in, if it runs right now."""
        for pid, created in json.loads((self.var / "demo.pids").read_text()):
            try:
                process = psutil.Process(pid)
                is_it = abs(process.create_time() - created) < 1 and process.cmdline()[-1:] == [name]
            except psutil.NoSuchProcess:
                continue
            if is_it:
                return process
        return None

    def wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise DemoTrouble(f"The app was not ready again within {seconds:.0f} seconds.")
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.app}/health/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def queue_server(self) -> psutil.Process | None:
        """The demo's own embedded Valkey, known by its data folder."""
        for process in psutil.process_iter(["cmdline"]):
            command = " ".join(process.info["cmdline"] or [])
            if "valkey-server " in command and str(self.var) in command:
                return process
        return None

    @contextmanager
    def unsupervised(self) -> Iterator[None]:
        """The supervisor looks away, so that what ends stays so."""
        supervisor = psutil.Process(int(json.loads((self.var / "demo.json").read_text())["pid"]))
        supervisor.suspend()
        try:
            yield
        finally:
            supervisor.resume()

    def database_server(self) -> psutil.Process | None:
        """The demo's own embedded PostgreSQL."""
        try:
            process = psutil.Process(
                int((self.var / "postgres" / "postmaster.pid").read_text().split("\n")[0])
            )
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None


@contextmanager
def running(
    var: Path, port: int, program: Sequence[str] = ("bin/demo.py",), **settings: str
) -> Iterator[Demo]:
    """A demo with an empty data folder, on this port and the two after it."""
    _empty(var)
    environment = {**_inherited(), "LOYALTY_VAR": str(var), "DEMO_PORT": str(port), **settings}
    with open(var / "output.log", "w") as output:
        process = subprocess.Popen(
            [sys.executable, *program], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        yield _ready(process, var, port)
    except BaseException:
        with suppress(DemoTrouble):  # What came first is what there is to tell.
            _stop(process)
        raise
    _stop(process)


def free_port(first: int = FIRST_PORT) -> int:
    """The first of three free ports in a row."""
    for port in range(first, first + 99, 3):
        if all(_is_free(port + i) for i in range(3)):
            return port
    raise DemoTrouble(f"No three free ports in a row from {first} on. Name some: DEMO_PORT=9080")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _inherited() -> dict[str, str]:
    """Our environment without what pytest says for itself: the demo runs with the app's own settings."""
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


def _empty(var: Path) -> None:
    var.mkdir(parents=True, exist_ok=True)
    with open(var / "demo.lock", "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoTrouble(f"Another run uses the folder {var} right now.") from None
    shutil.rmtree(var)
    var.mkdir()


def _ready(process: subprocess.Popen[bytes], var: Path, port: int) -> Demo:
    deadline = time.monotonic() + START_SECONDS
    file = var / "demo.json"
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DemoTrouble(f"The demo did not start:\n{(var / 'output.log').read_text()[-2000:]}")
        time.sleep(0.05)
    said: dict[str, Any] = json.loads(file.read_text())
    metrics = f"http://127.0.0.1:{port + 2}/metrics"
    return Demo(var, said["sandbox"], said["app"], metrics, said["shop"], said["admin_token"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise DemoTrouble(f"The demo did not stop within {STOP_SECONDS} seconds.") from None
