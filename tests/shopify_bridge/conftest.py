"""A sandbox of the tests' own, and a stand-in that answers what the sandbox never would."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from shopify_bridge import install, signatures
from shopify_bridge.models import Shop
from tests.shopify_bridge.signing import CLIENT_ID, SECRET, SHOP

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30


class Sandbox:
    """Drives `python -m sandbox`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: dict[str, Any] | None = None, shop: str = SHOP) -> requests.Response:
        answer = requests.post(f"{self.url}{path}", json=body or {}, headers={"Host": shop}, timeout=10)
        answer.raise_for_status()
        return answer

    def token(self, surface: str = "admin", shop: str = SHOP, **query: str) -> str:
        url = f"{self.url}/sandbox/id-token"
        parameters = {"surface": surface, **query}
        answer = requests.get(url, params=parameters, headers={"Host": shop}, timeout=10)
        return str(answer.json()["id_token"])

    def admin(self, query: str, shop: str = SHOP, **variables: Any) -> dict[str, Any]:
        """The data of a call with the token of another app that may do anything."""
        host = {"Host": shop}
        token = requests.get(f"{self.url}/sandbox/admin-token", headers=host, timeout=10).json()[
            "admin_token"
        ]
        answer = requests.post(
            f"{self.url}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token, **host},
            timeout=10,
        ).json()
        data: dict[str, Any] = answer["data"]
        return data

    def new_customer(self) -> int:
        made = self.admin('mutation { customerCreate(input: { firstName: "A" }) { customer { id } } }')
        return int(made["customerCreate"]["customer"]["id"].rpartition("/")[2])


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(folder)),
        *("--client-id", CLIENT_ID, "--client-secret", SECRET),
        *("--app-url", "http://127.0.0.1:9", "--retry-seconds", "3600"),
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as process,
    ):
        try:
            yield Sandbox(_ready(f"http://127.0.0.1:{port}", process, folder / "log"))
        finally:
            process.terminate()
            process.wait(10)


def _ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{url}/sandbox/status", timeout=1).raise_for_status()
            return url
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"the sandbox did not start:\n{log.read_text()}")


@pytest.fixture
def sandbox(running_sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The sandbox, with the app installed in the demo shop and no accidents."""
    settings.SHOPIFY_SANDBOX = running_sandbox.url
    running_sandbox.post("/sandbox/faults", {"reset": True})
    running_sandbox.post("/sandbox/install")
    return running_sandbox


@pytest.fixture
def shop(sandbox: Sandbox, db: None) -> Shop:
    """The demo shop, installed over HTTP."""
    return take_in(sandbox)


def take_in(sandbox: Sandbox, domain: str = SHOP) -> Shop:
    token = signatures.staff_token(sandbox.token(shop=domain), CLIENT_ID, (SECRET,))
    return install.installed(domain, token)


class Scripted:
    """A server that answers what it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]] = lambda _: json_answer({})
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.delay = 0.0
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                scripted.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, headers, content = scripted.answer(body)
                time.sleep(scripted.delay)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = len(content) != int(headers.get("Content-Length", len(content)))

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A caller that hung up is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def json_answer(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(content).encode()


@pytest.fixture
def scripted(settings: Settings) -> Iterator[Scripted]:
    server = Scripted()
    settings.SHOPIFY_SANDBOX = server.url
    yield server
    server.server.shutdown()
    server.server.server_close()
