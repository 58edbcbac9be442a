"""One line for each request, whoever answers it, and nothing of its query in it."""

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from loyalty_app import metrics
from loyalty_app.logs import JsonLines
from loyalty_app.request_notes import LINES_MOST, Answered, RequestNote, this_turn, write
from tests import loops

PIPE_TAKES_WHOLE = 4096


@pytest.fixture(autouse=True)
def requests_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "loyalty_app.request")


def written(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What one call of the system writes, each time."""
    records = [record for record in caplog.records if record.name == "loyalty_app.request"]
    return [JsonLines().format(record) for record in records]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(line) for text in written(caplog) for line in text.splitlines()]


def noted(given: str, method: str = "POST", route: str = "webhooks", status: int = 200) -> Answered:
    with RequestNote(given) as note:
        return note.answered(method, route, status)


def counted(route: str, status: int) -> float:
    return float(metrics.REQUESTS.labels(route, "POST", str(status))._value.get())


def test_a_method_nobody_has_heard_of_is_no_series_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    write([noted("", "BREW"), noted("", "PATCH")])
    assert [line["method"] for line in lines(caplog)] == ["OTHER", "PATCH"]


def test_a_request_is_logged_with_its_route_and_id_but_not_its_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/health/live?signature=canary", headers={"X-Request-Id": "given-by-proxy-1"})
    assert answer.headers["X-Request-Id"] == "given-by-proxy-1"
    (line,) = lines(caplog)
    assert (line["route"], line["status"]) == ("health/live", 200)
    assert line["request_id"] == "given-by-proxy-1"
    assert "canary" not in str(line)


def test_a_request_id_that_is_no_id_is_replaced(client: Client) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": "x" * 500})
    assert len(answer.headers["X-Request-Id"]) == 32


def test_those_of_one_turn_of_the_loop_are_written_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = counted("webhooks", 200), counted("webhooks", 401)

    async def answered() -> int:
        this_turn.write(noted("delivery-1"))
        this_turn.write(noted("delivery-2", status=401))
        told_meanwhile = len(lines(caplog))
        await asyncio.sleep(0)
        return told_meanwhile

    assert loops.run(answered()) == 0
    first, second = lines(caplog)
    assert len(written(caplog)) == 1
    assert (first["request_id"], first["status"]) == ("delivery-1", 200)
    assert (second["request_id"], second["status"]) == ("delivery-2", 401)
    assert first.keys() == second.keys() >= {"time", "level", "logger", "message", "method", "route", "ms"}
    assert (counted("webhooks", 200), counted("webhooks", 401)) == (before[0] + 1, before[1] + 1)


def test_what_a_stopped_loop_left_is_written_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    async def answered(given: str) -> None:
        this_turn.write(noted(given))

    def stopped_at_once() -> bool:
        loop = asyncio.new_event_loop()
        task = loop.create_task(answered("delivery-1"))
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.close()
        return task.done()

    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(stopped_at_once).result()
    assert not lines(caplog)
    loops.run(answered("delivery-2"))
    assert [line["request_id"] for line in lines(caplog)] == ["delivery-1", "delivery-2"]


def test_processes_that_share_a_pipe_cannot_break_each_others_lines(caplog: pytest.LogCaptureFixture) -> None:
    async def answered() -> None:
        for number in range(2 * LINES_MOST + 1):
            this_turn.write(noted(f"{number:064}", "OPTIONS", "storefront/me", 503))

    loops.run(answered())
    assert [line["request_id"] for line in lines(caplog)] == [f"{n:064}" for n in range(2 * LINES_MOST + 1)]
    assert len(written(caplog)) == 3
    assert max(len(text) + 1 for text in written(caplog)) <= PIPE_TAKES_WHOLE


def test_where_requests_are_not_logged_they_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "loyalty_app.request")
    before = counted("webhooks", 503)
    write([noted("", status=503)])
    assert counted("webhooks", 503) == before + 1
    assert not caplog.records
