"""What stands in front of Django: the two addresses that get nearly all requests, and need nothing of it.

They are answered on the event loop, and share their statements (`shopify_bridge.together`). Django has its
threads behind it, and gets a request when all of it is here.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from loyalty_app.request_notes import RequestNote, this_turn
from loyalty_app.storefront import me
from shopify_bridge import bodies, webhooks
from shopify_bridge.auth import json_error
from shopify_bridge.bodies import Receive, Refused

Scope = dict[str, Any]
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]

ME = "/storefront/me"
PERSONAL = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
"""What the door and the middleware say of each answer to a shopper (`tests/loyalty_app/test_front.py`)."""


def busiest_first(django: Asgi) -> Asgi:
    """`/webhooks` and `GET /storefront/me` past Django, with an id, a line and figures like the rest."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if path == "/webhooks":
            await _noted("webhooks", method, headers, send, _delivered(method, headers, receive))
        elif path == ME and method == "GET":
            await _noted("storefront/me", method, headers, send, _looked(scope["query_string"]))
        else:
            try:
                body = await _whole(scope, headers, receive)
            except Refused as refused:
                await _noted("refused", method, headers, send, _turned_away(refused))
            else:
                await django(scope, _replayed(body), send)

    return application


async def _noted(
    route: str, method: str, headers: dict[str, str], send: Send, answer: Awaitable[Answer]
) -> None:
    with RequestNote(headers.get("x-request-id", "")) as note:
        status, sent, body = await answer
        this_turn.write(note.answered(method, route, status))
    named = [("Content-Length", str(len(body))), ("X-Request-Id", note.identity), *sent]
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _delivered(method: str, headers: dict[str, str], receive: Receive) -> Answer:
    status, sent = await webhooks.receive(method, headers, receive)
    return status, sent, b""


async def _looked(query: bytes) -> Answer:
    response = await me.answer(query.decode("latin-1"))
    return response.status_code, list({**PERSONAL, **dict(response.items())}.items()), response.content


async def _turned_away(refused: Refused) -> Answer:
    response = json_error(refused.status, "request", str(refused))
    return response.status_code, list(response.items()), response.content


async def _whole(scope: Scope, headers: dict[str, str], receive: Receive) -> bytes:
    """The body of a request that Django can take; where none is announced there is none. Raises Refused."""
    if not scope["query_string"].isascii():
        raise Refused(400, "An address has to be percent-encoded.")
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return b""
    bodies.refuse_announced(headers.get("content-length", ""))
    return await bodies.read(receive)


def _replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
