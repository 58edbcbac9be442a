"""Bulk operations: one question over everything, answered as a file of JSON lines that is never held whole.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from shopify_bridge import catalogue, transport
from shopify_bridge.client import AdminClient, user_errors
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.payloads import BadPayload
from shopify_bridge.queries import document

Json = dict[str, Any]
POLL_SECONDS = 5.0
BUSY_SECONDS = 60.0
CHUNK_BYTES = 65_536
LINE_BYTES_MAX = 5_000_000
AT_THE_END = 416
"""What a server answers that is asked for the bytes behind the last one."""
UNDER_WAY = {"CREATED", "RUNNING"}
DENIED = "ACCESS_DENIED"
GONE = {403, 404, 410}
"""What a server answers whose file has expired: Shopify keeps it for a week, under a signed address."""
OF_PRODUCTS = re.compile(r" *(product|variant) \{[^}]*\}\n")
BUSY = {"LIMIT_REACHED", "OPERATION_IN_PROGRESS"}
# Made once: a decoder with an option takes as long to make as a line to read.
_decoder = json.JSONDecoder(parse_float=Decimal)


class Lost(TryAgain):
    """What was collected is no more, or never came to be: only another bulk operation helps."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished bulk operation: how many objects it found, and their file (none: nothing was found)."""

    count: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """One root object with its children, and the byte where the next one begins."""

    node: Json
    end: int


def orders(shop: Shop, search: str) -> str:
    """Start to ask for the orders of a search; the id of the operation."""
    if '"' in search or "\\" in search:
        raise ValueError("a search must not end the text it stands in")
    question = document("orders_bulk").replace("SEARCH", search)
    if not catalogue.may_read(shop):
        question = OF_PRODUCTS.sub("", question)
    payload = AdminClient(shop).run("bulk_run", {"query": question})["bulkOperationRunQuery"]
    if errors := user_errors(payload):
        if errors[0].get("code") in BUSY:
            raise TryAgain("other bulk operations are running", after=BUSY_SECONDS)
        raise NeedsHuman(f"Shopify refuses the bulk operation: {errors[0]['message'][:200]}", "bulk")
    operation_id: str = payload["bulkOperation"]["id"]
    return operation_id


def answer(shop: Shop, operation_id: str) -> Answer:
    """The finished operation. Raises TryAgain while it runs, Lost or NeedsHuman when it came to nothing."""
    state = AdminClient(shop).run("bulk_state", {"id": operation_id})["bulkOperation"]
    if state is None:
        raise Lost("Shopify no longer knows the bulk operation")
    if state["status"] in UNDER_WAY:
        raise TryAgain("Shopify is still collecting the orders", after=POLL_SECONDS)
    if state["status"] != "COMPLETED":
        why = f"Shopify could not collect the orders ({str(state['errorCode'] or state['status']).lower()})"
        raise NeedsHuman(why, "bulk") if state["errorCode"] == DENIED else Lost(why)
    answer = Answer(int(state["rootObjectCount"]), state["url"])
    if answer.count and answer.url is None:
        raise Lost("Shopify no longer keeps the bulk operation's file")
    return answer


def read(url: str, offset: int = 0) -> Iterator[Found]:
    """The root objects of a file from a byte on, each with its children in lists named by their kind."""
    root: Json | None = None
    begin = offset
    for line, end in _lines(url, offset):
        if "__parentId" not in line:
            if root is not None:
                yield Found(root, begin)
            root = line
        elif root is None or line["__parentId"] != root.get("id"):
            raise BadPayload("a line of the bulk operation has no parent before it")
        else:
            root.setdefault(_kind(line), []).append(line)
        begin = end
    if root is not None:
        yield Found(root, begin)


def _kind(line: Json) -> str:
    """`gid://shopify/LineItem/7` is a LineItem."""
    return str(line.get("id", "")).removeprefix("gid://shopify/").partition("/")[0]


def _lines(url: str, offset: int) -> Iterator[tuple[Json, int]]:
    """(line, byte behind it)"""
    rest, position = bytearray(), offset
    for chunk in _chunks(url, offset):
        rest += chunk
        *whole, last = rest.split(b"\n")
        for raw in whole:
            position += len(raw) + 1
            if raw.strip():
                yield _parsed(bytes(raw)), position
        rest = bytearray(last)
        if len(rest) > LINE_BYTES_MAX:
            raise BadPayload("a line of the bulk operation is too long")
    if rest.strip():
        yield _parsed(bytes(rest)), position + len(rest)


def _chunks(url: str, offset: int) -> Iterator[bytes]:
    if not transport.is_file_address(url):
        raise NeedsHuman("the bulk operation's file lies where Shopify doesn't keep files", "bulk")
    try:
        with closing(transport.file(url, offset)) as response:
            if response.status_code == AT_THE_END and offset:
                return
            if response.status_code in GONE:
                raise Lost(f"the bulk operation's file is gone (HTTP {response.status_code})")
            if response.status_code not in (200, 206):
                raise TryAgain(f"the bulk operation's file answers HTTP {response.status_code}")
            # Not every server can begin in the middle.
            skip = offset if response.status_code == 200 else 0
            for chunk in response.iter_content(CHUNK_BYTES):
                yield chunk[skip:]
                skip = max(0, skip - len(chunk))
    except requests.RequestException as error:
        raise TryAgain(f"the bulk operation's file broke off: {type(error).__name__}") from error


def _parsed(raw: bytes) -> Json:
    try:
        line = _decoder.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise BadPayload("a line of the bulk operation is no JSON") from error
    if not isinstance(line, dict):
        raise BadPayload("a line of the bulk operation is no object")
    return line
