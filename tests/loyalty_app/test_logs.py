"""Log lines: one JSON object each, no secret and no person in them, whatever was given to log."""

import json
import logging

import pytest

from loyalty_app.logs import LONGEST, JsonLines


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, message, args, None, extra=extra)
    text = JsonLines().format(record)
    assert "\n" not in text
    assert text.isascii()
    assert text.isprintable()
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_a_line_cannot_be_broken_or_coloured() -> None:
    assert line("a\nINFO forged\x1b[31m\u2028")["message"] == "a\nINFO forged\x1b[31m\u2028"


def test_a_line_has_a_longest_length() -> None:
    assert len(str(line("x" * 10_000_000)["message"])) < LONGEST + 50


@pytest.mark.parametrize(
    "secret",
    [
        "shpat_0123456789abcdef0123456789abcdef",
        "shpss_0123456789abcdef0123456789abcdef",
        "Authorization: Bearer abc.def.ghi",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
        "ada@example.com",
        "postgresql://loyalty:hush@db/loyalty",
        "GET /storefront/me?logged_in_customer_id=7&signature=abc",
        "{'access_token': 'hush'}",
    ],
)
def test_secrets_and_people_are_cut_out(secret: str) -> None:
    for text in (line("got %s", secret), line("got", detail=secret)):
        for part in ("0123456789abcdef", "abc", "eyJhIjoxfQ", "ada@", "hush", "=7"):
            assert part not in json.dumps(text)


def test_ordinary_words_stay() -> None:
    assert line("renewed the token of a shop: done")["message"] == "renewed the token of a shop: done"


def test_an_exception_is_part_of_its_line() -> None:
    try:
        raise ValueError("shpat_0123456789abcdef")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "failed", "exc_info": (ValueError, error, error.__traceback__)}
        )
    parsed = json.loads(JsonLines().format(record))
    assert "ValueError" in parsed["exception"]
    assert "0123456789abcdef" not in parsed["exception"]
