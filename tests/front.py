"""Requests to what stands in front of Django (`loyalty_app.front`), as a server hands them over by ASGI."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple
from unittest.mock import patch

from loyalty_app.front import Asgi, busiest_first
from loyalty_app.storefront import me
from shopify_bridge import webhooks
from tests import loops


class Answer(NamedTuple):
    status_code: int
    headers: dict[str, str]
    content: bytes


class _Here(Executor):
    """Does the work in the thread that runs it, whose transaction is the test's; the loop is elsewhere."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, work: Any, /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self._asked.put((done, partial(work, *args, **named)))
        return done

    def run(self, talk: Coroutine[Any, Any, Answer]) -> Answer:
        with loops.begun(talk) as answer:
            answer.add_done_callback(lambda _: self._asked.put(None))
            while asked := self._asked.get():
                done, work = asked
                try:
                    done.set_result(work())
                except Exception as problem:  # noqa: BLE001 - it is raised to whoever asks for the result
                    done.set_exception(problem)
            return answer.result()


def in_this_thread(talk: Coroutine[Any, Any, Answer]) -> Answer:
    """What is said on a loop; statements of the doors belong to the transaction of the test."""
    here = _Here()
    with patch.object(webhooks._deliveries, "threads", here), patch.object(me._looks, "threads", here):
        return here.run(talk)


async def left_to_django(scope: Any, receive: Any, send: Any) -> None:
    """Stands for Django, and gives back what it was sent."""
    message = await receive()
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


FRONT = busiest_first(left_to_django)


def ask(
    address: str, method: str = "GET", *, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """In this thread and its transaction; headers as text, which is Latin-1 in HTTP."""
    return in_this_thread(asked(address, method, parts=[body], headers=headers))


async def asked(
    address: str,
    method: str = "GET",
    *,
    parts: list[bytes | None],
    headers: dict[str, str] | None = None,
    front: Asgi = FRONT,
) -> Answer:
    """The body comes in these parts; after one that is None the sender is gone."""
    path, _, query = address.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ],
    }
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        if part is not None
        else {"type": "http.disconnect"}
        for number, part in enumerate(parts, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        return await asyncio.Future()  # nothing more comes

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await front(scope, receive, send)
    start, *rest = sent
    lines = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], lines, b"".join(message["body"] for message in rest))
