"""The demo's supervisor: starts the servers and the app's processes, says when all is ready, stops them all.

When everything is ready it writes var/demo.json, by rename, and removes it at the stop. With `manage` and a
command of manage.py it runs that one on the demo's data instead.
"""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from loyalty_app import embedded  # noqa: E402

SHOP = "demo.myshopify.com"
READY_SECONDS = 90
STOP_SECONDS = 30
LONG_LIFE_SECONDS = 60
STORES_LOOKED_AT_SECONDS = 0.4
STORE_STARTS = 60


class DemoError(Exception):
    """The demo can't run; the text says why and what to do."""


def say(text: str) -> None:
    with contextlib.suppress(OSError):  # Whoever read our output may have gone; the demo goes on.
        print(text, flush=True)


@dataclass
class Child:
    """One process of the demo, in a session of its own so that Ctrl-C reaches only the supervisor."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    again_at: float = 0.0

    def start(self) -> None:
        self.started, self.again_at = time.monotonic(), 0.0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"  {self.name} did not stop within {STOP_SECONDS} seconds and is killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # What it may have left behind.
        self.process.wait()

    def last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-12:] if self.log.exists() else []
        return f"The last lines of {self.log}:\n  " + "\n  ".join(lines)


class Demo:
    def __init__(self) -> None:
        self.var = Path(os.environ.get("LOYALTY_VAR") or ROOT / "var").resolve()
        self.port = _port()
        self.sandbox = f"http://127.0.0.1:{self.port}"
        self.app = f"http://127.0.0.1:{self.port + 1}"
        self.file = self.var / "demo.json"
        self.pids = self.var / "demo.pids"
        self.stop = threading.Event()
        self.children: list[Child] = []
        self.failed_starts = 0

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop.set())
        (self.var / "log").mkdir(parents=True, exist_ok=True)
        with open(self.var / "demo.lock", "ab") as lock:
            self._take(lock)
            self.file.unlink(missing_ok=True)
            try:
                self._start()
                self._watch()
            finally:
                self._stop_all()

    def _take(self, lock: Any) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                f"A demo already runs with the data folder {self.var}. Stop it with Ctrl-C where it runs, or "
                f"give this one another folder and ports: LOYALTY_VAR=var/second DEMO_PORT=9080 make demo"
            ) from None
        self._end_leftovers()
        for port in range(self.port, self.port + 3):
            if _in_use(port):
                raise DemoError(
                    f"Port {port} is in use by another program. Choose three free ports in a row, such as "
                    f"{self.port + 1000} to {self.port + 1002}: DEMO_PORT={self.port + 1000} make demo"
                )

    def _end_leftovers(self) -> None:
        """Processes of a demo that was killed itself: known by pid and time of start, so never another's."""
        if not self.pids.exists():
            return
        for pid, created in json.loads(self.pids.read_text() or "[]"):
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1:
                    family = [process, *process.children(recursive=True)]
                    for member in family:
                        member.terminate()
                    for member in psutil.wait_procs(family, timeout=10)[1]:
                        member.kill()
            except psutil.NoSuchProcess:
                continue
        self.pids.unlink()

    # --- starting ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        began = time.monotonic()
        environment = self.environment()
        python = sys.executable
        say("Starting the stores ...")
        if not environment.get("DATABASE_URL"):
            embedded.join_postgres(self.var)
        if not environment.get("REDIS_URL"):
            embedded.join_valkey(self.var)
        self._launch("sandbox", [python, "-m", "sandbox"], environment)
        self._step("migrate", [python, "manage.py", "migrate", "--verbosity", "0"], environment)
        say("Starting the app ...")
        for name in ("web", "worker", "clock"):
            self._launch(name, [python, "manage.py", name], environment)
        self._wait_for("the sandbox", lambda: requests.get(f"{self.sandbox}/sandbox/status", timeout=2).ok)
        self._wait_for("the app", lambda: requests.get(f"{self.app}/health/ready", timeout=3).ok)
        self._install()
        if not self.stop.is_set():
            self._publish()
            self._greet(time.monotonic() - began)

    def environment(self) -> dict[str, str]:
        kept = self._secrets()
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "LOYALTY_VAR": str(self.var),
            "DJANGO_SECRET_KEY": kept["django_secret_key"],
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "APP_URL": self.app,
            "SHOPIFY_API_KEY": kept["client_id"],
            "SHOPIFY_API_SECRET": kept["client_secret"],
            "SHOPIFY_SANDBOX": self.sandbox,
            "TOKEN_KEYS": kept["token_keys"],
            "WEB_BIND": "127.0.0.1",
            "WEB_PORT": str(self.port + 1),
            "WEB_PROCESSES": "1",
            "METRICS_PORT": str(self.port + 2),
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_STATE": str(self.var / "sandbox"),
            "SANDBOX_APP_URL": self.app,
            "SANDBOX_CLIENT_ID": kept["client_id"],
            "SANDBOX_CLIENT_SECRET": kept["client_secret"],
            "SANDBOX_ADMIN_TOKEN": kept["admin_token"],
        }

    def _secrets(self) -> dict[str, str]:
        """Made once: the data of the last run can only be read with its keys."""
        file = self.var / "demo-secrets.json"
        if file.exists():
            try:
                known: dict[str, str] = json.loads(file.read_text())
            except ValueError as error:
                raise DemoError(
                    f"{file} is damaged. Without its keys the shop's tokens in {self.var} can't be read: "
                    f"restore the file, or move the folder {self.var} away and start with a new one."
                ) from error
            return known
        made = {
            "client_id": secrets.token_hex(16),
            "client_secret": f"shpss_{secrets.token_hex(16)}",
            "django_secret_key": secrets.token_urlsafe(60),
            "token_keys": f"1:{b64encode(secrets.token_bytes(32)).decode()}",
            "admin_token": f"shpat_{secrets.token_hex(16)}",
        }
        _write(file, made)
        return made

    def _launch(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = self.var / "log" / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        child = Child(name, command, environment, log)
        child.start()
        self.children.append(child)
        self._note_pids()

    def _note_pids(self) -> None:
        noted = []
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                noted.append([child.process.pid, psutil.Process(child.process.pid).create_time()])
        _write(self.pids, noted)

    def _step(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """A command that has to end well before the next one starts."""
        child = Child(name, command, environment, self.var / "log" / f"{name}.log")
        child.log.unlink(missing_ok=True)
        child.start()
        while child.ended() is None and not self.stop.wait(0.05):
            pass
        code = child.ended()
        child.stop()
        if code:
            raise DemoError(f"{name} failed. {child.last_lines()}")

    def _wait_for(self, what: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.stop.is_set():
            for child in self.children:
                if child.ended() is not None:
                    raise DemoError(f"{child.name} ended at its start. {child.last_lines()}")
            try:
                if is_ready():
                    return
            except requests.RequestException:
                pass  # Not listening yet.
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{what} was not ready within {READY_SECONDS} seconds. See {self.var / 'log'}."
                )
            self.stop.wait(0.1)

    def _install(self) -> None:
        if self.stop.is_set():
            return
        say(f"Installing the app in {SHOP} ...")
        answer = requests.post(f"{self.sandbox}/sandbox/install", headers={"Host": SHOP}, timeout=30)
        if not answer.ok:
            raise DemoError(f"The app could not be installed: {answer.status_code} {answer.text[:500]}")
        status = answer.json()["app_status"]
        if status != 200:
            raise DemoError(
                f"The app answered {status} when it was opened; see {self.var / 'log' / 'web.log'}"
            )

    def _publish(self) -> None:
        _write(
            self.file,
            {
                "pid": os.getpid(),
                "shop": SHOP,
                "sandbox": self.sandbox,
                "app": self.app,
                "storefront": self.sandbox,
                "account": f"{self.sandbox}/account",
                "panel": f"{self.sandbox}/admin",
                "admin_token": self._secrets()["admin_token"],
            },
        )

    def _greet(self, seconds: float) -> None:
        say(
            f"\nReady after {seconds:.1f} seconds. Open:\n\n"
            f"  Storefront        {self.sandbox}/\n"
            f"  Customer account  {self.sandbox}/account\n"
            f"  Admin panel       {self.sandbox}/admin\n\n"
            f"Logs are in {self.var / 'log'}. Ctrl-C stops everything; the data stays in {self.var}."
        )

    # --- running and stopping ----------------------------------------------------------------------------

    def _watch(self) -> None:
        """Start again what ends, with growing pauses, so that a fault of one part shows and heals."""
        looked = time.monotonic()
        while not self.stop.wait(0.25):
            for child in self.children:
                self._revive(child)
            if time.monotonic() - looked > STORES_LOOKED_AT_SECONDS:
                self._revive_stores()
                looked = time.monotonic()

    def _revive_stores(self) -> None:
        """A killed server may need more than one start, while parts of the old one still hold its memory."""
        try:
            embedded.revive()
            self.failed_starts = 0
        except embedded.EmbeddedError as problem:
            self.failed_starts += 1
            if self.failed_starts == STORE_STARTS:
                raise
            say(f"A store did not start again and will be started once more. {str(problem).splitlines()[0]}")

    def _revive(self, child: Child) -> None:
        now, code = time.monotonic(), child.ended()
        if code is None:
            if now - child.started > LONG_LIFE_SECONDS:
                child.deaths = 0
        elif child.again_at == 0.0:
            child.again_at = now + min(10.0, 0.5 * 2**child.deaths)
            child.deaths += 1
            say(f"{child.name} ended (exit code {code}) and will be started again; see {child.log}")
            child.stop()
        elif now >= child.again_at:
            child.start()
            self._note_pids()

    def _stop_all(self) -> None:
        """First what makes work, last what keeps it."""
        if self.children:
            say("\nStopping ...")
        self.file.unlink(missing_ok=True)
        for child in self.children:
            child.stop()
        embedded.leave()
        self.pids.unlink(missing_ok=True)
        if self.children:
            say("Stopped. Nothing of the demo runs any more.")


def _port() -> int:
    text = os.environ.get("DEMO_PORT", "8080")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65533:
        raise DemoError(f"DEMO_PORT must be a port from 1 to 65533, not {text!r}.")
    return int(text)


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _write(file: Path, content: object) -> None:
    """By rename, and for the owner's eyes only."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=2)
    draft.replace(file)


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["manage"]:
            os.execve(sys.executable, [sys.executable, "manage.py", *arguments[1:]], Demo().environment())
        Demo().run()
    except (DemoError, embedded.EmbeddedError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
