"""One JSON object per line, with nothing in it about a person and no secret."""

import json
import logging
import os
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse

LONGEST = 4000
"""Longest text in a line: a log is no place to store a body."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

REQUESTS = logging.getLogger("loyalty_app.request")

request_id: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "request",
    "server_time",
}
# The last wall, for texts of libraries: tokens, keys, mail addresses and queries of addresses.
_SECRETS = [
    (re.compile(r"\b(shp[a-z]{2}_|shpss_)[A-Za-z0-9_]+"), r"\1***"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), "***"),
    (re.compile(r"(?i)\b(bearer\s+)\S+"), r"\1***"),
    (
        re.compile(r"(?i)((?:password|secret|token|hmac|signature)['\"]?\s*[=:]\s*['\"]?)[^\s'\",&;]+"),
        r"\1***",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "***@***"),
    (re.compile(r"(://)[^/\s@]*@"), r"\1***@"),
    (re.compile(r"(?<=[\w/])\?[\w.%~-]+=\S*"), "?***"),
]


@lru_cache(maxsize=1024)  # most texts are said again and again: messages, routes, topics
def clean(text: str) -> str:
    """The text without secrets, cut to a length. JSON escapes its control characters."""
    text = text[: 4 * LONGEST]
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage()),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = value if isinstance(value, int | float | bool | None) else clean(str(value))
        if record.exc_info:
            line["exception"] = clean(self.formatException(record.exc_info))
        # ASCII only: terminals and other readers of lines see no control character of any kind.
        return json.dumps(line, ensure_ascii=True)


class RequestNote:
    """Gives a request an id and writes one line about it: never its query, its headers or its body."""

    def __init__(self, given: str) -> None:
        self.identity = given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()

    def __enter__(self) -> "RequestNote":
        self._token = request_id.set(self.identity)
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        request_id.reset(self._token)

    def write(self, method: str, route: str, status: int) -> None:
        """The route, not the address: that one may hold the id of a person."""
        from loyalty_app import metrics  # Models are ready by now, not when the settings read this module.

        seconds = time.perf_counter() - self._started
        method = method if method in METHODS else "OTHER"
        metrics.observe(route, method, status, seconds)
        REQUESTS.info(
            "request",
            extra={"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)},
        )


class RequestLog:
    """The note of each request that comes to Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with RequestNote(request.headers.get("X-Request-Id", "")) as note:
            response = self.get_response(request)
            response.headers["X-Request-Id"] = note.identity
            match = request.resolver_match
            note.write(request.method or "", match.route if match else "unknown", response.status_code)
            return response


def configuration(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "loyalty_app.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers write plain text, and mail.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # RQ names each job with its arguments at INFO.
            "rq": {"handlers": [], "level": "WARNING", "propagate": True},
            "rq.worker": {"handlers": [], "level": "WARNING", "propagate": True},
            "urllib3": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
        },
    }
