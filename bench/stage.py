"""Where a bench plays: stores of its own, a fresh database with the schema, processes that end with it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import django
import psutil
import psycopg
from psycopg import sql

from loyalty_app import embedded

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
Size = Literal["quick", "usual", "full"]
SECRET = "shpss_" + "b" * 32
SCHEMA = "bench_schema"
SCHEMA_MADE = "BENCH_SCHEMA_MADE"
START_SECONDS = 60
FIRST_PORT = 8610
STOP_SECONDS = 20


class BenchError(Exception):
    """It can't be measured here, or what was measured is worth nothing; the text says why."""


@dataclass(frozen=True)
class Stage:
    size: Size
    port: int

    def pick(self, *, quick: int, usual: int, full: int | None = None) -> int:
        """How much of something: rows, seconds, requests."""
        sizes = {"quick": quick, "usual": usual, "full": usual if full is None else full}
        return sizes[self.size]

    @property
    def app(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def peer(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    # --- the database ------------------------------------------------------------------------------------

    @property
    def sockets(self) -> Path:
        return embedded.socket_folder(VAR)

    def connect(self, database: str = embedded.DATABASE, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.sockets), user="postgres", dbname=database, autocommit=True, **options
        )

    def postmaster(self) -> int:
        return int((VAR / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def url(self, database: str) -> str:
        """For DATABASE_URL."""
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    def fresh_database(self, database: str = embedded.DATABASE) -> None:
        """The schema and not a row; what is connected to the old one is cut off."""
        name = sql.Identifier(database)
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(SCHEMA)))
            connection.execute("CHECKPOINT")

    # --- processes ---------------------------------------------------------------------------------------

    @contextmanager
    def running(self, *command: str, **settings: str) -> Iterator["Process"]:
        """A program with the app's environment, ended with all that it started."""
        log = VAR / "log" / f"{Path(command[-1]).name}.log"
        with open(log, "wb") as out:
            started = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        process = Process(psutil.Process(started.pid), log)
        try:
            yield process
        finally:
            process.end()
            started.wait(STOP_SECONDS)

    @contextmanager
    def web(self, **settings: str) -> Iterator["Process"]:
        """The app's web as it runs in production, in one process."""
        wanted = {"WEB_PROCESSES": "1", "WEB_PORT": str(self.port), **settings}
        with self.running(sys.executable, "manage.py", "web", **wanted) as process:
            process.wait_for(self.port)
            yield process

    @contextmanager
    def express(self, program: str, **settings: str) -> Iterator["Process"]:
        """A peer of bench/peers, in one process."""
        environment = {
            "NODE_ENV": "production",
            "PORT": str(self.port + 1),
            "PGHOST": str(self.sockets),
            "PGUSER": "postgres",
            "PGDATABASE": embedded.DATABASE,
            **settings,
        }
        with self.running("node", f"bench/peers/{program}", **environment) as process:
            process.wait_for(self.port + 1)
            yield process


@dataclass(frozen=True)
class Process:
    """A program that was started here, with its children."""

    root: psutil.Process
    log: Path

    def wait_for(self, port: int) -> None:
        """Until somebody listens."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if not psutil.pid_exists(self.root.pid) or self.root.status() == psutil.STATUS_ZOMBIE:
                raise BenchError(f"It ended at once; the last lines of {self.log}:\n{self._last_lines()}")
            if any(
                c.laddr.port == port and c.status == psutil.CONN_LISTEN
                for p in self._family()
                for c in p.net_connections()
            ):
                return
            if time.monotonic() > deadline:
                raise BenchError(f"Nothing listens at {port}; see {self.log}")
            time.sleep(0.1)

    def cpu(self) -> float:
        return cpu_seconds(self.root.pid)

    def memory(self) -> int:
        """Bytes that this program and its children hold and share with nobody else."""
        return sum(p.memory_full_info().uss for p in self._family())

    def end(self) -> None:
        family = self._family()
        for process in family[:1]:
            process.terminate()
        _, left = psutil.wait_procs(family, timeout=STOP_SECONDS)
        for process in left:
            process.kill()

    def _family(self) -> list[psutil.Process]:
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, those included that have ended."""
    total, root = 0.0, psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def configure(**changes: str) -> None:
    """The app's settings for this process and all that it starts; secrets of no value."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        LOYALTY_VAR=str(VAR),
        DJANGO_SETTINGS_MODULE="loyalty_app.settings",
        DJANGO_SECRET_KEY=secrets.token_urlsafe(60),
        SHOPIFY_API_KEY="0123456789abcdef0123456789abcdef",
        SHOPIFY_API_SECRET=SECRET,
        SHOPIFY_API_SECRET_OLD="",
        SHOPIFY_SANDBOX="",
        TOKEN_KEYS="1:" + "A" * 43 + "=",
        APP_URL="https://app.example.com",
        ALLOWED_HOSTS="127.0.0.1,localhost,app.example.com",
    )
    os.environ.update(changes)
    django.setup()


@contextmanager
def opened(size: Size) -> Iterator[Stage]:
    """The stores run, and a database holds the present schema for `fresh_database` to copy."""
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    embedded.join_postgres(VAR)
    embedded.join_valkey(VAR)
    stage = Stage(size, _two_free_ports())
    try:
        _make_schema(stage)
        stage.fresh_database()
        yield stage
    finally:
        embedded.leave()


def _two_free_ports() -> int:
    """The first of two in a row that nobody uses: ours and the peer's."""
    for port in range(FIRST_PORT, FIRST_PORT + 100, 2):
        with socket.socket() as ours, socket.socket() as peer:
            try:
                ours.bind(("127.0.0.1", port))
                peer.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise BenchError(f"No two ports in a row are free from {FIRST_PORT} on.")


def _make_schema(stage: Stage) -> None:
    """Once for all benches of a run, which start from this process."""
    if os.environ.get(SCHEMA_MADE):
        return
    with stage.connect("postgres") as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [SCHEMA]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SCHEMA)))
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": stage.url(SCHEMA)},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    os.environ[SCHEMA_MADE] = "yes"


def file_of(name: str) -> Path:
    """Where the process of a bench leaves its result."""
    return VAR / f"{name}.json"
