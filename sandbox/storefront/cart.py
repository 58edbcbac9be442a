"""The cart page and the AJAX cart API, which apps and themes call from the browser.

https://shopify.dev/docs/api/ajax/reference/cart
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import commerce
from sandbox.commerce import line_key
from sandbox.model import SELLING_PLAN_ID, SELLING_PLAN_NAME, CartLine, Variant
from sandbox.storefront.prices import liquid_cents
from sandbox.storefront.rendering import cart_totals, page, picture_filter
from sandbox.storefront.sums import sums_of_cart
from sandbox.storefront.visit import Visit, visit

cart = Blueprint("cart", __name__)

MOST_PIECES = 99


@cart.get("/cart")
def show() -> Response:
    here = visit()
    with here.world.lock:
        totals = cart_totals(here)
        sums = sums_of_cart(here.state, totals, with_shipping=False)
    return page("cart", "cart", totals=totals, sums=sums, codes=here.codes)


# -- forms, which work without JavaScript --------------------------------------------------------------------


@cart.post("/cart/add")
def add_by_form() -> AnyResponse:
    _add(visit(), request.form)
    return redirect("/cart", 303)


@cart.post("/cart/change")
def change_by_form() -> AnyResponse:
    quantity = "0" if "remove" in request.form else request.form.get("quantity", "1")
    _set(visit(), request.form.get("id"), quantity)
    return redirect("/cart", 303)


@cart.post("/cart/discount")
def discount_by_form() -> AnyResponse:
    set_codes(visit(), [request.form.get("code", "")])
    return redirect("/cart", 303)


@cart.get("/discount/<code>")
def shareable_code(code: str) -> AnyResponse:
    """Keeps the code for the cart, whatever is in it now, and goes where the link says within the shop."""
    set_codes(visit(), [code])
    return redirect(safe_path(request.args.get("redirect", "/")), 302)


def safe_path(path: str) -> str:
    """Only a path of this shop: not `//elsewhere`, and no backslash, which browsers read as a slash."""
    is_safe = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_safe else "/"


# -- AJAX ----------------------------------------------------------------------------------------------------


@cart.get("/cart.js")
@cart.get("/cart.json")
def as_json() -> Response:
    return _cart_answer(visit())


@cart.post("/cart/add.js")
@cart.post("/cart/add.json")
def add_by_script() -> tuple[Response, int] | Response:
    here = visit()
    given = _given()
    items = given.get("items") or [given]
    for item in items:
        variant = here.state.variants.get(_variant_id(item.get("id")))
        if variant is None:
            return _refused("Cart Error", f"Cannot find variant {item.get('id')}", 404)
        if not _plan_fits(here, variant, item.get("selling_plan")):
            return _refused("Cart Error", "Cannot apply selling plan to variant.", 422)
    for item in items:
        _add(here, item)
    with here.world.lock:
        lines = {line["key"]: line for line in _cart_json(here)["items"]}
    added = [lines[line_key(_variant_id(item.get("id")), bool(item.get("selling_plan")))] for item in items]
    return jsonify({"items": added} if "items" in given else added[0])


@cart.post("/cart/change.js")
@cart.post("/cart/change.json")
def change_by_script() -> tuple[Response, int] | Response:
    """A line is named by its place (`line`, from 1), its key, or its variant (`id`)."""
    here = visit()
    given = _given()
    lines = here.session.cart if here.session else []
    place = _variant_id(given.get("line"))
    wanted = [line for line in lines if _is_named(line, given.get("id"))][:1]
    if place:
        wanted = lines[place - 1 : place]
    if not wanted:
        return _refused("Cart Error", "no valid id or line parameter", 400)
    _set(here, line_key(wanted[0].variant_id, wanted[0].subscription), given.get("quantity", 1))
    return _cart_answer(here)


@cart.post("/cart/update.js")
@cart.post("/cart/update.json")
def update_by_script() -> Response:
    """`updates` sets quantities by variant or key; `discount` replaces all codes, with commas between.
    https://shopify.dev/changelog/cart-ajax-api-discounts-support-on-cartupdatejs
    """
    here = visit()
    given = _given()
    updates = given.get("updates") or {}
    for variant_id, quantity in updates.items() if isinstance(updates, dict) else []:
        _set(here, variant_id, quantity)
    if "discount" in given:
        set_codes(here, str(given["discount"] or "").split(","))
    return _cart_answer(here)


@cart.post("/cart/clear.js")
def clear_by_script() -> Response:
    here = visit()
    session = here.known_session()
    with here.world.change():
        session.cart = []
        here.world.save(here.state, session)
    return _cart_answer(here)


def _given() -> dict[str, Any]:
    if request.is_json:
        body = request.get_json(silent=True)
        return body if isinstance(body, dict) else {}
    fields: dict[str, Any] = request.form.to_dict()
    updates = {
        name[len("updates[") : -1]: value for name, value in fields.items() if name.startswith("updates[")
    }
    return {**fields, "updates": updates}


def _refused(message: str, description: str, status: int) -> tuple[Response, int]:
    return jsonify(status=status, message=message, description=description), status


# -- doing ---------------------------------------------------------------------------------------------------


def _variant_id(given: Any) -> int:
    text = str(given or "").split(":")[0]  # line keys are "variant:hash"
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _pieces(given: Any) -> int:
    text = str(given)
    return min(int(text), MOST_PIECES) if text.isdecimal() and len(text) < 6 else 1


def _is_subscription(key: Any) -> bool:
    return str(key).endswith(f":{SELLING_PLAN_ID}")


def _is_named(line: CartLine, name: Any) -> bool:
    """By its key, or by its variant alone."""
    if _variant_id(name) != line.variant_id:
        return False
    return ":" not in str(name) or _is_subscription(name) == line.subscription


def _plan_fits(here: Visit, variant: Variant, plan: Any) -> bool:
    return not plan or (str(plan) == str(SELLING_PLAN_ID) and commerce.can_subscribe(here.state, variant))


def _add(here: Visit, item: Mapping[str, Any]) -> None:
    """`id`, and if wanted `quantity` and `selling_plan`."""
    session = here.known_session()
    variant = here.state.variants.get(_variant_id(item.get("id")))
    if variant is None or not _plan_fits(here, variant, item.get("selling_plan")):
        return
    key = line_key(variant.id, bool(item.get("selling_plan")))
    present = next((line.quantity for line in session.cart if _is_named(line, key)), 0)
    _set(here, key, present + _pieces(item.get("quantity", 1)))


def _set(here: Visit, key: Any, quantity: Any) -> None:
    session = here.known_session()
    pieces, is_subscription = _pieces(quantity), _is_subscription(key)
    with here.world.change():
        commerce.set_quantity(here.world, here.state, session, _variant_id(key), pieces, is_subscription)


def set_codes(here: Visit, codes: list[str]) -> None:
    """A code that doesn't apply is kept too and shown as such: it may apply when the cart has changed."""
    session = here.known_session()
    wanted = dict.fromkeys(code.strip()[:255] for code in codes if code.strip())
    with here.world.change():
        session.codes = list(wanted)
        here.world.save(here.state, session)


# -- showing -------------------------------------------------------------------------------------------------


def _cart_answer(here: Visit) -> Response:
    with here.world.lock:
        answer = jsonify(_cart_json(here))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _cart_json(here: Visit) -> dict[str, Any]:
    totals = cart_totals(here)

    def cents(minor: int) -> int:
        return liquid_cents(minor, here.state.shop.currency)

    applications = [
        {
            "type": "discount_code",
            "title": use.code,
            "total_allocated_amount": cents(use.amount),
            "target_type": "shipping_line" if use.on_shipping else "line_item",
        }
        for use in totals.applied
    ]
    accepted = {use.code.upper() for use in totals.applied}
    return {
        "token": here.session.token if here.session else "",
        "note": None,
        "attributes": {},
        "currency": here.state.shop.currency,
        "item_count": totals.pieces,
        "items": [_line_json(line, cents) for line in totals.lines],
        "items_subtotal_price": cents(totals.subtotal),
        "original_total_price": cents(sum(line.gross for line in totals.lines)),
        "total_discount": cents(totals.line_discount),
        "total_price": cents(totals.subtotal),
        "total_weight": 0,
        "requires_shipping": any(line.variant.requires_shipping for line in totals.lines),
        "cart_level_discount_applications": applications,
        "discount_codes": [{"code": code, "applicable": code.upper() in accepted} for code in here.codes],
    }


def _line_json(line: commerce.PricedLine, cents: Any) -> dict[str, Any]:
    title = line.product.title
    return {
        "id": line.variant.id,
        "key": line.key,
        "variant_id": line.variant.id,
        "product_id": line.product.id,
        "title": f"{title} - {line.variant.title}",
        "product_title": title,
        "variant_title": line.variant.title,
        "quantity": line.quantity,
        "price": cents(line.variant.price),
        "original_line_price": cents(line.gross),
        "final_line_price": cents(line.net),
        "total_discount": cents(line.discount),
        "sku": line.variant.sku,
        "vendor": line.product.vendor,
        "taxable": line.variant.taxable,
        "gift_card": line.product.gift_card,
        "handle": line.product.handle,
        "url": f"/products/{line.product.handle}?variant={line.variant.id}",
        "image": picture_filter(line.product),
        "properties": {},
        **(
            {"selling_plan_allocation": {"selling_plan": {"id": SELLING_PLAN_ID, "name": SELLING_PLAN_NAME}}}
            if line.subscription
            else {}
        ),
    }
