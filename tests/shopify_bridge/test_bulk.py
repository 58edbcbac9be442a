"""The files of bulk operations: where they may lie, and how they are read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from shopify_bridge import budget, bulk, transport
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.payloads import BadPayload

FOLDER = "https://storage.googleapis.com/shopify-tiers-assets-prod-us-east1/"


class Files:
    """A server of one file that can begin in the middle, unless it is told not to."""

    def __init__(self) -> None:
        self.content = b""
        self.status = 200
        self.ranges: list[str | None] = []
        files = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers["Range"]
                files.ranges.append(asked)
                begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
                self.send_response(206 if begin and files.status == 200 else files.status)
                self.end_headers()
                self.wfile.write(files.content[begin:])

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/sandbox/bulk/1-x.jsonl"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def holds(self, *lines: dict[str, Any]) -> None:
        self.content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.fixture
def files(settings: Settings) -> Iterator[Files]:
    made = Files()
    settings.SHOPIFY_SANDBOX = made.url.partition("/sandbox")[0]
    yield made
    made.server.shutdown()
    made.server.server_close()


def order(number: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{number}"}


def line(number: int, parent: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/LineItem/{number}", "__parentId": f"gid://shopify/Order/{parent}"}


@pytest.mark.parametrize(
    "url",
    [
        f"{FOLDER}bulk-1.jsonl".replace("https", "http"),
        "https://storage.googleapis.com.evil.com/shopify-x/1",
        "https://user@storage.googleapis.com/shopify-x/1",
        "https://storage.googleapis.com:8443/shopify-x/1",
        "https://storage.googleapis.com/evil/shopify-x/1",
        "https://storage.googleapis.com/shopify-x/../evil/1",
        "http://169.254.169.254/sandbox/bulk/1",
        "",
    ],
)
def test_files_are_read_from_shopifys_storage_only(url: str, settings: Settings) -> None:
    settings.SHOPIFY_SANDBOX = ""
    assert transport.is_file_address(f"{FOLDER}bulk-operation-outputs/1.jsonl?Signature=x")
    assert not transport.is_file_address(url)
    with pytest.raises(NeedsHuman):
        list(bulk.read(url))


def test_with_a_sandbox_its_files_only(settings: Settings) -> None:
    settings.SHOPIFY_SANDBOX = "http://127.0.0.1:8080"
    assert transport.is_file_address("http://127.0.0.1:8080/sandbox/bulk/1-x.jsonl")
    assert not transport.is_file_address("http://127.0.0.1:80801/sandbox/bulk/1-x.jsonl")
    assert not transport.is_file_address(f"{FOLDER}1")


def test_children_go_to_their_parent_in_lists_by_kind(files: Files) -> None:
    files.holds(order(1), line(10, 1), line(11, 1), order(2), order(3), line(30, 3))
    found = list(bulk.read(files.url))
    assert [len(one.node.get("LineItem", [])) for one in found] == [2, 0, 1]
    assert found[-1].end == len(files.content)


def test_a_server_that_can_begins_in_the_middle(files: Files) -> None:
    files.holds(order(1), line(10, 1), order(2), order(3))
    first = next(iter(bulk.read(files.url)))
    assert [one.node["id"] for one in bulk.read(files.url, first.end)] == [order(2)["id"], order(3)["id"]]
    assert files.ranges == [None, f"bytes={first.end}-"]


def test_the_last_line_needs_no_end(files: Files) -> None:
    files.holds(order(1), order(2))
    files.content = files.content.rstrip()
    assert [one.node["id"] for one in bulk.read(files.url)] == [order(1)["id"], order(2)["id"]]


@pytest.mark.parametrize(
    "content", [b"{", b"[]\n", b"[" * 100_000, json.dumps(line(1, 2)).encode(), b"\xff\xfe\n"]
)
def test_a_file_that_makes_no_sense_is_no_news(files: Files, content: bytes) -> None:
    files.content = content
    with pytest.raises(BadPayload):
        list(bulk.read(files.url))


def test_a_line_without_end_is_not_held(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "LINE_BYTES_MAX", 100_000)
    files.content = b"x" * 300_000
    with pytest.raises(BadPayload, match="too long"):
        list(bulk.read(files.url))


@pytest.mark.parametrize("status", [302, 403, 500])
def test_an_answer_that_is_no_file_is_asked_for_again(files: Files, status: int) -> None:
    files.status = status
    with pytest.raises(TryAgain):
        list(bulk.read(files.url))


def test_a_search_can_not_leave_its_text() -> None:
    with pytest.raises(ValueError, match="search"):
        bulk.orders(None, 'x") { id } #')  # type: ignore[arg-type]


def test_looking_back_leaves_half_of_the_bucket() -> None:
    budget.forget("spare.myshopify.com")
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1100.0, "restoreRate": 100.0}
    budget.learn("spare.myshopify.com", "x", {"cost": {"requestedQueryCost": 50, "throttleStatus": status}})
    assert budget.wait_seconds("spare.myshopify.com", "x", 0.5) == 0
    assert budget.wait_seconds("spare.myshopify.com", "x", 0.5) == 0
    assert 0 < budget.wait_seconds("spare.myshopify.com", "x", 0.5) <= 0.5
    assert budget.wait_seconds("spare.myshopify.com", "x") == 0
    budget.forget("spare.myshopify.com")
