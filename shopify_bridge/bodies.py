"""Bodies of requests: so many bytes and no more, in so much time and no more.

They are read by the event loop, so whoever sends slowly occupies no thread.
https://asgi.readthedocs.io/en/latest/specs/www.html#request-receive-event
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

BYTES_MAX = 10 * 1024 * 1024
SECONDS_MAX = 10.0


class Refused(Exception):
    """The body wasn't taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def read(receive: Receive) -> bytes:
    """The raw bytes, however they were framed. Raises Refused: too many, too slow, or ended too early."""
    try:
        async with asyncio.timeout(SECONDS_MAX):
            return await _joined(receive)
    except TimeoutError as slow:
        raise Refused(408, f"The request took longer than {SECONDS_MAX:.0f} seconds to arrive.") from slow


async def _joined(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before all of it had arrived.")
        part = message.get("body", b"")
        size += len(part)
        if size > BYTES_MAX:
            raise too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def refuse_announced(length: str) -> None:
    """Before a byte is read. Raises Refused for a Content-Length that is too large."""
    if length.isascii() and length.isdigit() and int(length) > BYTES_MAX:
        raise too_large()


def too_large() -> Refused:
    return Refused(413, f"A request may have {BYTES_MAX // 2**20} MB at most.")
