"""What every page of the admin starts from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, current_app, make_response, render_template, request
from markupsafe import Markup

from sandbox import discounts, gift_cards, money, totals
from sandbox.config import Config
from sandbox.model import Discount, GiftCard, Order, RedeemCode
from sandbox.storefront.visit import visit
from sandbox.subscriptions import AppConfig
from sandbox.world import ShopState, World

ROWS = 50


def world() -> World:
    found: World = current_app.extensions["world"]
    return found


def config() -> Config:
    found: Config = current_app.extensions["config"]
    return found


def app_config() -> AppConfig:
    found: AppConfig = current_app.extensions["app_config"]
    return found


def state() -> ShopState:
    return visit().state


def page(template: str, section: str, *, status: int = 200, problem: str = "", **values: Any) -> Response:
    with world().lock:
        body = render_template(
            f"admin/{template}.html",
            shop=state().shop,
            app_name=app_config().name,
            section=section,
            problem=problem,
            **values,
        )
    answer = make_response(body, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def paged(things: list[Any]) -> dict[str, Any]:
    """The rows of the page asked for, newest first."""
    pages = max(1, -(-len(things) // ROWS))
    asked = request.args.get("page", "1")
    number = min(max(1, int(asked) if asked.isdecimal() and len(asked) < 9 else 1), pages)
    rows = things[(number - 1) * ROWS : number * ROWS]
    return {"rows": rows, "number": number, "pages": pages, "count": len(things)}


# -- filters -------------------------------------------------------------------------------------------------


def moment(when: datetime) -> str:
    return f"{when:%d %b %Y, %H:%M} UTC"


def _tag(text: str, tone: str) -> Markup:
    return Markup('<span class="tag {}">{}</span>').format(tone, text)


def payment_tag(order: Order) -> Markup:
    if order.cancelled_at:
        return _tag("Cancelled", "bad")
    status = totals.financial_status(order)
    tone = "good" if status == "paid" else "bad" if status in ("refunded", "voided") else "wait"
    return _tag(status.replace("_", " ").capitalize(), tone)


def delivery_tag(order: Order) -> Markup:
    status = totals.fulfillment_status(order) or "not sent"
    return _tag({"fulfilled": "sent", "partial": "sent in part"}.get(status, status).capitalize(), "")


def discount_tag(discount: Discount) -> Markup:
    status = discounts.status(discount, world().now())
    limit = discount.usage_limit
    codes = state().codes_of(discount)
    if status == "ACTIVE" and limit and all(code.usage_count >= limit for code in codes):
        return _tag("Used", "")
    return _tag(status.capitalize(), "good" if status == "ACTIVE" else "wait")


def gift_card_tag(card: GiftCard) -> Markup:
    problem = gift_cards.problem(world(), state(), card)
    return _tag("Not usable", "bad") if problem else _tag("Usable", "good")


def takes_off(discount: Discount) -> str:
    if discount.kind == "free_shipping":
        return "Shipping"
    currency = state().shop.currency
    off = f"{money.to_text(discount.value_amount or 0, currency)} {currency}"
    if discount.value_percentage is not None:
        off = f"{float(discount.value_percentage) * 100:g} %"
    return f"{off} of {discount.gets_quantity} when others are bought" if discount.kind == "bxgy" else off


def codes_of(discount: Discount) -> list[RedeemCode]:
    return state().codes_of(discount)


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "payment_tag": payment_tag,
    "delivery_tag": delivery_tag,
    "discount_tag": discount_tag,
    "gift_card_tag": gift_card_tag,
    "takes_off": takes_off,
    "codes": codes_of,
    "current_total": totals.current_total,
}
