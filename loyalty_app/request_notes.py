"""One line and one count for each request: never its query, its headers or its body."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable
from contextvars import Token
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse

from loyalty_app import logs
from loyalty_app.logs import request_id

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LINES_MOST = 15
"""At 270 bytes each: pipes take 4,096 bytes whole, and mix longer writes of several processes."""

log = logging.getLogger("loyalty_app.request")


class Answered(NamedTuple):
    """What is noted of a request."""

    request_id: str
    method: str
    # Not the address: that one may hold the id of a person.
    route: str
    status: int
    seconds: float

    @property
    def members(self) -> str:
        """For the log."""
        said = _said(self.method, self.route, self.status)
        return f'"request_id": "{self.request_id}", {said}, "ms": {self.seconds * 1000:.1f}'


@lru_cache(maxsize=1024)
def _said(method: str, route: str, status: int) -> str:
    return logs.members_of({"method": method, "route": route, "status": status})


class RequestNote:
    """Gives a request an id, and notes how it was answered."""

    __slots__ = ("_started", "_token", "identity")
    _token: Token[str]
    _started: float

    def __init__(self, given: str) -> None:
        # An id names a request and guards nothing.
        self.identity = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"

    def __enter__(self) -> "RequestNote":
        self._token = request_id.set(self.identity)
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        request_id.reset(self._token)

    def answered(self, method: str, route: str, status: int) -> Answered:
        """What there is to write now."""
        seconds = time.perf_counter() - self._started
        return Answered(self.identity, method if method in METHODS else "OTHER", route, status, seconds)


def write(answered: list[Answered]) -> None:
    from loyalty_app import metrics  # Models are ready by now, not when the settings read this module.

    for one in answered:
        metrics.observe(one.route, one.method, one.status, one.seconds)
    for start in range(0, len(answered), LINES_MOST):
        some = answered[start : start + LINES_MOST]
        log.info("request", extra={"members": [one.members for one in some]})


class Turn:
    """Those of one turn of the event loop: one call of the system writes the lines of all of them."""

    def __init__(self) -> None:
        self._answered: list[Answered] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def write(self, answered: Answered) -> None:
        """With the others, as soon as the loop gets to it."""
        loop = asyncio.get_running_loop()
        # What another loop left when it was stopped is written with these.
        if not self._answered or loop is not self._loop:
            self._loop = loop
            loop.call_soon(self._end)
        self._answered.append(answered)

    def _end(self) -> None:
        answered, self._answered = self._answered, []
        write(answered)


this_turn = Turn()


class RequestLog:
    """The note of each request that comes to Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with RequestNote(request.headers.get("X-Request-Id", "")) as note:
            response = self.get_response(request)
            response.headers["X-Request-Id"] = note.identity
            match = request.resolver_match
            route = match.route if match else "unknown"
            write([note.answered(request.method or "", route, response.status_code)])
            return response
