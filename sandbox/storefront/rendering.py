"""One way to make a page: the theme's template with the shop's data and the app's parts in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, make_response, render_template, request
from markupsafe import Markup

from sandbox import commerce
from sandbox.model import LineItem, Order, Product
from sandbox.storefront import drops, translations
from sandbox.storefront.extension import Extension, PageApps, global_objects
from sandbox.storefront.prices import shown
from sandbox.storefront.sums import sums_of_order
from sandbox.storefront.visit import Visit, visit

_TEXTS = Path(__file__).parent / "texts"
_LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "ar": "العربية", "fr": "Français", "es": "Español"}


@cache
def _texts(locale: str) -> dict[str, str]:
    path = _TEXTS / f"{locale}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def page(
    template: str,
    page_type: str,
    *,
    status: int = 200,
    objects: dict[str, Any] | None = None,
    **values: Any,
) -> Response:
    """`page_type` is Shopify's name of the template; `objects` are further objects for Liquid."""
    here = visit()
    with here.world.lock:
        totals = cart_totals(here)
        everything = {"cart": drops.cart(here.state, totals), **(objects or {})}
        apps = PageApps(here, page_type, global_objects(here, page_type, request.path, everything))
        body = render_template(
            f"store/{template}.html",
            **theme_values(here),
            **_app_parts(here, apps),
            cart_count=totals.pieces,
            **values,
        )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def cart_totals(here: Visit, with_shipping: bool = False) -> commerce.Totals:
    lines = here.session.cart if here.session else []
    ship_to = here.session.country if here.session else None
    return commerce.price_cart(
        here.world, here.state, lines, here.customer, here.codes, with_shipping, ship_to
    )


def theme_values(here: Visit) -> dict[str, Any]:
    """What every template of the theme needs."""
    texts = _texts(here.locale)
    return {
        "shop": here.state.shop,
        "collections": list(here.state.collections.values()),
        "customer": here.customer,
        "locale": here.locale,
        "text_direction": here.direction,
        "languages": [(code, _LANGUAGE_NAMES.get(code, code)) for code in _languages(here)],
        "_": lambda text: texts.get(text, text),
    }


def _app_parts(here: Visit, apps: PageApps) -> dict[str, Any]:
    return {
        "app_head": lambda: Markup(_page_globals(here) + apps.head()),
        "app_embeds": lambda: Markup(apps.body_embeds()),
        "app_blocks": lambda: Markup(apps.section_blocks()),
    }


def _languages(here: Visit) -> list[str]:
    folder = here.config.extension
    spoken = translations.available(Extension(folder).folder / "locales") if folder else []
    return spoken or ["en"]


def _page_globals(here: Visit) -> str:
    """What Shopify's own script defines on every page and apps rely on."""
    values = {
        "shop": here.state.domain,
        "locale": here.locale,
        "currency": {"active": here.state.shop.currency, "rate": "1.0"},
        "routes": {"root": "/"},
    }
    text = json.dumps(values).replace("<", "\\u003c")
    return f"<script>window.Shopify = Object.assign(window.Shopify || {{}}, {text});</script>\n"


# -- filters of the theme ------------------------------------------------------------------------------------


def money_filter(minor: int) -> str:
    text = shown(minor, visit().state.shop.currency)
    # Isolated, so that the sign keeps its side of the number among words that run from right to left.
    return f"\u2066{text}\u2069" if visit().direction == "rtl" else text


def picture_filter(product: Product) -> str:
    return f"/cdn/shop/products/{product.handle}.svg"


def line_picture_filter(line: LineItem) -> str:
    """Lines made through the API may name no product."""
    product = visit().state.products.get(line.product_id or 0)
    return picture_filter(product) if product else "/cdn/shop/products/-.svg"


def day_filter(moment: datetime) -> str:
    return f"{moment:%d %b %Y}"


def status_filter(order: Order) -> str:
    """In the shopper's words."""
    if order.cancelled_at:
        return "Cancelled"
    if order.refunds:
        return "Refunded" if all(line.current_quantity == 0 for line in order.lines) else "Partly refunded"
    if order.fulfillments:
        return "Sent"
    paid = any(t.kind in ("sale", "capture") and t.status == "success" for t in order.transactions)
    return "Paid" if paid else "Awaiting payment"


def total_filter(order: Order) -> int:
    return sums_of_order(visit().state, order).total


FILTERS: dict[str, Callable[..., Any]] = {
    "total": total_filter,
    "money": money_filter,
    "picture": picture_filter,
    "line_picture": line_picture_filter,
    "day": day_filter,
    "status_text": status_filter,
}
