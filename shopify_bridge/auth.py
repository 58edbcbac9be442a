"""The doors: decorators that let a request in only when Shopify vouches for it.

A guarded view gets a small frozen object as its second argument: `Visitor` (storefront, checkout,
customer account), `Staff` (panel, admin and POS extensions) or `FlowCall`. The shop and the person in it
come from the signature and from nowhere else. Guarded views are exempt from Django's CSRF check: they
use no cookie, and what they use instead (a bearer token or a signature) no foreign page can send.
"""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from time import time
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rewards.prepared import prepared
from shopify_bridge import install, jobs
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.signatures import (
    IdToken,
    ProxyQuery,
    Refused,
    buyer_token,
    is_shop_domain,
    proxy_query,
    staff_token,
    webhook_signature_ok,
)
from shopify_bridge.tokens import BadIdToken

log = logging.getLogger(__name__)

TOKEN_PAGE = "/app/token"
PANEL_PATH = re.compile(r"/app(/[A-Za-z0-9_./-]*)?(\?.*)?")
HOST_SHAPE = re.compile(r"[A-Za-z0-9_=-]{1,200}")
CORS = {
    "Access-Control-Allow-Origin": "*",  # extensions run on opaque origins; the token is what counts
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Expose-Headers": "X-Shopify-Retry-Invalid-Session-Request",
}
PREFLIGHT_SECONDS = "7200"
OUT_OF_REACH = "The loyalty app is out of reach for a moment. Please try again."
READ_WRITE = ("GET", "HEAD", "POST")
READ = ("GET", "HEAD")


@dataclass(frozen=True)
class Visitor:
    """Somebody in the storefront, the checkout or their account; without customer id: a guest."""

    shop: Shop
    customer_id: int | None


@dataclass(frozen=True)
class Staff:
    """A staff user of the shop, in the admin or at a till."""

    shop: Shop
    user_id: str


@dataclass(frozen=True)
class FlowCall:
    """One run of one of our Flow actions."""

    shop: Shop
    payload: dict[str, Any]


Caller = TypeVar("Caller", Visitor, Staff, FlowCall)
View = Callable[..., HttpResponse]


class TurnedAway(Exception):
    """The door stays shut; the answer says why."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def json_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """The one shape of errors on machine paths."""
    return JsonResponse({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _door(
    enter: Callable[[HttpRequest], Caller],
    *,
    methods: tuple[str, ...] = READ_WRITE,
    cors: bool = False,
    page: bool = False,
) -> Callable[[View], View]:
    """A decorator that calls the view with what `enter` found out about the caller."""
    allowed = (*methods, "OPTIONS") if cors else methods

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = _inside(request, view, args, kwargs)
            response.headers.setdefault("Cache-Control", "no-store, private")
            response.headers.setdefault("Referrer-Policy", "no-referrer")
            if cors:
                for name, value in CORS.items():
                    response.headers[name] = value
            return response

        def _inside(request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponse:
            if cors and request.method == "OPTIONS":
                preflight = {
                    "Access-Control-Allow-Methods": ", ".join(allowed),
                    "Access-Control-Max-Age": PREFLIGHT_SECONDS,
                }
                return HttpResponse(status=204, headers=preflight)
            if request.method not in allowed:
                return json_error(405, "method", "Not this method.", {"Allow": ", ".join(allowed)})
            try:
                return view(request, enter(request), *args, **kwargs)
            except TurnedAway as turned:
                return turned.response
            except (OperationalError, InterfaceError) as error:
                connection.close()
                log.error("database unavailable", extra={"why": type(error).__name__})
                return _unavailable(request, page)

        guarded.csrf_exempt = True  # type: ignore[attr-defined]
        return guarded

    return guard


def _unavailable(request: HttpRequest, page: bool) -> HttpResponse:
    return _notice(request, 503, OUT_OF_REACH) if page else unavailable()


def unavailable() -> HttpResponse:
    """503 on machine paths: the database can't be reached."""
    return json_error(503, "unavailable", OUT_OF_REACH, {"Retry-After": "5"})


def unknown_shop() -> HttpResponse:
    """404 on machine paths."""
    return json_error(404, "unknown_shop", "This shop has not installed the app.")


def _secrets() -> tuple[str, str]:
    return settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD


def _known_shop(domain: str) -> Shop:
    shop = Shop.objects.filter(domain=domain).first()
    if shop is None or shop.state == Shop.State.UNINSTALLED:
        raise TurnedAway(unknown_shop())
    return shop


# --- storefront

# What a visit needs of the shop, and no more: it is asked at every one.
VISITED = "SELECT id, program_id, domain, state, scopes FROM shopify_bridge_shop WHERE domain = %s"


def visited_shop(domain: str) -> Shop | None:
    """The shop, with what a visit needs; None where the app isn't installed."""
    with prepared() as cursor:
        cursor.execute(VISITED, [domain])
        row = cursor.fetchone()
    if row is None:
        return None
    shop = Shop.from_db(connection.alias, ["id", "program_id", "domain", "state", "scopes"], row)
    return None if shop.state == Shop.State.UNINSTALLED else shop


def _visitor(domain: str, customer_id: int | None) -> Visitor:
    shop = visited_shop(domain)
    if shop is None:
        raise TurnedAway(unknown_shop())
    return Visitor(shop, customer_id)


def proxy_call(query: str) -> ProxyQuery:
    """Who asks through the app proxy, by the signed query. Raises TurnedAway."""
    try:
        return proxy_query(query, _secrets(), time())
    except Refused as refused:
        log.info("app proxy refused", extra={"why": refused.reason})
        raise TurnedAway(json_error(401, "signature", "Not signed by Shopify.")) from refused


def _enter_proxy(request: HttpRequest) -> Visitor:
    query = proxy_call(request.META.get("QUERY_STRING", ""))
    return _visitor(query.shop, query.customer_id)


app_proxy = _door(_enter_proxy)


# --- panel


def _enter_panel_page(request: HttpRequest) -> Staff:
    bearer = request.META.get("HTTP_AUTHORIZATION", "")
    given = request.GET.getlist("id_token")
    try:
        token = _staff_token(bearer) if bearer else _page_token(given)
        shop = _opened(request, token)
    except (Refused, BadIdToken) as refused:
        log.info("panel page without a good token", extra={"why": str(refused)})
        raise TurnedAway(_retry() if bearer else _to_token_page(request)) from refused
    return Staff(shop, token.user_id)


def _opened(request: HttpRequest, token: IdToken) -> Shop:
    """The shop of a page load, installed here and now where that is due."""
    request.frame_shop = token.shop  # type: ignore[attr-defined]
    shop = Shop.objects.filter(domain=token.shop).first()
    if shop is not None and not install.needs_opening(shop):
        install.opened(shop, token)
        return shop
    try:
        shop = install.installed(token.shop, token)
    except TryAgain as error:
        message = "Shopify did not answer while the app was being set up. Please reload this page."
        raise TurnedAway(_notice(request, 503, message)) from error
    except NeedsHuman as error:
        log.error("installation failed", extra={"shop": token.shop, "why": str(error), "code": error.code})
        message = f"The app can't be set up in this shop: {error}."
        raise TurnedAway(_notice(request, 502, message)) from error
    jobs.ring(jobs.publish)  # the theme shows the program as soon as the merchant looks
    return shop


def _page_token(given: list[str]) -> IdToken:
    if len(given) != 1:
        raise Refused("no_token")
    return staff_token(given[0], settings.SHOPIFY_API_KEY, _secrets())


def _to_token_page(request: HttpRequest) -> HttpResponse:
    """302 to the page that does nothing but let App Bridge fetch a token and come back."""
    query = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace")
    rest = [(name, value) for name, value in query if name != "id_token"]
    shop = request.GET.get("shop", "")
    if not is_shop_domain(shop):
        return _notice(request, 400, "Please open this app from the Shopify admin.")
    reload = request.path + (f"?{urlencode(rest)}" if rest else "")
    known = {"shop": shop, "shopify-reload": reload}
    host = request.GET.get("host", "")
    if HOST_SHAPE.fullmatch(host):
        known["host"] = host
    return HttpResponse(status=302, headers={"Location": f"{TOKEN_PAGE}?{urlencode(known)}"})


@require_safe
def token_page(request: HttpRequest) -> HttpResponse:
    """`/app/token`: App Bridge reads `shopify-reload` here, gets a fresh token and loads that path."""
    shop = request.GET.get("shop", "")
    if not is_shop_domain(shop) or not PANEL_PATH.fullmatch(request.GET.get("shopify-reload", "")):
        return _notice(request, 400, "Please open this app from the Shopify admin.")
    request.frame_shop = shop  # type: ignore[attr-defined]
    page = render(request, "doors/token.html", {"api_key": settings.SHOPIFY_API_KEY, "cdn": cdn_base()})
    page.headers["Cache-Control"] = "no-store, private"
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def _notice(request: HttpRequest, status: int, message: str) -> HttpResponse:
    context = {"message": message, "api_key": settings.SHOPIFY_API_KEY, "cdn": cdn_base()}
    return render(request, "doors/notice.html", context, status=status)


def cdn_base() -> str:
    """Where App Bridge and Polaris come from."""
    sandbox: str = settings.SHOPIFY_SANDBOX
    return f"{sandbox.rstrip('/')}/cdn" if sandbox else "https://cdn.shopify.com"


panel_page = _door(_enter_panel_page, methods=READ, page=True)


def _enter_panel_fetch(request: HttpRequest) -> Staff:
    try:
        token = _staff_token(request.META.get("HTTP_AUTHORIZATION", ""))
    except Refused as refused:
        log.info("panel fetch refused", extra={"why": refused.reason})
        raise TurnedAway(_retry()) from refused
    request.frame_shop = token.shop  # type: ignore[attr-defined]
    return Staff(_known_shop(token.shop), token.user_id)


def _retry() -> HttpResponse:
    """App Bridge answers this header by fetching a new token and asking once more."""
    headers = {"X-Shopify-Retry-Invalid-Session-Request": "1"}
    return json_error(401, "token", "The session has expired.", headers)


panel_fetch = _door(_enter_panel_fetch, methods=(*READ_WRITE, "PUT", "PATCH", "DELETE"))
admin_extension = _door(_enter_panel_fetch, cors=True)
pos_extension = _door(_enter_panel_fetch, cors=True)


# --- buyers' extensions


def _enter_buyer(request: HttpRequest) -> Visitor:
    try:
        token = buyer_token(
            _bearer(request.META.get("HTTP_AUTHORIZATION", "")), settings.SHOPIFY_API_KEY, _secrets()
        )
    except Refused as refused:
        log.info("buyer's extension refused", extra={"why": refused.reason})
        raise TurnedAway(json_error(401, "token", "The session has expired.")) from refused
    return _visitor(token.shop, token.customer_id)


customer_account_extension = _door(_enter_buyer, cors=True)
checkout_extension = _door(_enter_buyer, cors=True)


# --- Flow


def _enter_flow(request: HttpRequest) -> FlowCall:
    """Signed like a webhook. The shop is the one inside the signed body; headers aren't signed."""
    signature = request.META.get("HTTP_X_SHOPIFY_HMAC_SHA256", "")
    if not webhook_signature_ok(request.body, signature, _secrets()):
        raise TurnedAway(json_error(401, "signature", "Not signed by Shopify."))
    try:
        payload = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise TurnedAway(json_error(400, "json", "The body can't be read.")) from error
    domain = payload.get("shopify_domain") if isinstance(payload, dict) else None
    if not isinstance(domain, str):
        raise TurnedAway(json_error(400, "shop", "The body names no shop."))
    return FlowCall(_known_shop(domain), payload)


flow_action = _door(_enter_flow, methods=("POST",))


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("no_token")
    return token


def _staff_token(header: str) -> IdToken:
    return staff_token(_bearer(header), settings.SHOPIFY_API_KEY, _secrets())
