"""What a shopper does: the seam between the engine and the pages of storefront, cart, checkout and account.

Call these inside `with world.change():`. Amounts are integers of minor units; `money.to_text` prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox import discounts, gift_cards, money, orders, store_credit
from sandbox.discounts import Applicability, Basket, Claim, Goods
from sandbox.model import (
    SELLING_PLAN_ID,
    CartLine,
    Customer,
    Discount,
    GiftCard,
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


def line_key(variant_id: int, subscription: bool) -> str:
    """What names a line of the cart. Once and as a subscription are two lines."""
    return f"{variant_id}:{SELLING_PLAN_ID if subscription else 0}"


@dataclass(frozen=True)
class PricedLine:
    product: Product
    variant: Variant
    quantity: int
    subscription: bool
    gross: int  # price x quantity
    discount: int
    tax: int  # contained in the price where the shop's prices include tax

    @property
    def net(self) -> int:
        return self.gross - self.discount

    @property
    def key(self) -> str:
        return line_key(self.variant.id, self.subscription)


@dataclass(frozen=True)
class AppliedCode:
    code: str
    title: str
    amount: int
    on_lines: tuple[int, ...]  # per line of the cart; all zero for free shipping

    @property
    def on_shipping(self) -> bool:
        return not any(self.on_lines)


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
    session.customer_id, session.uses_store_credit = None, False
    world.save(state, session)


def customer_of(state: ShopState, session: Session | None) -> Customer | None:
    """A merged customer's session goes on as the survivor."""
    if session is None or session.customer_id is None:
        return None
    return state.customers.get(session.customer_id)


# -- the cart --------------------------------------------------------------------------------------


def set_quantity(
    world: World,
    state: ShopState,
    session: Session,
    variant_id: int,
    quantity: int,
    subscription: bool = False,
) -> None:
    """Zero takes the line out; an unknown variant is ignored."""
    wanted = (variant_id, subscription)
    keys = [(line.variant_id, line.subscription) for line in session.cart]
    rest = [line for line, key in zip(session.cart, keys, strict=True) if key != wanted]
    if quantity > 0 and variant_id in state.variants:
        position = keys.index(wanted) if wanted in keys else len(rest)
        rest.insert(position, CartLine(variant_id, quantity, subscription))
    session.cart = rest
    world.save(state, session)


def add_to_cart(
    world: World,
    state: ShopState,
    session: Session,
    variant_id: int,
    quantity: int = 1,
    subscription: bool = False,
) -> None:
    same = [
        line for line in session.cart if (line.variant_id, line.subscription) == (variant_id, subscription)
    ]
    present = sum(line.quantity for line in same)
    set_quantity(world, state, session, variant_id, present + quantity, subscription)


def can_subscribe(state: ShopState, variant: Variant) -> bool:
    """To whatever is sent, in a shop that sells subscriptions."""
    return state.shop.sells_subscriptions and variant.requires_shipping


def add_code(world: World, state: ShopState, session: Session, code: str) -> Applicability:
    """Puts the code into the cart when it applies; otherwise says why not."""
    others = [known for known in session.codes if known.upper() != code.strip().upper()]
    answer = applicability(world, state, code, session.cart, customer_of(state, session), others)
    if answer.ok and answer.claim is not None:
        session.codes = [*others, answer.claim.code.code]
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
    others = [claim for other in other_codes if (claim := discounts.claim_of(state, other)) is not None]
    return discounts.applicability(state, code, Basket(_goods(state, cart), customer), world.now(), others)


def price_cart(
    world: World,
    state: ShopState,
    cart: Sequence[CartLine],
    customer: Customer | None = None,
    codes: Sequence[str] = (),
    with_shipping: bool = False,
    ship_to: str | None = None,
) -> Totals:
    """The cart with every code that applies; those that don't are in `refused` with the reason. With shipping
    it is the checkout's view: the goods go to `ship_to`, or stay in the shop's country.
    """
    cart = [line for line in cart if line.variant_id in state.variants]
    goods = _goods(state, cart)
    shipping = _shipping(state, cart) if with_shipping else 0
    basket = Basket(goods, customer)
    if with_shipping:
        basket = Basket(goods, customer, ship_to or state.shop.country, shipping)
    claims, refused = _claims(state, codes, basket, world.now())
    applied = _apply(state, claims, goods, shipping)
    idle = {
        use.code.upper(): f"{use.code} lowers no price further" for use in applied if _is_idle(state, use)
    }
    refused |= {code: idle[code.strip().upper()] for code in codes if code.strip().upper() in idle}
    applied = [use for use in applied if use.code.upper() not in idle]
    shipping_off = sum(use.amount for use in applied if use.on_shipping)
    return Totals(
        currency=state.shop.currency,
        lines=_priced_lines(state, cart, applied, customer),
        applied=applied,
        refused=refused,
        shipping=shipping,
        shipping_discount=min(shipping, shipping_off),
        taxes_included=state.shop.taxes_included,
    )


def _claims(
    state: ShopState, codes: Sequence[str], basket: Basket, now: datetime
) -> tuple[list[Claim], dict[str, str]]:
    """Each code in turn, beside those accepted before it; and why others are refused."""
    claims: list[Claim] = []
    refused: dict[str, str] = {}
    for code in codes:
        answer = discounts.applicability(state, code, basket, now, claims)
        if answer.ok and answer.claim is not None:
            claims.append(answer.claim)
        else:
            refused[code] = answer.reason
    return claims, refused


def _goods(state: ShopState, cart: Sequence[CartLine]) -> list[Goods]:
    found = [(state.variants[line.variant_id], line) for line in cart if line.variant_id in state.variants]
    return [
        Goods(
            price=variant.price,
            quantity=line.quantity,
            product_id=variant.product_id,
            variant_id=variant.id,
            gift_card=state.products[variant.product_id].gift_card,
            subscription=line.subscription,
            ships=variant.requires_shipping,
        )
        for variant, line in found
    ]


def _shipping(state: ShopState, cart: Sequence[CartLine]) -> int:
    needs = any(state.variants[line.variant_id].requires_shipping for line in cart)
    return state.shop.shipping_price if needs else 0


def _apply(
    state: ShopState, claims: Sequence[Claim], goods: Sequence[Goods], shipping: int
) -> list[AppliedCode]:
    """Product discounts come before order discounts, and these before shipping, as in Shopify's checkout."""
    by_class: dict[str, list[Claim]] = {"PRODUCT": [], "ORDER": [], "SHIPPING": []}
    for claim in claims:
        by_class[discounts.discount_class(claim.discount)].append(claim)
    applied = _best_of_each_line(state, by_class["PRODUCT"], goods)
    left = [line.gross - sum(use.on_lines[i] for use in applied) for i, line in enumerate(goods)]
    for claim in by_class["ORDER"]:
        amounts = discounts.amounts_off(state, claim.discount, goods, left)
        left = [rest - amount for rest, amount in zip(left, amounts, strict=True)]
        applied.append(_applied(claim, amounts))
    free = [
        AppliedCode(c.code.code, c.discount.title, shipping, (0,) * len(goods)) for c in by_class["SHIPPING"]
    ]
    return applied + free


def _best_of_each_line(
    state: ShopState, claims: Sequence[Claim], goods: Sequence[Goods]
) -> list[AppliedCode]:
    """One product discount for a line: the one that takes most off it, of equals the first."""
    gross = [line.gross for line in goods]
    offers = [discounts.amounts_off(state, claim.discount, goods, gross) for claim in claims]
    best = [max(range(len(claims)), key=lambda n: offers[n][i], default=0) for i in range(len(goods))]
    return [
        _applied(claim, [amount if best[i] == n else 0 for i, amount in enumerate(offers[n])])
        for n, claim in enumerate(claims)
    ]


def _applied(claim: Claim, amounts: Sequence[int]) -> AppliedCode:
    return AppliedCode(claim.code.code, claim.discount.title, sum(amounts), tuple(amounts))


def _is_idle(state: ShopState, use: AppliedCode) -> bool:
    """Another took its place on every line; it isn't used up by that."""
    is_shipping = discounts.discount_class(claimed(state, use)) == "SHIPPING"
    return not is_shipping and not use.amount


def claimed(state: ShopState, use: AppliedCode) -> Discount:
    return state.discounts[state.codes[use.code.upper()].discount_id]


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
        priced.append(PricedLine(product, variant, line.quantity, line.subscription, gross, off, tax))
    return priced


def tax_on(state: ShopState, amount: int) -> int:
    return orders.tax_of(amount, state.shop.tax_rate, state.shop.taxes_included)


# -- checkout and orders ---------------------------------------------------------------------------


class CheckoutRefused(Exception):
    """The message is for the shopper."""


_GATEWAYS = {
    store_credit.GATEWAY: "Store credit",
    gift_cards.GATEWAY: "Gift card",
    "sandbox_card": "Pretend money",
}


@dataclass(frozen=True)
class Payment:
    """A part of the total and where it comes from."""

    gateway: str
    amount: int
    gift_card: GiftCard | None = None

    @property
    def words(self) -> str:
        return _GATEWAYS[self.gateway]


def payments(world: World, state: ShopState, session: Session, total: int) -> list[Payment]:
    """Store credit first, where the customer wants that, then gift cards; the rest comes from a card."""
    found: list[Payment] = []
    left = total
    if session.uses_store_credit and state.shop.store_credit:
        part = min(left, store_credit.balance_of(world, state, session.customer_id))
        found.append(Payment(store_credit.GATEWAY, part))
        left -= part
    for card in gift_cards.usable(world, state, session.gift_card_ids):
        part = min(left, card.balance)
        found.append(Payment(gift_cards.GATEWAY, part, card))
        left -= part
    return [one for one in [*found, Payment("sandbox_card", left)] if one.amount]


def add_gift_card(world: World, state: ShopState, session: Session, code: str) -> str | None:
    """Why it can't be used; None when it will be."""
    card = state.gift_card_by_code(gift_cards.clean(code))
    reason = gift_cards.problem(world, state, card)
    if card is not None and reason is None and card.id not in session.gift_card_ids:
        session.gift_card_ids.append(card.id)
        world.save(state, session)
    return reason


def checkout(world: World, state: ShopState, session: Session, email: str | None = None) -> Order:
    """Pays for the cart: makes a paid order, counts the codes as used, empties the cart, sends the webhooks.

    A code that no longer applies refuses the checkout with its reason, so that nobody pays more than shown.
    """
    customer = customer_of(state, session)
    cart = [line for line in session.cart if line.variant_id in state.variants]
    if not cart:
        raise CheckoutRefused("Your cart is empty")
    priced = price_cart(
        world, state, cart, customer, session.codes, with_shipping=True, ship_to=session.country
    )
    if priced.refused:
        raise CheckoutRefused(next(iter(priced.refused.values())))
    for card_id in session.gift_card_ids:
        if reason := gift_cards.problem(world, state, state.gift_cards.get(card_id)):
            raise CheckoutRefused(reason)
    order = orders.create(world, state, _draft(world, state, priced, customer, email))
    for payment in payments(world, state, session, priced.total):
        _pay(world, state, order, payment)
    orders.announce(world, state, order)
    session.cart, session.codes, session.country = [], [], None
    session.uses_store_credit, session.gift_card_ids = False, []
    world.save(state, session)
    return order


def _pay(world: World, state: ShopState, order: Order, payment: Payment) -> None:
    made = orders.pay(world, state, order, payment.amount, gateway=payment.gateway)
    if payment.gift_card is not None:
        gift_cards.move(world, state, payment.gift_card, -payment.amount)
        made.paid_from = payment.gift_card.id
    elif payment.gateway == store_credit.GATEWAY:
        account = store_credit.account_of(state, order.customer_id or 0, order.currency)
        if account is not None:
            made.paid_from = store_credit.debit(world, state, account, payment.amount, "ORDER_PAYMENT").id


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
        subscription=line.subscription,
        tax_lines=tax,
    )


def _code_off(state: ShopState, use: AppliedCode) -> CodeOff:
    discount = claimed(state, use)
    if discount.kind == "free_shipping":
        return CodeOff(use.code, "shipping", Decimal(0), amount=use.amount)
    is_for_some = discounts.discount_class(discount) == "PRODUCT"
    if discount.value_percentage is not None:
        percent = Decimal(discount.value_percentage) * 100
        return CodeOff(use.code, "percentage", percent, use.on_lines, is_for_some=is_for_some)
    value = money.to_decimal(discount.value_amount or 0, state.shop.currency)
    return CodeOff(use.code, "fixed_amount", value, use.on_lines, is_for_some=is_for_some)


def orders_of(state: ShopState, customer: Customer) -> list[Order]:
    """Newest first."""
    return state.orders_of(customer.id)
