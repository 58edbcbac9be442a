"""The lines under a cart or an order: subtotal, discounts, shipping, tax, total."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.commerce import Totals
from sandbox.model import Order
from sandbox.world import ShopState


@dataclass(frozen=True)
class Sums:
    gross: int
    discounts: list[tuple[str, int]]
    shipping: int | None  # None: not known yet
    shipping_title: str
    tax: int
    tax_title: str
    tax_included: bool
    total: int


def sums_of_cart(state: ShopState, totals: Totals, with_shipping: bool) -> Sums:
    """Before checkout neither shipping nor tax is shown, as in most shops."""
    shop = state.shop
    on_goods = [(use.code, use.amount) for use in totals.applied if not use.on_shipping]
    on_shipping = [(use.code, use.amount) for use in totals.applied if use.on_shipping]
    return Sums(
        gross=sum(line.gross for line in totals.lines),
        discounts=on_goods + (on_shipping if with_shipping else []),
        shipping=totals.shipping if with_shipping else None,
        shipping_title=shop.shipping_title,
        tax=totals.tax if with_shipping else 0,
        tax_title=shop.tax_title,
        tax_included=totals.taxes_included,
        total=totals.total if with_shipping else totals.subtotal,
    )


def sums_of_order(state: ShopState, order: Order) -> Sums:
    shipping = sum(line.price for line in order.shipping_lines)
    off = sum(line.discount for line in order.lines) + sum(line.discount for line in order.shipping_lines)
    named = [(use.code, use.amount) for use in order.discount_codes]
    unnamed = off - sum(amount for _, amount in named)
    tax = sum(line.tax for line in order.lines) + sum(line.tax for line in order.shipping_lines)
    gross = sum(line.gross for line in order.lines)
    return Sums(
        gross=gross,
        discounts=named + ([("", unnamed)] if unnamed > 0 else []),
        shipping=shipping if order.shipping_lines else None,
        shipping_title=order.shipping_lines[0].title if order.shipping_lines else state.shop.shipping_title,
        tax=tax,
        tax_title=state.shop.tax_title,
        tax_included=order.taxes_included,
        total=gross - off + shipping + (0 if order.taxes_included else tax),
    )
