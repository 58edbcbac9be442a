"""A sandbox with an app that answers and an extension that the test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from sandbox import installation
from sandbox.model import Customer, Metafield
from sandbox.server import create_app
from sandbox.world import ShopState, World

from .conftest import CONFIG

REAL_EXTENSION = Path(__file__).parents[2] / "extensions" / "loyalty-widget"


def open_shop(world: World, state: ShopState, **config: Any) -> FlaskClient:
    app = create_app(world, replace(CONFIG, **config))
    with world.change():
        installation.install(world, state, app.extensions["app_config"])
    return app.test_client()


def sign_in(client: FlaskClient, customer: Customer) -> None:
    assert client.post("/sandbox/login", json={"customer": customer.id}).status_code == 200


def set_metafield(world: World, state: ShopState, owner: str, namespace: str, key: str, value: Any) -> None:
    now = world.now()
    with world.change():
        body = json.dumps(value)
        world.save(state, Metafield(world.new_id(), owner, namespace, key, "json", body, now, now))


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: str = "{}"
    delay: float = 0


@dataclass
class FakeApp:
    """Remembers what reached it, and answers what it was told to."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def fake_app() -> Iterator[FakeApp]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    app = FakeApp(f"http://127.0.0.1:{server.server_port}")
    server.app = app  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler() -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            app: FakeApp = self.server.app  # type: ignore[attr-defined]
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            app.calls.append(
                {
                    "method": self.command,
                    "path": path,
                    "query": query,
                    "body": body.decode(),
                    "headers": dict(self.headers),
                }
            )
            answer = app.answers.get(path, Answer())
            threading.Event().wait(answer.delay)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
