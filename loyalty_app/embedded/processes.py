"""Finding, starting as the right user, and ending the servers' programs."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import time
from pathlib import Path

import psutil

from loyalty_app.embedded.folders import EmbeddedError


def package_folder(package: str, setting: str) -> Path:
    # Found without an import: the package's own start code makes folders and warns about the system's.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{setting} is not set and the package {package!r} is not installed. Run 'make setup', or set "
            f"{setting} to a server of your own."
        )
    return Path(spec.origin).parent


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


def is_program(pid: int, name: str) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and name in process.name()
    except psutil.NoSuchProcess:
        return False


def end(pid: int, how: signal.Signals, seconds: float = 30) -> None:
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
