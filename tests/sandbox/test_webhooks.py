"""Deliveries over real HTTP: signed, retried, doubled on demand, and not forgotten over a restart."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox import installation
from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.seed import seed_demo_shop
from sandbox.store import Store
from sandbox.subscriptions import read_app_config, reduce_payload
from sandbox.webhooks import Outbox
from sandbox.world import ShopState, World
from tests.sandbox.conftest import CONFIG


class Receiver:
    """An app that answers as it is told and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []  # then 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def config(self) -> Config:
        url = f"http://127.0.0.1:{self.server.server_port}"
        return replace(CONFIG, app_url=url, retry_seconds=(0.01, 0.02), delivery_threads=2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


Start = Callable[..., tuple[World, ShopState, Outbox]]


@pytest.fixture
def start(receiver: Receiver) -> Iterator[Start]:
    started: list[Outbox] = []

    def run(faults: Faults | None = None, folder: Path | None = None, config: Config | None = None) -> Any:
        world = World(Store(folder))
        state = seed_demo_shop(world)
        outbox = Outbox(
            world, config or receiver.config, read_app_config(CONFIG.app_toml), faults or Faults()
        )
        started.append(outbox)
        with world.change():
            state.installation.installed = True
            world.save(state, state.installation)
        outbox.start()
        return world, state, outbox

    yield run
    for outbox in started:
        outbox.stop()


def finish(outbox: Outbox, pending: int = 0) -> None:
    end = time.monotonic() + 5
    while outbox.pending() > pending and time.monotonic() < end:
        time.sleep(0.005)
    assert outbox.pending() == pending


def shop_update(world: World, state: ShopState, times: int = 1) -> None:
    for turn in range(times):
        with world.change():
            world.emit(state, "shop/update", {"id": turn, "name": "Café", "email": "hidden@example.com"})


def test_a_delivery_is_signed_over_its_bytes_and_carries_the_headers(
    start: Start, receiver: Receiver
) -> None:
    world, state, outbox = start()
    shop_update(world, state)
    finish(outbox)
    ((headers, body),) = receiver.got
    assert json.loads(body) == {"id": 0, "name": "Café"}
    digest = hmac.new(CONFIG.client_secret.encode(), body, hashlib.sha256).digest()
    assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
    assert headers["X-Shopify-Topic"] == "shop/update"
    assert headers["X-Shopify-Shop-Domain"] == "demo.myshopify.com"
    assert headers["X-Shopify-API-Version"] == "2026-10"
    assert {"X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At"} <= set(headers)


@pytest.mark.parametrize("refusal", [500, 302, 404])
def test_only_2xx_counts_and_a_retry_is_the_same_delivery(
    start: Start, receiver: Receiver, refusal: int
) -> None:
    receiver.answers = [refusal, refusal]
    world, state, outbox = start()
    shop_update(world, state)
    finish(outbox)
    assert len(receiver.got) == 3
    assert len({(headers["X-Shopify-Webhook-Id"], body) for headers, body in receiver.got}) == 1
    assert (outbox.delivered, outbox.given_up) == (1, 0)


def test_it_gives_up_when_the_gaps_are_used(start: Start, receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    world, state, outbox = start()
    shop_update(world, state)
    finish(outbox)
    assert (len(receiver.got), outbox.delivered, outbox.given_up) == (3, 0, 1)


def test_doubled_dropped_and_shuffled(start: Start, receiver: Receiver) -> None:
    faults = Faults(seed=5)
    faults.configure({"webhooks": {"duplicate": 0.5, "drop": 0.2, "shuffle": 0.2}})
    world, state, outbox = start(faults)
    shop_update(world, state, 60)
    finish(outbox)
    arrived = [json.loads(body)["id"] for _, body in receiver.got]
    assert arrived != sorted(arrived)
    assert 0 < outbox.dropped == 60 - len(set(arrived))
    assert len(arrived) > len(set(arrived))
    ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.got]
    assert len(set(ids)) == len(set(arrived))


def test_a_double_with_ids_of_its_own(start: Start, receiver: Receiver) -> None:
    faults = Faults(seed=5)
    faults.configure({"webhooks": {"duplicate": 1.0, "renamed": 0.5}})
    world, state, outbox = start(faults)
    shop_update(world, state, 40)
    finish(outbox)
    ids = {headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.got}
    events = {headers["X-Shopify-Event-Id"] for headers, _ in receiver.got}
    assert len(receiver.got) == 80
    assert 40 < len(ids) == len(events) < 80


def test_what_waits_goes_out_after_a_restart(start: Start, receiver: Receiver, tmp_path: Path) -> None:
    nobody = replace(receiver.config, app_url="http://127.0.0.1:1", retry_seconds=(60.0,))
    world, state, outbox = start(folder=tmp_path, config=nobody)
    shop_update(world, state, 3)
    time.sleep(0.05)
    outbox.stop()
    assert outbox.pending() == 3
    _, _, again = start(folder=tmp_path)
    finish(again)
    assert len(receiver.got) == 3


def test_an_app_that_is_not_installed_hears_nothing(start: Start, receiver: Receiver) -> None:
    world, state, outbox = start()
    with world.change():
        installation.uninstall(world, state)
    shop_update(world, state)
    finish(outbox)
    assert [headers["X-Shopify-Topic"] for headers, _ in receiver.got] == ["app/uninstalled"]


def test_include_fields_reach_into_lists_and_keep_whole_parts() -> None:
    payload = {"id": 1, "x": 2, "lines": [{"id": 3, "y": {"z": 1, "w": 2}}], "customer": None}
    include = ("id", "lines.id", "lines.y.z", "customer.id")
    assert reduce_payload(payload, include) == {
        "id": 1,
        "lines": [{"id": 3, "y": {"z": 1}}],
        "customer": None,
    }
    assert reduce_payload(payload, ("lines",)) == {"lines": payload["lines"]}
    assert reduce_payload(payload, ()) == payload
