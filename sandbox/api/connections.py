"""Relay pages over lists that fit in memory."""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from graphql import GraphQLError

LARGEST_PAGE = 250
UNLIMITED = 2**31 - 1  # what bulk operations ask for
Key = Callable[[Any], Any]
Ordered = list[tuple[list[Any], Any]]


def connect(
    items: Iterable[Any],
    view: Callable[[Any], Any],
    key: Key,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> dict[str, Any]:
    """`key` orders the items; with the id behind it, it is also the cursor, so pages survive changes."""
    if first is not None and (after, last, before) == (None, None, None) and first < LARGEST_PAGE:
        items = _first_of(items, key, first + 1, reverse)
    return page_of(in_order(items, key, reverse), view, first, after, last, before, reverse)


def _first_of(items: Iterable[Any], key: Key, number: int, reverse: bool) -> list[Any]:
    """Without ordering all the rest."""
    pick = heapq.nlargest if reverse else heapq.nsmallest
    return pick(number, items, key=lambda item: (key(item), getattr(item, "id", 0)))


def in_order(items: Iterable[Any], key: Key, reverse: bool = False) -> Ordered:
    """The items behind what they are ordered by."""
    keyed = ((_cursor_key(key, item), item) for item in items)
    return sorted(keyed, key=lambda pair: pair[0], reverse=reverse)


def page_of(
    keyed: Ordered,
    view: Callable[[Any], Any],
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> dict[str, Any]:
    _check(first, last)
    start, end = 0, len(keyed)
    if after is not None:
        limit = _decode(after)
        start = sum(1 for k, _ in keyed if (k >= limit if reverse else k <= limit))
    if before is not None:
        limit = _decode(before)
        end = sum(1 for k, _ in keyed if (k > limit if reverse else k < limit))
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    page = keyed[start:end]
    edges = [{"cursor": _encode(k), "node": view(item)} for k, item in page]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": end < len(keyed),
            "hasPreviousPage": start > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _check(first: int | None, last: int | None) -> None:
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    for count in (first, last):
        if count not in (None, UNLIMITED) and not 0 <= count <= LARGEST_PAGE:
            raise GraphQLError(f"page size must be between 0 and {LARGEST_PAGE}")


def _cursor_key(key: Key, item: Any) -> list[Any]:
    value = key(item)
    if isinstance(value, datetime):
        value = value.isoformat()
    return [value, getattr(item, "id", 0)]


def _encode(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(cursor: str) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != 2:
        raise GraphQLError(f"Invalid cursor for current pagination sort: {cursor}")
    return key
