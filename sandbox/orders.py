"""The life of an order: made, paid, fulfilled, deleted. Refunds and edits stand in their own files.

Every function is called inside `with world.change():` and sends the webhooks of what it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox import events, money, totals
from sandbox.discounts import fixed_off, percentage_off
from sandbox.model import (
    Allocation,
    DiscountApplication,
    DiscountUse,
    Fulfillment,
    FulfillmentLine,
    LineItem,
    Order,
    ShippingLine,
    Transaction,
)
from sandbox.world import ShopState, World


class Refused(Exception):
    """A rule of the shop; becomes a userError."""

    def __init__(self, message: str, field: list[str] | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.field, self.code = message, field, code


@dataclass
class CodeOff:
    """A discount code of an order. `on_lines` is given by the checkout, else the code is for all lines."""

    code: str
    kind: str  # fixed_amount, percentage, shipping
    value: Decimal  # in units of the currency, or percent
    on_lines: Sequence[int] | None = None
    amount: int | None = None  # of free shipping
    is_for_some: bool = False  # of the lines


@dataclass
class Draft:
    """What an order is made of; its lines have quantity and price, allocations are added here."""

    lines: list[LineItem]
    currency: str
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    codes: list[CodeOff] = field(default_factory=list)
    discount_applications: list[DiscountApplication] = field(default_factory=list)  # allocated already
    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    taxes_included: bool = False
    test: bool = False
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    processed_at: datetime | None = None
    source_name: str = "web"
    app_id: int | None = None
    number: int | None = None


def create(world: World, state: ShopState, draft: Draft) -> Order:
    """An unpaid order; `announce` sends its webhooks when payment and fulfilment are settled."""
    now = world.now()
    order = Order(
        id=world.new_id(),
        number=draft.number or state.shop.next_order_number,
        created_at=now,
        processed_at=draft.processed_at or now,
        updated_at=now,
        currency=draft.currency,
        taxes_included=draft.taxes_included,
        source_name=draft.source_name,
        app_id=draft.app_id,
        customer_id=draft.customer_id,
        email=draft.email,
        phone=draft.phone,
        test=draft.test,
        note=draft.note,
        tags=draft.tags,
        lines=draft.lines,
        shipping_lines=draft.shipping_lines,
        discount_applications=draft.discount_applications,
    )
    if draft.number is None:
        state.shop.next_order_number += 1
        world.save(state, state.shop)
    for code in draft.codes:
        _apply_code(order, code)
        _count_use(world, state, order, code.code)
    world.save(state, order)
    return order


def _apply_code(order: Order, code: CodeOff) -> None:
    index = len(order.discount_applications)
    if code.kind == "shipping":
        targets: Sequence[LineItem | ShippingLine] = order.shipping_lines
        amounts = [totals.shipping_net(line) for line in order.shipping_lines]
        if code.amount is not None:
            amounts = fixed_off(code.amount, amounts)
    else:
        targets = order.lines
        amounts = list(code.on_lines) if code.on_lines is not None else _amounts(order, code)
    for line, amount in zip(targets, amounts, strict=True):
        if amount:
            line.allocations.append(Allocation(amount, index))
    shown = Decimal(100) if code.kind == "shipping" else code.value
    order.discount_applications.append(
        DiscountApplication(
            kind="discount_code",
            title=code.code,
            value=f"{shown:.1f}" if code.kind != "fixed_amount" else f"{shown:.2f}",
            value_type="fixed_amount" if code.kind == "fixed_amount" else "percentage",
            allocation_method="across" if code.kind == "fixed_amount" else "each",
            target_selection="entitled" if code.is_for_some else "all",
            target_type="shipping_line" if code.kind == "shipping" else "line_item",
        )
    )
    order.discount_codes.append(DiscountUse(code.code, sum(amounts), code.kind))


def _amounts(order: Order, code: CodeOff) -> list[int]:
    base = [0 if line.gift_card else totals.line_net(line) for line in order.lines]
    if code.kind == "percentage":
        return percentage_off(code.value / 100, base)
    return fixed_off(money.to_minor(code.value, order.currency), base)


def _count_use(world: World, state: ShopState, order: Order, code: str) -> None:
    used = state.redeem_code(code)
    if used is None:
        return
    discount = state.discounts[used.discount_id]
    discount.usage_count += 1
    used.usage_count += 1
    if order.customer_id is not None:
        used.used_by.append(order.customer_id)
    world.save(state, discount)
    world.save(state, used)


def tax_of(amount: int, rate: str, included: bool) -> int:
    """The tax on an amount; where prices include it, the part of the amount that is tax."""
    share = Decimal(rate)
    return money.round_minor(amount * share / (1 + share) if included else amount * share)


def touch(world: World, order: Order) -> None:
    order.updated_at = world.now()


# -- payment ---------------------------------------------------------------------------------------


def pay(
    world: World,
    state: ShopState,
    order: Order,
    amount: int,
    kind: str = "sale",
    gateway: str = "sandbox",
    processed_at: datetime | None = None,
    status: str = "success",
) -> Transaction:
    parent = next((t for t in order.transactions if t.kind == "authorization"), None)
    transaction = Transaction(
        id=world.new_id(),
        kind=kind,
        status=status,
        amount=amount,
        gateway=gateway,
        created_at=world.now(),
        processed_at=processed_at or world.now(),
        parent_id=parent.id if parent and kind == "capture" else None,
        test=order.test,
    )
    order.transactions.append(transaction)
    touch(world, order)
    world.save(state, order)
    return transaction


def announce(world: World, state: ShopState, order: Order) -> None:
    """The webhooks of a new order, however it was made."""
    topics = ["orders/create"]
    if totals.financial_status(order) in ("paid", "partially_refunded", "refunded"):
        topics.append("orders/paid")
    if totals.fulfillment_status(order) == "fulfilled":
        topics.append("orders/fulfilled")
    topics.append("orders/updated")
    world.save(state, order)
    events.order(world, state, order, *topics)


def capture(world: World, state: ShopState, order: Order, amount: int) -> Transaction:
    gateway = next(t.gateway for t in order.transactions if t.kind == "authorization")
    made = pay(world, state, order, amount, "capture", gateway)
    paid = totals.financial_status(order) == "paid"
    events.order(world, state, order, *(["orders/paid"] if paid else []), "orders/updated")
    return made


def mark_as_paid(world: World, state: ShopState, order: Order) -> None:
    if order.cancelled_at or totals.outstanding(order) <= 0:
        raise Refused("Order cannot be marked as paid.", ["id"])
    kind = "capture" if totals.financial_status(order) == "authorized" else "sale"
    pay(world, state, order, totals.outstanding(order), kind, "manual")
    events.order(world, state, order, "orders/paid", "orders/updated")


# -- fulfilment ------------------------------------------------------------------------------------


def open_pieces(line: LineItem) -> int:
    return max(0, line.current_quantity - line.fulfilled_quantity)


def fulfill(
    world: World, state: ShopState, order: Order, pieces: dict[int, int] | None = None, silent: bool = False
) -> Fulfillment:
    """`pieces`: line id -> quantity; None: everything that is open."""
    wanted = pieces or {line.id: open_pieces(line) for line in order.lines}
    lines = {line.id: line for line in order.lines}
    wanted = {line_id: count for line_id, count in wanted.items() if count}
    if not wanted:
        raise Refused("The fulfillment order has nothing left to fulfill.", ["fulfillment"])
    for line_id, count in wanted.items():
        if line_id not in lines or count < 0 or count > open_pieces(lines[line_id]):
            raise Refused("Invalid fulfillment order line item quantity requested.", ["fulfillment"])
    fulfillment = Fulfillment(world.new_id(), world.now())
    for line_id, count in wanted.items():
        lines[line_id].fulfilled_quantity += count
        fulfillment.lines.append(FulfillmentLine(line_id, count))
    order.fulfillments.append(fulfillment)
    touch(world, order)
    world.save(state, order)
    if not silent:
        done = totals.fulfillment_status(order) == "fulfilled"
        events.order(
            world,
            state,
            order,
            "orders/fulfilled" if done else "orders/partially_fulfilled",
            "orders/updated",
        )
    return fulfillment


# -- other changes ---------------------------------------------------------------------------------


def set_customer(world: World, state: ShopState, order: Order, customer_id: int | None) -> None:
    order.customer_id = customer_id
    touch(world, order)
    world.save(state, order)
    events.order(world, state, order, "orders/updated")


def changed(world: World, state: ShopState, order: Order) -> None:
    touch(world, order)
    world.save(state, order)
    events.order(world, state, order, "orders/updated")


def delete(world: World, state: ShopState, order: Order) -> None:
    """Shopify lets go only of orders in which no real money is left."""
    world.remove(state, order)
    events.order_deleted(world, state, order)
