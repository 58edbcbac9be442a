"""The embedded servers, started for real in folders of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from loyalty_app import embedded

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys
from pathlib import Path
from loyalty_app import embedded
getattr(embedded, sys.argv[2])(Path(sys.argv[1]))
print("joined", flush=True)
sys.stdin.read()
"""


def open_user(var: Path, join: str = "join_postgres") -> subprocess.Popen[str]:
    """A process that joins a server, and leaves when its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(var), join],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n", process.communicate()[1]
    return process


def close_user(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def connect(var: Path) -> psycopg.Connection:
    return psycopg.connect(
        host=str(embedded.socket_folder(var)), user="postgres", dbname=embedded.DATABASE, autocommit=True
    )


def server_pid(var: Path) -> int:
    return int((var / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def answers(var: Path) -> bool:
    try:
        connect(var).close()
    except psycopg.OperationalError:
        return False
    return True


def refusal(var: Path, join: str = "join_postgres") -> str:
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", USER, str(var), join],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input="",
        timeout=60,
    )
    assert result.returncode != 0
    assert time.monotonic() - started < 20
    return result.stderr


def test_data_is_there_after_a_restart(tmp_path: Path) -> None:
    first = open_user(tmp_path)
    with connect(tmp_path) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    close_user(first)
    assert not answers(tmp_path)

    second = open_user(tmp_path)
    with connect(tmp_path) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    close_user(second)


def test_the_last_one_out_stops_the_server_and_nobody_else(tmp_path: Path) -> None:
    supervisor = open_user(tmp_path)
    pid = server_pid(tmp_path)
    close_user(open_user(tmp_path))
    assert answers(tmp_path)
    assert server_pid(tmp_path) == pid
    close_user(supervisor)
    assert not answers(tmp_path)


def test_a_killed_user_does_not_keep_the_server_for_ever(tmp_path: Path) -> None:
    killed = open_user(tmp_path)
    killed.kill()
    killed.communicate()
    assert answers(tmp_path)
    close_user(open_user(tmp_path))
    assert not answers(tmp_path)


def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    first = open_user(tmp_path)
    with connect(tmp_path) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(server_pid(tmp_path), signal.SIGKILL)
    first.kill()
    first.communicate()

    second = open_user(tmp_path)
    with connect(tmp_path) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    close_user(second)


def test_a_foreign_folder_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letters.txt").write_text("mine")
    text = refusal(tmp_path)
    assert str(tmp_path / "postgres") in text
    assert "Move it away" in text
    assert os.listdir(tmp_path / "postgres") == ["letters.txt"]


def _closed(var: Path) -> None:
    close_user(open_user(var))


def test_a_folder_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    _closed(tmp_path)
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    text = refusal(tmp_path)
    assert "made by PostgreSQL '15'" in text
    assert (tmp_path / "postgres" / "base").is_dir()


@pytest.mark.parametrize("damage", ["cut", "scribbled"])
def test_a_damaged_folder_is_named_with_the_servers_own_words(tmp_path: Path, damage: str) -> None:
    _closed(tmp_path)
    control = tmp_path / "postgres" / "global" / "pg_control"
    control.write_bytes(b"" if damage == "cut" else b"x" * control.stat().st_size)
    text = refusal(tmp_path)
    assert str(tmp_path / "postgres") in text
    assert "nothing in it was changed or deleted" in text
    assert control.exists()


def test_an_interrupted_first_start_leaves_no_half_folder(tmp_path: Path) -> None:
    (tmp_path / "postgres.draft").mkdir()
    (tmp_path / "postgres.draft" / "PG_VERSION").write_text("18\n")
    close_user(open_user(tmp_path))
    assert not (tmp_path / "postgres.draft").exists()


def test_a_path_too_long_for_sockets_and_below_a_closed_folder_works(tmp_path: Path) -> None:
    var = tmp_path / ("a long name, " * 9)
    var.mkdir()
    tmp_path.chmod(0o700)
    user = open_user(var)
    assert embedded.socket_folder(var).parent != var
    assert answers(var)
    close_user(user)


def test_a_link_in_place_of_the_sockets_folder_is_not_followed(tmp_path: Path) -> None:
    var = tmp_path / ("v" * 120)
    target = tmp_path / "precious"
    target.mkdir(mode=0o755)
    folder = embedded.socket_folder(var)
    folder.symlink_to(target)
    try:
        assert str(folder) in refusal(var)
        assert (target.stat().st_mode & 0o777) == 0o755
        assert target.stat().st_uid == os.getuid()
    finally:
        folder.unlink()


def test_it_never_listens_on_a_port_and_only_its_user_reaches_it(tmp_path: Path) -> None:
    user = open_user(tmp_path)
    process = psutil.Process(server_pid(tmp_path))
    assert [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN and c.laddr] == [
        c for c in process.net_connections(kind="unix") if c.status == psutil.CONN_LISTEN
    ]
    assert process.uids().effective != 0
    assert (embedded.socket_folder(tmp_path).stat().st_mode & 0o777) == 0o700
    close_user(user)


def test_valkey_keeps_its_data_and_names_a_damaged_folder(tmp_path: Path) -> None:
    first = open_user(tmp_path, "join_valkey")
    with redis.Redis.from_url(embedded.redis_url(tmp_path)) as client:
        client.set("kept", "7")
    close_user(first)
    second = open_user(tmp_path, "join_valkey")
    with redis.Redis.from_url(embedded.redis_url(tmp_path)) as client:
        assert client.get("kept") == b"7"
    close_user(second)

    dump = tmp_path / "valkey" / "dump.rdb"
    dump.write_bytes(b"no such format" * 10)
    text = refusal(tmp_path, "join_valkey")
    assert str(tmp_path / "valkey") in text
    assert "nothing in it was changed or deleted" in text
    assert dump.read_bytes().startswith(b"no such format")


def test_valkey_stops_even_when_it_cannot_save(tmp_path: Path) -> None:
    """It refuses to go then, and would outlive everybody who used it."""
    user = open_user(tmp_path, "join_valkey")
    with redis.Redis.from_url(embedded.redis_url(tmp_path)) as client:
        client.set("kept", "7")
        pid = int(client.info("server")["process_id"])
    (tmp_path / "valkey").rename(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    close_user(user)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
