"""Which discounts apply to which goods, and how much they take off each line.

The rules are those of Shopify's checkout: https://help.shopify.com/en/manual/discounts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox import money
from sandbox.model import Customer, Discount
from sandbox.world import ShopState


@dataclass(frozen=True)
class Goods:
    """A line of a cart or an order before discounts."""

    price: int
    quantity: int
    product_id: int | None = None
    variant_id: int | None = None
    gift_card: bool = False

    @property
    def gross(self) -> int:
        return self.price * self.quantity


@dataclass(frozen=True)
class Applicability:
    ok: bool
    reason: str = ""  # in words, for the shopper
    discount: Discount | None = None


def status(discount: Discount, now: datetime) -> str:
    if discount.ends_at is not None and discount.ends_at <= now:
        return "EXPIRED"
    return "SCHEDULED" if discount.starts_at > now else "ACTIVE"


def discount_class(discount: Discount) -> str:
    if discount.kind == "free_shipping":
        return "SHIPPING"
    return "PRODUCT" if discount.has_item_scope else "ORDER"


def entitled(state: ShopState, discount: Discount, line: Goods) -> bool:
    """Discount codes never lower the price of a gift card."""
    if line.gift_card:
        return False
    if not discount.has_item_scope:
        return True
    in_collection = any(
        line.product_id in state.collections[collection_id].product_ids
        for collection_id in discount.collection_ids or []
        if collection_id in state.collections
    )
    return (
        in_collection
        or line.product_id in (discount.product_ids or [])
        or line.variant_id in (discount.variant_ids or [])
    )


def applicability(
    state: ShopState,
    code: str,
    lines: Sequence[Goods],
    customer: Customer | None,
    now: datetime,
    others: Sequence[Discount] = (),
) -> Applicability:
    """Can this code be used for these goods by this customer, beside the `others` already in the cart?"""
    discount = state.discount_by_code(code)
    if discount is None:
        return Applicability(False, f"{code} isn't a valid discount code")
    reason = (
        _wrong_time(discount, now)
        or _used_up(discount, customer)
        or _wrong_customer(discount, customer)
        or _wrong_goods(state, discount, lines)
        or _does_not_combine(discount, others)
    )
    return Applicability(reason is None, reason or "", discount)


def _wrong_time(discount: Discount, now: datetime) -> str | None:
    match status(discount, now):
        case "EXPIRED":
            return f"{discount.code} has ended"
        case "SCHEDULED":
            return f"{discount.code} can't be used yet"
    return None


def _used_up(discount: Discount, customer: Customer | None) -> str | None:
    if discount.usage_limit is not None and discount.usage_count >= discount.usage_limit:
        return f"{discount.code} has reached its usage limit"
    if discount.once_per_customer and customer is not None and customer.id in discount.used_by:
        return f"{discount.code} was already used by this customer"
    return None


def _wrong_customer(discount: Discount, customer: Customer | None) -> str | None:
    if discount.customer_ids is None:
        return None
    if customer is None:
        return f"{discount.code} belongs to a customer: sign in to use it"
    if customer.id not in discount.customer_ids:
        return f"{discount.code} isn't available to you"
    return None


def _wrong_goods(state: ShopState, discount: Discount, lines: Sequence[Goods]) -> str | None:
    fitting = [line for line in lines if entitled(state, discount, line)]
    if not fitting:
        return f"{discount.code} doesn't apply to the items in your cart"
    minimum = discount.minimum_subtotal
    if minimum is not None and sum(line.gross for line in fitting) < minimum:
        text = money.to_text(minimum, state.shop.currency)
        return f"{discount.code} needs a subtotal of at least {text} {state.shop.currency}"
    pieces = discount.minimum_quantity
    if pieces is not None and sum(line.quantity for line in fitting) < pieces:
        return f"{discount.code} needs at least {pieces} items"
    return None


def _does_not_combine(discount: Discount, others: Sequence[Discount]) -> str | None:
    for other in others:
        if not (_combines_with(discount, other) and _combines_with(other, discount)):
            return f"{discount.code} can't be combined with {other.code}"
    return None


def _combines_with(discount: Discount, other: Discount) -> bool:
    return {
        "ORDER": discount.combines_with_order,
        "PRODUCT": discount.combines_with_product,
        "SHIPPING": discount.combines_with_shipping,
    }[discount_class(other)]


def amounts_off(
    state: ShopState, discount: Discount, lines: Sequence[Goods], left: Sequence[int]
) -> list[int]:
    """What a basic discount takes off each line; `left` is what earlier discounts left of each."""
    base = [rest if entitled(state, discount, line) else 0 for line, rest in zip(lines, left, strict=True)]
    if discount.value_percentage is not None:
        return percentage_off(Decimal(discount.value_percentage), base)
    amount = discount.value_amount or 0
    if discount.on_each_item:
        return [min(rest, amount * line.quantity) for line, rest in zip(lines, base, strict=True)]
    return fixed_off(amount, base)


def percentage_off(rate: Decimal, base: Sequence[int]) -> list[int]:
    """The share of the whole is rounded once and then split exactly."""
    return money.split(money.round_minor(sum(base) * rate), base)


def fixed_off(amount: int, base: Sequence[int]) -> list[int]:
    return money.split(min(amount, sum(base)), base)
