"""One JSON object per line, with nothing in it about a person and no secret."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import NoneType
from typing import Any

LONGEST = 4000
"""Longest text in a line: a log is no place to store a body."""
PLAIN = (int, float, bool, NoneType)
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
    """A line for each record; one for each of its `members`, where it has some, after what they share.

    Members are JSON without its braces, and without a secret: `members_of`.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage()),
        }
        if "members" in record.__dict__:
            shared = members_of(line)
            return "\n".join([f"{{{shared}, {members}}}" for members in record.__dict__["members"]])
        if request_id.get():
            line["request_id"] = request_id.get()
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = value if isinstance(value, PLAIN) else clean(str(value))
        if record.exc_info:
            line["exception"] = clean(self.formatException(record.exc_info))
        return f"{{{members_of(line)}}}"


def members_of(line: dict[str, Any]) -> str:
    """As JSON, ASCII only: terminals and other readers of lines see no control character of any kind."""
    return json.dumps(line, ensure_ascii=True)[1:-1]


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
