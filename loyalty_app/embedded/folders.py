"""Where the embedded servers keep their things, and the user that they run as."""

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

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


@dataclass(frozen=True)
class Layout:
    """The folders of one installation, and the user that the servers run as."""

    var: Path
    run: Path
    log: Path
    user: pwd.struct_passwd


def layout_of(var: Path) -> Layout:
    return Layout(var, socket_folder(var), var / "log", _server_user(var))


def _server_user(var: Path) -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root, so root's servers run as the owner of the data, or as nobody."""
    if os.getuid() != 0:
        try:
            return pwd.getpwuid(os.getuid())
        except KeyError:
            raise EmbeddedError(
                f"User id {os.getuid()} has no name on this machine, and PostgreSQL refuses to run without "
                f"one. Run as a user that /etc/passwd knows, or set DATABASE_URL and REDIS_URL."
            ) from None
    for folder in (var / "postgres", var):
        if folder.exists() and folder.stat().st_uid != 0:
            return pwd.getpwuid(folder.stat().st_uid)
    return pwd.getpwnam("nobody")


def prepare(var: Path) -> Layout:
    try:
        var.mkdir(parents=True, exist_ok=True)
        layout = layout_of(var)
        layout.log.mkdir(exist_ok=True)
        layout.run.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {var} can't be used: {error.strerror}. Set LOYALTY_VAR to a folder that "
            f"{name_of(os.getuid())} may write to, or set DATABASE_URL and REDIS_URL."
        ) from error
    # In the temporary folder somebody else may have been there first, with a link to follow.
    found = layout.run.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), layout.user.pw_uid):
        raise EmbeddedError(other_user(layout.run))
    if os.getuid() == 0:
        os.chown(layout.run, layout.user.pw_uid, layout.user.pw_gid)
    # Whoever reaches the sockets is in: this folder's mode is the password.
    layout.run.chmod(0o700)
    return layout


def other_user(folder: Path) -> str:
    return (
        f"The folder {folder} belongs to user {name_of(folder.lstat().st_uid)}, and this process runs as "
        f"{name_of(os.getuid())}. Run it as that user, or set LOYALTY_VAR to another folder."
    )


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
