"""What a shopper does: the seam between the engine and the pages of storefront, cart, checkout and account.

Call these inside `with world.change():`. Amounts are integers of minor units; `money.to_text` prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox import discounts, money, orders
from sandbox.discounts import Applicability, Goods
from sandbox.model import (
    CartLine,
    Customer,
    Discount,
    LineItem,
    Order,
    Product,
    Session,
    ShippingLine,
    TaxLine,
    Variant,
)
from sandbox.orders import CodeOff, Draft
from sandbox.world import ShopState, World


@dataclass(frozen=True)
class PricedLine:
    product: Product
    variant: Variant
    quantity: int
    gross: int  # price x quantity
    discount: int
    tax: int  # contained in the price where the shop's prices include tax

    @property
    def net(self) -> int:
        return self.gross - self.discount


@dataclass(frozen=True)
class AppliedCode:
    code: str
    title: str
    amount: int
    on_lines: tuple[int, ...]  # per line of the cart; all zero for free shipping


@dataclass(frozen=True)
class Totals:
    currency: str
    lines: list[PricedLine]
    applied: list[AppliedCode] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # code -> reason in words
    shipping: int = 0  # before discounts
    shipping_discount: int = 0
    shipping_tax: int = 0
    taxes_included: bool = False

    @property
    def line_discount(self) -> int:
        return sum(line.discount for line in self.lines)

    @property
    def subtotal(self) -> int:
        """Goods after discounts, before shipping."""
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines) + self.shipping_tax

    @property
    def total(self) -> int:
        return (
            self.subtotal + self.shipping - self.shipping_discount + (0 if self.taxes_included else self.tax)
        )

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)


# -- who is there ----------------------------------------------------------------------------------


def sign_in(world: World, state: ShopState, session: Session, customer_id: int) -> Customer | None:
    """None: there is no such customer."""
    customer = state.customers.get(customer_id)
    if customer is not None:
        session.customer_id = customer.id
        world.save(state, session)
    return customer


def sign_out(world: World, state: ShopState, session: Session) -> None:
    session.customer_id = None
    world.save(state, session)


def customer_of(state: ShopState, session: Session | None) -> Customer | None:
    """A merged customer's session goes on as the survivor."""
    if session is None or session.customer_id is None:
        return None
    return state.customers.get(session.customer_id)


# -- the cart --------------------------------------------------------------------------------------


def set_quantity(world: World, state: ShopState, session: Session, variant_id: int, quantity: int) -> None:
    """Zero takes the line out; an unknown variant is ignored."""
    rest = [line for line in session.cart if line.variant_id != variant_id]
    if quantity > 0 and variant_id in state.variants:
        known = [line.variant_id for line in session.cart]
        position = known.index(variant_id) if variant_id in known else len(rest)
        rest.insert(position, CartLine(variant_id, quantity))
    session.cart = rest
    world.save(state, session)


def add_to_cart(world: World, state: ShopState, session: Session, variant_id: int, quantity: int = 1) -> None:
    present = sum(line.quantity for line in session.cart if line.variant_id == variant_id)
    set_quantity(world, state, session, variant_id, present + quantity)


def add_code(world: World, state: ShopState, session: Session, code: str) -> Applicability:
    """Puts the code into the cart when it applies; otherwise says why not."""
    totals_codes = [known for known in session.codes if known.upper() != code.strip().upper()]
    answer = applicability(world, state, code, session.cart, customer_of(state, session), totals_codes)
    if answer.ok and answer.discount is not None:
        session.codes = [*totals_codes, answer.discount.code]
        world.save(state, session)
    return answer


def remove_code(world: World, state: ShopState, session: Session, code: str) -> None:
    session.codes = [known for known in session.codes if known.upper() != code.strip().upper()]
    world.save(state, session)


def applicability(
    world: World,
    state: ShopState,
    code: str,
    cart: Sequence[CartLine],
    customer: Customer | None,
    other_codes: Sequence[str] = (),
) -> Applicability:
    others = [found for other in other_codes if (found := state.discount_by_code(other)) is not None]
    return discounts.applicability(state, code, _goods(state, cart), customer, world.now(), others)


def price_cart(
    world: World,
    state: ShopState,
    cart: Sequence[CartLine],
    customer: Customer | None = None,
    codes: Sequence[str] = (),
    with_shipping: bool = False,
) -> Totals:
    """The cart with every code that applies; those that don't are in `refused` with the reason."""
    cart = [line for line in cart if line.variant_id in state.variants]
    goods = _goods(state, cart)
    accepted: list[Discount] = []
    refused: dict[str, str] = {}
    for code in codes:
        answer = discounts.applicability(state, code, goods, customer, world.now(), accepted)
        if answer.ok and answer.discount is not None:
            accepted.append(answer.discount)
        else:
            refused[code] = answer.reason
    shipping = _shipping(state, cart) if with_shipping else 0
    applied = _apply(state, accepted, goods, shipping)
    shipping_off = sum(use.amount for use in applied if not any(use.on_lines))
    return Totals(
        currency=state.shop.currency,
        lines=_priced_lines(state, cart, applied, customer),
        applied=applied,
        refused=refused,
        shipping=shipping,
        shipping_discount=min(shipping, shipping_off),
        taxes_included=state.shop.taxes_included,
    )


def _goods(state: ShopState, cart: Sequence[CartLine]) -> list[Goods]:
    found = [(state.variants[line.variant_id], line) for line in cart if line.variant_id in state.variants]
    return [
        Goods(v.price, line.quantity, v.product_id, v.id, state.products[v.product_id].gift_card)
        for v, line in found
    ]


def _shipping(state: ShopState, cart: Sequence[CartLine]) -> int:
    needs = any(state.variants[line.variant_id].requires_shipping for line in cart)
    return state.shop.shipping_price if needs else 0


def _apply(
    state: ShopState, accepted: Sequence[Discount], goods: Sequence[Goods], shipping: int
) -> list[AppliedCode]:
    """Product discounts come before order discounts, as in Shopify's checkout."""
    order_of_classes = ["PRODUCT", "ORDER", "SHIPPING"]
    left = [line.gross for line in goods]
    applied = []
    for discount in sorted(accepted, key=lambda d: order_of_classes.index(discounts.discount_class(d))):
        if discount.kind == "free_shipping":
            limit = discount.maximum_shipping_price
            off = shipping if limit is None or shipping <= limit else 0
            applied.append(AppliedCode(discount.code, discount.title, off, tuple(0 for _ in goods)))
            continue
        amounts = discounts.amounts_off(state, discount, goods, left)
        left = [rest - amount for rest, amount in zip(left, amounts, strict=True)]
        applied.append(AppliedCode(discount.code, discount.title, sum(amounts), tuple(amounts)))
    return applied


def _priced_lines(
    state: ShopState, cart: Sequence[CartLine], applied: Sequence[AppliedCode], customer: Customer | None
) -> list[PricedLine]:
    priced = []
    for index, line in enumerate(cart):
        variant = state.variants[line.variant_id]
        product = state.products[variant.product_id]
        gross = variant.price * line.quantity
        off = sum(use.on_lines[index] for use in applied)
        taxable = variant.taxable and not product.gift_card and not (customer and customer.tax_exempt)
        tax = tax_on(state, gross - off) if taxable else 0
        priced.append(PricedLine(product, variant, line.quantity, gross, off, tax))
    return priced


def tax_on(state: ShopState, amount: int) -> int:
    return orders.tax_of(amount, state.shop.tax_rate, state.shop.taxes_included)


# -- checkout and orders ---------------------------------------------------------------------------


class CheckoutRefused(Exception):
    """The message is for the shopper."""


def checkout(world: World, state: ShopState, session: Session, email: str | None = None) -> Order:
    """Pays for the cart: makes a paid order, counts the codes as used, empties the cart, sends the webhooks.

    A code that no longer applies refuses the checkout with its reason, so that nobody pays more than shown.
    """
    customer = customer_of(state, session)
    cart = [line for line in session.cart if line.variant_id in state.variants]
    if not cart:
        raise CheckoutRefused("Your cart is empty")
    priced = price_cart(world, state, cart, customer, session.codes, with_shipping=True)
    if priced.refused:
        raise CheckoutRefused(next(iter(priced.refused.values())))
    order = orders.create(world, state, _draft(world, state, priced, customer, email))
    if priced.total:
        orders.pay(world, state, order, priced.total, gateway="sandbox_card")
    orders.announce(world, state, order)
    session.cart, session.codes = [], []
    world.save(state, session)
    return order


def _draft(
    world: World, state: ShopState, priced: Totals, customer: Customer | None, email: str | None
) -> Draft:
    shop = state.shop
    shipping = []
    if priced.shipping:
        shipping = [ShippingLine(world.new_id(), shop.shipping_title, priced.shipping, shop.shipping_title)]
    return Draft(
        lines=[_order_line(world, state, line) for line in priced.lines],
        currency=priced.currency,
        shipping_lines=shipping,
        codes=[_code_off(state, use) for use in priced.applied],
        customer_id=customer.id if customer else None,
        email=email or (customer.email if customer else None),
        taxes_included=priced.taxes_included,
    )


def _order_line(world: World, state: ShopState, line: PricedLine) -> LineItem:
    tax = [TaxLine(state.shop.tax_title, state.shop.tax_rate, line.tax)] if line.tax else []
    return LineItem(
        id=world.new_id(),
        title=line.product.title,
        quantity=line.quantity,
        current_quantity=line.quantity,
        price=line.variant.price,
        product_id=line.product.id,
        variant_id=line.variant.id,
        variant_title=line.variant.title,
        sku=line.variant.sku,
        vendor=line.product.vendor,
        gift_card=line.product.gift_card,
        taxable=line.variant.taxable,
        requires_shipping=line.variant.requires_shipping,
        tax_lines=tax,
    )


def _code_off(state: ShopState, use: AppliedCode) -> CodeOff:
    discount = state.codes[use.code.upper()]
    if discount.kind == "free_shipping":
        return CodeOff(use.code, "shipping", Decimal(0), amount=use.amount)
    if discount.value_percentage is not None:
        return CodeOff(use.code, "percentage", Decimal(discount.value_percentage) * 100, use.on_lines)
    value = money.to_decimal(discount.value_amount or 0, state.shop.currency)
    return CodeOff(use.code, "fixed_amount", value, use.on_lines)


def orders_of(state: ShopState, customer: Customer) -> list[Order]:
    """Newest first."""
    return state.orders_of(customer.id)
