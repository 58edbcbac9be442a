"""Orders of a till that gave discounts on single lines, which the Admin API's orderCreate can't express.

Used by `POST /sandbox/orders`. What comes of it is an order like a checkout's, with the same webhooks.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox import money, orders, totals
from sandbox.model import Allocation, DiscountApplication, LineItem, Order
from sandbox.orders import Draft
from sandbox.world import ShopState, World

FIELDS = {"customer", "processed_at", "lines", "source", "paid", "presentment"}
SOURCES = ("pos", "web", "shopify_draft_order")
LINE_FIELDS = {"title", "price", "quantity", "discounts", "variant", "subscription"}


class BadBasket(ValueError):
    """The message says what is wrong with the request."""


def sell(world: World, state: ShopState, given: dict[str, Any]) -> Order:
    """`{"customer"?, "processed_at"?, "lines": [{"title", "price", "quantity"?, "discounts"?: ["0.50"]}]}`.

    Each discount is an amount that is taken off its line; the order is paid in full, unless `paid` is false.
    With `variant` a line is one of a product in the shop, though its title and price are those of the till.
    `source`: a till, a checkout, or a draft order that was completed. `presentment`: what the buyer saw.
    """
    _only(given, FIELDS)
    shown = given.get("presentment")
    order = orders.create(world, state, _draft(world, state, given))
    if shown:
        order.presentment_currency, order.presentment_rate = shown["currency"], str(Decimal(shown["rate"]))
    if totals.total(order) and given.get("paid", True):
        orders.pay(world, state, order, totals.total(order), processed_at=order.processed_at)
    orders.announce(world, state, order)
    return order


def _draft(world: World, state: ShopState, given: dict[str, Any]) -> Draft:
    customer_id = given.get("customer")
    if customer_id is not None and customer_id not in state.customers:
        raise BadBasket("there is no such customer")
    lines, applications = [], []
    for wanted in given.get("lines") or []:
        line = _line(world, state, wanted)
        for amount in wanted.get("discounts") or []:
            line.allocations.append(_allocation(line, amount, len(applications), state.shop.currency))
            applications.append(_application(amount))
        lines.append(line)
    if not lines:
        raise BadBasket("a basket has at least one line")
    return Draft(
        lines=lines,
        currency=state.shop.currency,
        discount_applications=applications,
        customer_id=customer_id,
        taxes_included=state.shop.taxes_included,
        processed_at=_moment(given.get("processed_at")),
        source_name=_source(given.get("source", "pos")),
    )


def _source(name: str) -> str:
    if name not in SOURCES:
        raise BadBasket(f"source is one of {', '.join(SOURCES)}")
    return name


def _line(world: World, state: ShopState, wanted: dict[str, Any]) -> LineItem:
    _only(wanted, LINE_FIELDS)
    quantity = wanted.get("quantity", 1)
    price = money.to_minor(wanted["price"], state.shop.currency)
    if not isinstance(quantity, int) or quantity < 1 or price < 0:
        raise BadBasket("quantity is at least 1, price at least 0")
    line = LineItem(world.new_id(), wanted["title"], quantity, quantity, price)
    line.subscription = wanted.get("subscription") is True
    if "variant" in wanted:
        _name_product(state, line, wanted["variant"])
    return line


def _name_product(state: ShopState, line: LineItem, variant_id: Any) -> None:
    variant = state.variants.get(variant_id) if isinstance(variant_id, int) else None
    if variant is None:
        raise BadBasket("there is no such variant")
    line.product_id, line.variant_id, line.sku = variant.product_id, variant.id, variant.sku
    line.vendor = state.products[variant.product_id].vendor


def _allocation(line: LineItem, amount: str, application: int, currency: str) -> Allocation:
    minor = money.to_minor(amount, currency)
    if minor <= 0 or line.discount + minor > line.gross:
        raise BadBasket("a discount is above 0, and all of a line's together at most its price")
    return Allocation(minor, application)


def _application(amount: str) -> DiscountApplication:
    return DiscountApplication(
        "manual", "Discount", amount, "fixed_amount", "across", "explicit", "line_item"
    )


def _moment(given: str | None) -> datetime | None:
    moment = datetime.fromisoformat(given) if given else None
    if moment is not None and moment.tzinfo is None:
        raise BadBasket("processed_at needs a time zone")
    return moment


def _only(given: dict[str, Any], known: set[str]) -> None:
    if unknown := set(given) - known:
        raise BadBasket(f"unknown: {', '.join(sorted(unknown))}")
