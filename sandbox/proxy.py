"""The app proxy: any method on /apps/loyalty/* goes, signed, to the app's /storefront/*.

https://shopify.dev/docs/apps/build/online-store/app-proxies
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

import requests
from flask import Blueprint, Response, abort, current_app, request
from markupsafe import Markup

from sandbox.storefront.extension import PageApps, global_objects
from sandbox.storefront.rendering import page
from sandbox.storefront.visit import Visit, visit
from sandbox.subscriptions import AppConfig

blueprint = Blueprint("proxy", __name__)

PATH_PREFIX = "/apps/loyalty"
SECONDS = 10
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Cookies never cross the proxy in either direction; the rest concerns one connection only.
_NOT_SENT = {"cookie", "host", "content-length", "connection", "transfer-encoding", "accept-encoding"}
_NOT_RETURNED = {
    "set-cookie", "content-length", "content-encoding", "connection", "transfer-encoding", "server", "date",
}  # fmt: skip


def signature(pairs: Iterable[tuple[str, str]], secret: str) -> str:
    """Values of one name joined by commas, `name=value` texts sorted and glued, HMAC-SHA256 in hex.
    https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    message = "".join(sorted(f"{name}={','.join(found)}" for name, found in values.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signed_query(raw_query: str, here: Visit) -> str:
    """The visitor's own query as it came, then what Shopify adds.

    Nothing that the visitor sent is taken out: whether Shopify does so is not documented, so the app has to
    stand repeated names.
    """
    customer = here.customer
    added = [
        ("shop", here.state.domain),
        ("logged_in_customer_id", str(customer.id) if customer else ""),
        ("path_prefix", PATH_PREFIX),
        ("timestamp", str(int(time.time()))),
    ]
    pairs = [*parse_qsl(raw_query, keep_blank_values=True), *added]
    added.append(("signature", signature(pairs, here.config.client_secret)))
    return "&".join(filter(None, [raw_query, urlencode(added)]))


@blueprint.route(PATH_PREFIX, methods=METHODS, defaults={"rest": ""})
@blueprint.route(PATH_PREFIX + "/<path:rest>", methods=METHODS)
def forward(rest: str) -> Response:
    here = visit()
    # A path that climbs would leave what the app has registered.
    if not here.state.installation.installed or ".." in rest.split("/"):
        abort(404)
    query = signed_query(request.query_string.decode("latin-1"), here)
    address = f"{here.config.app_url}{_app_config().proxy_path}/{rest}?{query}"
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_SENT}
    headers["X-Forwarded-Host"] = here.state.domain
    headers["X-Forwarded-For"] = request.remote_addr or ""
    try:
        answer = requests.request(
            request.method, address, headers=headers, data=request.get_data(), timeout=SECONDS
        )
    except requests.Timeout:
        return Response("The app did not answer in time.", 504, mimetype="text/plain")
    except requests.RequestException:
        return Response("The app could not be reached.", 502, mimetype="text/plain")
    return _returned(here, answer)


def _app_config() -> AppConfig:
    found: AppConfig = current_app.extensions["app_config"]
    return found


def _returned(here: Visit, answer: requests.Response) -> Response:
    if answer.headers.get("Content-Type", "").startswith("application/liquid"):
        return _in_theme(here, answer)
    response = Response(answer.content, answer.status_code)
    # The app's type, or none: the framework's default would invent one.
    response.headers.pop("Content-Type")
    for name, value in answer.headers.items():
        if name.lower() not in _NOT_RETURNED:
            response.headers[name] = value
    return response


def _in_theme(here: Visit, answer: requests.Response) -> Response:
    with here.world.lock:
        apps = PageApps(here, "page", global_objects(here, "page", request.path, {}))
        inner = apps.render_text(answer.text)
    return page("page", "page", status=answer.status_code, title=here.state.shop.name, inner=Markup(inner))
