"""`make demo`: starts from nothing, keeps its contract, finds its data again, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent


def three_free_ports() -> int:
    for first in range(20100 + os.getpid() % 997 * 3, 30000, 3):
        with ExitStack() as stack:
            try:
                for port in range(first, first + 3):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")


def environment(var: Path, port: int) -> dict[str, str]:
    inherited = ("PATH", "HOME", "LANG")
    return {
        **{name: os.environ[name] for name in inherited if name in os.environ},
        "LOYALTY_VAR": str(var),
        "DEMO_PORT": str(port),
    }


def processes_of(var: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            text = " ".join(process.cmdline()) + process.environ().get("LOYALTY_VAR", "")
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if str(var) in text:
            found.append(process)
    return found


@contextmanager
def demo(var: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """With its standard input closed, as a service manager would start it."""
    process = subprocess.Popen(
        ["bash", "-c", "exec bin/demo <&-"],
        cwd=ROOT,
        env=environment(var, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        file = var / "demo.json"
        deadline = time.monotonic() + 60
        while not (file.exists() and json.loads(file.read_text())["pid"] == process.pid):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process, json.loads(file.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=60)[0]
        left = processes_of(var)
        for orphan in left:
            orphan.kill()
    assert process.returncode == 0, output
    assert not file.exists()
    assert left == []


def test_the_demo_keeps_its_contract_and_its_data(tmp_path: Path) -> None:
    port = three_free_ports()
    with demo(tmp_path, port) as (process, contract):
        assert contract == {
            "pid": process.pid,
            "shop": "demo.myshopify.com",
            "sandbox": f"http://127.0.0.1:{port}",
            "app": f"http://127.0.0.1:{port + 1}",
            "storefront": f"http://127.0.0.1:{port}",
            "account": f"http://127.0.0.1:{port}/account",
            "panel": f"http://127.0.0.1:{port}/admin",
            "admin_token": contract["admin_token"],
        }
        assert requests.get(f"{contract['app']}/health/ready", timeout=5).json()["status"] == "ok"
        assert "loyalty_members" in requests.get(f"http://127.0.0.1:{port + 2}/metrics", timeout=5).text
        assert requests.get(f"{contract['storefront']}/", timeout=5).ok
        program = requests.get(f"{contract['storefront']}/apps/loyalty/program", timeout=5).json()
        assert program["currency"] == "USD"

        second = subprocess.run(
            ["bin/demo"], cwd=ROOT, env=environment(tmp_path, port + 6), capture_output=True, text=True
        )
        assert second.returncode == 1
        assert "A demo already runs with the data folder" in second.stderr
    first_token = contract["admin_token"]

    started = time.monotonic()
    with demo(tmp_path, port) as (_process, contract):
        assert time.monotonic() - started < 30  # Alone on a machine: 3.
        assert contract["admin_token"] == first_token


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    port = three_free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        result = subprocess.run(
            ["bin/demo"], cwd=ROOT, env=environment(tmp_path, port), capture_output=True, text=True
        )
    assert result.returncode == 1
    assert f"Port {port + 1} is in use" in result.stderr
    assert processes_of(tmp_path) == []


def test_what_a_killed_demo_left_is_ended_by_the_next(tmp_path: Path) -> None:
    port = three_free_ports()
    process = subprocess.Popen(
        ["bin/demo"], cwd=ROOT, env=environment(tmp_path, port), stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "demo.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert processes_of(tmp_path) != []
    with demo(tmp_path, port) as (_process, contract):
        assert requests.get(f"{contract['app']}/health/ready", timeout=5).ok


def test_a_postgres_that_cannot_come_back_yet_does_not_end_the_demo(tmp_path: Path) -> None:
    """Found by the soak: a process of the killed server held its memory, and the demo gave up altogether."""
    port = three_free_ports()
    with demo(tmp_path, port) as (process, contract):
        killed = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))
        holder = next(child for child in killed.children() if "postgres loyalty" in " ".join(child.cmdline()))
        holder.suspend()
        killed.kill()
        ready = f"{contract['app']}/health/ready"
        time.sleep(3)
        assert process.poll() is None
        assert requests.get(ready, timeout=5).status_code == 503
        holder.kill()
        deadline = time.monotonic() + 60
        while requests.get(ready, timeout=5).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
