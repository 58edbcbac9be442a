"""Headers that every answer carries, error pages included."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

LOOPBACK = ("127.0.0.1", "localhost")


def frame_ancestors(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Who may frame an answer: the admin of the shop that a door has verified, else nobody.

    https://shopify.dev/docs/apps/build/security/set-up-iframe-protection
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = _policy(getattr(request, "frame_shop", ""))
        others = response.headers.get("Content-Security-Policy", "").rstrip("; ")
        response.headers["Content-Security-Policy"] = f"{others}; {policy}" if others else policy
        return response

    return middleware


def _policy(shop_domain: str) -> str:
    if not shop_domain:
        return "frame-ancestors 'none'"
    return f"frame-ancestors https://{shop_domain} https://admin.shopify.com{_sandbox_origins()}"


def _sandbox_origins() -> str:
    """The sandbox's admin frames the panel too, under either name of this machine."""
    if not settings.SHOPIFY_SANDBOX:
        return ""
    parts = urlsplit(settings.SHOPIFY_SANDBOX)
    hosts = LOOPBACK if parts.hostname in LOOPBACK else (parts.hostname or "",)
    port = f":{parts.port}" if parts.port else ""
    return "".join(f" {parts.scheme}://{host}{port}" for host in hosts)
