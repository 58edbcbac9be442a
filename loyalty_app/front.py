"""What stands in front of Django: the address that gets nearly all requests, and needs nothing of it."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from loyalty_app.logs import RequestNote
from shopify_bridge import webhooks

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def webhooks_first(django: Wsgi) -> Wsgi:
    """`/webhooks` past Django's handlers and middleware, with an id, a line and figures like the rest."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/webhooks":
            return django(environ, start_response)
        with RequestNote(environ.get("HTTP_X_REQUEST_ID", "")) as note:
            status, headers = webhooks.receive(environ)
            note.write(environ["REQUEST_METHOD"], "webhooks", status)
        start_response(
            f"{status} {HTTPStatus(status).phrase}",
            [("Content-Length", "0"), ("X-Request-Id", note.identity), *headers],
        )
        return [b""]

    return application
