"""Which discounts apply to which goods, and how much they take off each line.

The rules are those of Shopify's checkout: https://help.shopify.com/en/manual/discounts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count, takewhile

from sandbox import money
from sandbox.model import Buys, Customer, Discount, Items, RedeemCode
from sandbox.world import ShopState


@dataclass(frozen=True)
class Goods:
    """A line of a cart or an order before discounts."""

    price: int
    quantity: int
    product_id: int | None = None
    variant_id: int | None = None
    gift_card: bool = False
    subscription: bool = False
    ships: bool = True

    @property
    def gross(self) -> int:
        return self.price * self.quantity


@dataclass(frozen=True)
class Basket:
    """What is to be bought, by whom, and where it goes; None where that isn't known yet."""

    lines: Sequence[Goods]
    customer: Customer | None = None
    ship_to: str | None = None  # a country
    shipping: int | None = None  # its price


@dataclass(frozen=True)
class Claim:
    """A discount, and the one of its codes that it is claimed with."""

    discount: Discount
    code: RedeemCode


@dataclass(frozen=True)
class Applicability:
    ok: bool
    reason: str = ""  # in words, for the shopper
    claim: Claim | None = None


def status(discount: Discount, now: datetime) -> str:
    if discount.ends_at is not None and discount.ends_at <= now:
        return "EXPIRED"
    return "SCHEDULED" if discount.starts_at > now else "ACTIVE"


def discount_class(discount: Discount) -> str:
    if discount.kind == "free_shipping":
        return "SHIPPING"
    return "ORDER" if discount.kind == "basic" and discount.items.are_all else "PRODUCT"


def claim_of(state: ShopState, code: str) -> Claim | None:
    found = state.redeem_code(code)
    return Claim(state.discounts[found.discount_id], found) if found else None


def entitled(state: ShopState, discount: Discount, line: Goods) -> bool:
    """Whether the discount is for this line; free shipping is for what is shipped."""
    is_bought_so = discount.subscription if line.subscription else discount.one_time
    if discount.kind == "free_shipping" and not line.ships:
        return False
    return is_bought_so and _covers(state, discount.items, line)


def _covers(state: ShopState, items: Items, line: Goods) -> bool:
    """Discount codes never lower the price of a gift card, nor does buying one count."""
    if line.gift_card:
        return False
    if items.are_all:
        return True
    in_collection = any(
        line.product_id in state.collections[collection_id].product_ids
        for collection_id in items.collection_ids or []
        if collection_id in state.collections
    )
    return (
        in_collection
        or line.product_id in (items.product_ids or [])
        or line.variant_id in (items.variant_ids or [])
    )


# -- may the code be used? -------------------------------------------------------------------------


def applicability(
    state: ShopState, code: str, basket: Basket, now: datetime, others: Sequence[Claim] = ()
) -> Applicability:
    """Can this code be used for this basket, beside the `others` that are used already?"""
    claim = claim_of(state, code)
    if claim is None:
        return Applicability(False, f"{code} isn't a valid discount code")
    reason = (
        _wrong_time(claim, now)
        or _used_up(claim, basket.customer)
        or _wrong_customer(claim, basket.customer)
        or _wrong_goods(state, claim, basket.lines)
        or _wrong_shipping(state, claim, basket)
        or _does_not_combine(claim, others)
    )
    return Applicability(reason is None, f"{claim.code.code} {reason}" if reason else "", claim)


def _wrong_time(claim: Claim, now: datetime) -> str | None:
    return {"EXPIRED": "has ended", "SCHEDULED": "can't be used yet"}.get(status(claim.discount, now))


def _used_up(claim: Claim, customer: Customer | None) -> str | None:
    """Both limits are of the single code, however many the discount has."""
    discount, code = claim.discount, claim.code
    if discount.usage_limit is not None and code.usage_count >= discount.usage_limit:
        return "has reached its usage limit"
    if discount.once_per_customer and customer is not None and customer.id in code.used_by:
        return "was already used by this customer"
    return None


def _wrong_customer(claim: Claim, customer: Customer | None) -> str | None:
    if claim.discount.customer_ids is None:
        return None
    if customer is None:
        return "belongs to a customer: sign in to use it"
    if customer.id not in claim.discount.customer_ids:
        return "isn't available to you"
    return None


def _wrong_goods(state: ShopState, claim: Claim, lines: Sequence[Goods]) -> str | None:
    discount, currency = claim.discount, state.shop.currency
    fitting = [line for line in lines if entitled(state, discount, line)]
    if not fitting:
        return _nothing_fits(state, discount, lines)
    if discount.kind == "bxgy":
        return _too_little_bought(state, discount, lines)
    minimum = discount.minimum_subtotal
    if minimum is not None and sum(line.gross for line in fitting) < minimum:
        return f"needs a subtotal of at least {money.to_text(minimum, currency)} {currency}"
    pieces = discount.minimum_quantity
    if pieces is not None and sum(line.quantity for line in fitting) < pieces:
        return f"needs at least {pieces} items"
    return None


def _nothing_fits(state: ShopState, discount: Discount, lines: Sequence[Goods]) -> str:
    if discount.kind == "bxgy":
        return "is for an item that isn't in your cart: add it first"
    by_kind = [line for line in lines if line.ships or discount.kind != "free_shipping"]
    if any(_covers(state, discount.items, line) for line in by_kind):
        return f"is for {'subscriptions' if discount.subscription else 'one-time purchases'} only"
    return "doesn't apply to the items in your cart"


def _too_little_bought(state: ShopState, discount: Discount, lines: Sequence[Goods]) -> str | None:
    if any(pieces_gotten(state, discount, lines)):
        return None
    buys = discount.buys or Buys(Items())
    bought = f"{buys.quantity} of the items to buy"
    if buys.amount is not None:
        currency = state.shop.currency
        bought = f"items to buy for {money.to_text(buys.amount, currency)} {currency}"
    return f"needs {bought} and {discount.gets_quantity} to get in your cart"


def _wrong_shipping(state: ShopState, claim: Claim, basket: Basket) -> str | None:
    discount, shop = claim.discount, state.shop
    if discount.kind != "free_shipping":
        return None
    if basket.ship_to is not None and not reaches(discount, basket.ship_to, shop.country):
        return f"isn't for shipping to {basket.ship_to}"
    limit = discount.maximum_shipping_price
    if limit is not None and basket.shipping is not None and basket.shipping > limit:
        return f"is for shipping up to {money.to_text(limit, shop.currency)} {shop.currency}"
    return None


def reaches(discount: Discount, country: str, home: str) -> bool:
    """The sandbox has one shipping zone, its own country; all others are the rest of the world."""
    if discount.countries is None or country in discount.countries:
        return True
    return discount.rest_of_world and country != home


def _does_not_combine(claim: Claim, others: Sequence[Claim]) -> str | None:
    for other in others:
        is_same = claim.discount.id == other.discount.id
        mutual = _combines(claim.discount, other.discount) and _combines(other.discount, claim.discount)
        if is_same or not mutual:
            return f"can't be combined with {other.code.code}"
    return None


def _combines(discount: Discount, other: Discount) -> bool:
    return {
        "ORDER": discount.combines_with_order,
        "PRODUCT": discount.combines_with_product,
        "SHIPPING": discount.combines_with_shipping,
    }[discount_class(other)]


# -- how much is it? -------------------------------------------------------------------------------


def amounts_off(
    state: ShopState, discount: Discount, lines: Sequence[Goods], left: Sequence[int]
) -> list[int]:
    """What a discount on goods takes off each line; `left` is what earlier discounts left of each."""
    if discount.kind == "bxgy":
        return _gotten_off(state, discount, lines)
    base = [rest if entitled(state, discount, line) else 0 for line, rest in zip(lines, left, strict=True)]
    if discount.value_percentage is not None:
        return percentage_off(Decimal(discount.value_percentage), base)
    amount = discount.value_amount or 0
    if discount.on_each_item:
        return [min(rest, amount * line.quantity) for line, rest in zip(lines, base, strict=True)]
    return fixed_off(amount, base)


def _gotten_off(state: ShopState, discount: Discount, lines: Sequence[Goods]) -> list[int]:
    pieces = pieces_gotten(state, discount, lines)
    worth = [line.price * number for line, number in zip(lines, pieces, strict=True)]
    if discount.value_percentage is not None:
        return percentage_off(Decimal(discount.value_percentage), worth)
    amount = discount.value_amount or 0
    return [min(line.price, amount) * number for line, number in zip(lines, pieces, strict=True)]


@dataclass(frozen=True)
class _Piece:
    line: int
    price: int
    counts: int  # towards what has to be bought: 1 or its price; 0: it is none of that
    can_be_got: bool


def pieces_gotten(state: ShopState, discount: Discount, lines: Sequence[Goods]) -> list[int]:
    """How many pieces of each line a "buy X, get Y" lowers: whole sets only, the cheapest pieces, and none
    that is needed as one of those bought.
    """
    buys = discount.buys
    if buys is None:
        return [0] * len(lines)
    pieces = [
        _piece(state, discount, index, line) for index, line in enumerate(lines) for _ in range(line.quantity)
    ]
    pieces.sort(key=lambda piece: piece.price)
    bought, needed = sum(piece.counts for piece in pieces), buys.amount or buys.quantity or 1
    sets = range(1, discount.uses_per_order + 1) if discount.uses_per_order else count(1)
    tries = (_cheapest(pieces, n * discount.gets_quantity, bought - n * needed) for n in sets)
    found = list(takewhile(bool, tries))
    gotten = found[-1] if found else []
    return [sum(piece.line == index for piece in gotten) for index in range(len(lines))]


def _piece(state: ShopState, discount: Discount, index: int, line: Goods) -> _Piece:
    buys = discount.buys
    is_bought_so = buys is not None and (buys.subscription if line.subscription else buys.one_time)
    counts = buys is not None and is_bought_so and _covers(state, buys.items, line)
    weight = line.price if buys is not None and buys.amount is not None else 1
    return _Piece(index, line.price, weight if counts else 0, entitled(state, discount, line))


def _cheapest(pieces: Sequence[_Piece], wanted: int, spare: int) -> list[_Piece]:
    """So many pieces to get, of which those that count as bought come to no more than `spare`; or none."""
    chosen: list[_Piece] = []
    if spare < 0:
        return []
    for piece in pieces:
        if piece.can_be_got and piece.counts <= spare and len(chosen) < wanted:
            chosen.append(piece)
            spare -= piece.counts
    return chosen if len(chosen) == wanted else []


def percentage_off(rate: Decimal, base: Sequence[int]) -> list[int]:
    """The share of the whole is rounded once and then split exactly."""
    return money.split(money.round_minor(sum(base) * rate), base)


def fixed_off(amount: int, base: Sequence[int]) -> list[int]:
    return money.split(min(amount, sum(base)), base)
