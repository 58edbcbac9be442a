"""What stands in front of Django: the two addresses that get nearly all requests, and need nothing of it."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from loyalty_app.logs import RequestNote
from loyalty_app.storefront import me
from shopify_bridge import webhooks

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

ME = "/storefront/me"
PERSONAL = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
"""What the door and the middleware say of each answer to a shopper (`tests/loyalty_app/test_front.py`)."""


def busiest_first(django: Wsgi) -> Wsgi:
    """`/webhooks` and `GET /storefront/me` past Django, with an id, a line and figures like the rest."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == "/webhooks":
            route, answer = "webhooks", _delivered
        elif path == ME and method == "GET":
            route, answer = "storefront/me", _looked
        else:
            return django(environ, start_response)
        with RequestNote(environ.get("HTTP_X_REQUEST_ID", "")) as note:
            status, headers, body = answer(environ)
            note.write(method, route, status)
        start_response(
            f"{status} {HTTPStatus(status).phrase}",
            [("Content-Length", str(len(body))), ("X-Request-Id", note.identity), *headers],
        )
        return [body]

    return application


def _delivered(environ: Environ) -> Answer:
    status, headers = webhooks.receive(environ)
    return status, headers, b""


def _looked(environ: Environ) -> Answer:
    response: HttpResponse = me.answer(environ)
    headers = {**PERSONAL, **dict(response.items())}
    return response.status_code, list(headers.items()), response.content
