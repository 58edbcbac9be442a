"""Log lines: one JSON object each, no secret and no person in them, whatever was given to log."""

import json
import logging

import pytest
from django.test import Client

from loyalty_app.logs import LONGEST, JsonLines, RequestNote


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


def test_a_method_nobody_has_heard_of_is_no_series_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "loyalty_app.request")
    with RequestNote("") as note:
        note.write("BREW", "webhooks", 405)
        note.write("PATCH", "webhooks", 405)
    assert [record.method for record in caplog.records] == ["OTHER", "PATCH"]  # type: ignore[attr-defined]


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


def test_a_request_is_logged_with_its_route_and_id_but_not_its_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "loyalty_app.request")
    answer = client.get("/health/live?signature=canary", headers={"X-Request-Id": "given-by-proxy-1"})
    assert answer.headers["X-Request-Id"] == "given-by-proxy-1"
    (record,) = [r for r in caplog.records if r.name == "loyalty_app.request"]
    assert (record.__dict__["route"], record.__dict__["status"]) == ("health/live", 200)
    assert "canary" not in JsonLines().format(record)


def test_a_request_id_that_is_no_id_is_replaced(client: Client) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": "x" * 500})
    assert len(answer.headers["X-Request-Id"]) == 32
