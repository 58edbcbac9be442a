"""The real web process at the other end of a socket: slow, cut, endless and odd requests."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest
import requests
from django.conf import settings

from loyalty_app import embedded
from shopify_bridge import bodies
from tests.loyalty_app.served import served
from tests.shopify_bridge import signing

pytestmark = pytest.mark.slow
BODY = b'{"id": 1}'
SLOW_SENDERS = 60
"""More than Django has threads."""


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    folder = quote(str(embedded.socket_folder(settings.VAR_DIR)), safe="")
    name = settings.DATABASES["default"]["NAME"]
    with served(f"postgresql://postgres@{folder}/{name}") as port:
        yield port


@pytest.fixture(autouse=True)
def database(transactional_db: None) -> None:
    """The web keeps deliveries in it, and they go with the test."""


def request(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([*lines, "Host: 127.0.0.1", "Connection: close", "", ""]).encode("latin-1") + body


def delivery(*lines: str, body: bytes = BODY) -> bytes:
    signature = f"X-Shopify-Hmac-Sha256: {signing.webhook_hmac(BODY)}"
    return request("POST /webhooks HTTP/1.1", signature, *lines, body=body)


def told(port: int, sent: bytes) -> tuple[int, bytes]:
    """The status, and all that came."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(sent)
        answer = b""
        while part := line.recv(65536):
            answer += part
    return int(answer.split(b" ", 2)[1]), answer


CHUNKED = b'4\r\n{"id\r\n5\r\n": 1}\r\n0\r\n\r\n'
TOO_MUCH = f"Content-Length: {bodies.BYTES_MAX + 1}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (delivery("Content-Length: 9"), 200),
        (delivery("Transfer-Encoding: chunked", body=CHUNKED), 200),
        (delivery("Content-Length: 8"), 401),
        (delivery("Content-Length: -1"), 400),
        (delivery("Content-Length: 9", "Content-Length: 8"), 400),
        (delivery("Content-Length: 9", "Content-Encoding: gzip"), 415),
        (delivery(TOO_MUCH), 413),
        (request("POST /app/settings HTTP/1.1", TOO_MUCH), 413),
        (request("GET /storefront/me HTTP/1.1"), 401),
        (request("GET /storefront/me?shop=\xff HTTP/1.1"), 400),
        (request("GET /health/ready?name=\xc3\xbc HTTP/1.1"), 400),
        (request("GET /%00%ff/%2e%2e/ HTTP/1.1"), 404),
        (request("GET /health/ready HTTP/1.1", "Upgrade: websocket"), 200),
        (request("HEAD /health/ready HTTP/1.1"), 200),
        (b"GET /health/ready HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_every_request_gets_its_answer(port: int, sent: bytes, status: int) -> None:
    assert told(port, sent)[0] == status


def test_a_body_without_end_is_cut_off(port: int) -> None:
    part = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(delivery("Transfer-Encoding: chunked", body=b""))
        with pytest.raises(OSError, match=r"reset|pipe"):
            line.sendall(part * 200)


def test_who_sends_slowly_keeps_nobody_waiting_and_is_cut_off(port: int) -> None:
    began = time.monotonic()
    with ExitStack() as lines:
        slow = [
            lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(SLOW_SENDERS)
        ]
        for number, line in enumerate(slow):
            path = "/webhooks" if number % 2 else "/app/settings"
            line.sendall(request(f"POST {path} HTTP/1.1", "Content-Length: 100", body=b" "))
        for _ in range(10):
            assert requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
            assert told(port, delivery("Content-Length: 9"))[0] == 200
        assert time.monotonic() - began < bodies.SECONDS_MAX, "they were all turned away by then"
        answers = [line.recv(65536) for line in slow]
    assert {answer.split(b" ", 2)[1] for answer in answers} == {b"408"}
    refused = json.loads(answers[0].rpartition(b"\r\n\r\n")[2])
    assert "10 seconds" in refused["error"]["message"]
