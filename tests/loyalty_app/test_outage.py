"""A database that hangs or is gone: 503 in time from the real web process, and back to work by itself."""

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from django.conf import settings

from loyalty_app import embedded
from tests.loyalty_app.served import served
from tests.shopify_bridge import signing

pytestmark = pytest.mark.slow


class Road:
    """A TCP road to PostgreSQL's socket, which can be blocked: it accepts, and nothing comes through."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.open = threading.Event()
        self.open.set()
        self.ends: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self.target))
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.open.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        self.open.set()
        self.refuse()

    def refuse(self) -> None:
        """As when the server is stopped: every connection ends, and no new one is made."""
        for end in [self.listener, *self.ends]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # A close alone wakes no thread that waits for it.
            end.close()
        self.ends.clear()

    def listen_again(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()


@pytest.fixture
def road(transactional_db: None) -> Iterator[Road]:
    road = Road(embedded.socket_folder(settings.VAR_DIR) / ".s.PGSQL.5432")
    yield road
    road.close()


@pytest.fixture
def web(road: Road) -> Iterator[str]:
    name = settings.DATABASES["default"]["NAME"]
    with served(f"postgresql://postgres@127.0.0.1:{road.port}/{name}") as port:
        yield f"http://127.0.0.1:{port}/health/ready"


def slowest(address: str, status: int, number: int = 8) -> float:
    """Several at once, as Shopify delivers; all must be answered alike."""

    def ask(_: int) -> float:
        started = time.monotonic()
        answer = requests.get(address, timeout=10)
        assert answer.status_code == status, answer.text
        if status == 503:
            assert answer.json()["error"]["code"] == "unavailable"
        return time.monotonic() - started

    with ThreadPoolExecutor(number) as pool:
        return max(pool.map(ask, range(number)))


def slowest_delivery(address: str, status: int, number: int = 32) -> float:
    """As many as Shopify may have under way at once, and more than there are threads."""
    body = b'{"id": 1}'
    headers = {"X-Shopify-Hmac-Sha256": signing.webhook_hmac(body), "X-Shopify-Topic": "orders/paid"}

    def deliver(_: int) -> float:
        started = time.monotonic()
        sent = {**headers, "X-Shopify-Webhook-Id": str(uuid.uuid4())}
        answer = requests.post(urljoin(address, "/webhooks"), body, headers=sent, timeout=10)
        assert answer.status_code == status, answer.text
        return time.monotonic() - started

    with ThreadPoolExecutor(number) as pool:
        return max(pool.map(deliver, range(number)))


def back_in_service(address: str) -> float:
    started = time.monotonic()
    while requests.get(address, timeout=10).status_code != 200:
        assert time.monotonic() - started < 20
        time.sleep(0.1)
    return time.monotonic() - started


def test_a_hanging_database_is_503_within_3_seconds_and_service_returns(web: str, road: Road) -> None:
    slowest(web, 200)
    slowest_delivery(web, 200)
    road.open.clear()
    assert slowest(web, 503) < 3
    assert slowest(web, 503) < 3
    assert slowest_delivery(web, 503) < 3
    road.open.set()
    assert back_in_service(web) < 10
    slowest(web, 200)
    slowest_delivery(web, 200)


def test_deliveries_are_the_first_to_find_a_hanging_database(web: str, road: Road) -> None:
    slowest_delivery(web, 200)
    road.open.clear()
    assert slowest_delivery(web, 503) < 3
    assert slowest_delivery(web, 503) < 3
    road.open.set()
    assert back_in_service(web) < 10
    slowest_delivery(web, 200)


def test_a_stopped_database_is_503_within_3_seconds_and_service_returns(web: str, road: Road) -> None:
    slowest(web, 200)
    slowest_delivery(web, 200)
    road.refuse()
    assert slowest_delivery(web, 503) < 3
    assert slowest(web, 503) < 3
    road.listen_again()
    assert back_in_service(web) < 10
    slowest(web, 200)
    slowest_delivery(web, 200)
