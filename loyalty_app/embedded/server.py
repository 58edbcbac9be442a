"""What PostgreSQL and Valkey have in common."""

import os
import subprocess
import time
from pathlib import Path

from loyalty_app.embedded.folders import EmbeddedError, Layout, name_of, other_user
from loyalty_app.embedded.processes import as_user

START_SECONDS = 120
"""A crash recovery takes its time; after this we say so and give up."""
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class Server:
    """A folder, a log, and a process that outlives us when others use it."""

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
            raise EmbeddedError(other_user(self.data))
        raise EmbeddedError(
            f"The folder {self.data} belongs to user {name_of(owner)}, and the embedded {self.name} runs as "
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
                env=ENVIRONMENT,
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
