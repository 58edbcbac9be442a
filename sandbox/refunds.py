"""Refunds and cancellations, with the amounts that Shopify's books show for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox import events, gift_cards, orders, store_credit, totals
from sandbox.model import (
    Order,
    OrderAdjustment,
    Refund,
    RefundLine,
    ShippingRefund,
    Transaction,
)
from sandbox.orders import Refused
from sandbox.world import ShopState, World


@dataclass
class Wanted:
    """What is to be refunded. `shipping`: an amount without tax, or None."""

    lines: Sequence[tuple[int, int, str]] = ()  # line id, pieces, restock type
    shipping: int | None = None
    money: Sequence[tuple[int, int | None, str]] = ()  # amount, parent transaction, gateway
    note: str | None = None
    over_refunding: bool = False
    processed_at: datetime | None = None
    reason: str = "Refund discrepancy"
    fields: dict[str, list[str]] = field(default_factory=dict)


def refund(world: World, state: ShopState, order: Order, wanted: Wanted) -> Refund:
    _check(order, wanted)
    made = _record(world, state, order, wanted)
    order.refunds.append(made)
    orders.touch(world, order)
    world.save(state, order)
    events.refund(world, state, order, made)
    events.order(world, state, order, "orders/updated")
    return made


def _check(order: Order, wanted: Wanted) -> None:
    lines = {line.id: line for line in order.lines}
    pieces: dict[int, int] = {}
    for line_id, count, _ in wanted.lines:
        pieces[line_id] = pieces.get(line_id, 0) + count
    for line_id, count in pieces.items():
        if line_id not in lines:
            raise Refused("Line item does not belong to the order", ["refundLineItems", "0", "lineItemId"])
        if count < 1 or count > lines[line_id].current_quantity:
            raise Refused(
                "Quantity cannot refund more items than were purchased", ["refundLineItems", "0", "quantity"]
            )
    if wanted.shipping is not None and not 0 <= wanted.shipping <= totals.current_shipping(order):
        raise Refused("Shipping refund amount is too large", ["shipping", "amount"])
    amount = sum(amount for amount, _, _ in wanted.money)
    if any(amount < 0 for amount, _, _ in wanted.money):
        raise Refused("Amount must be positive", ["transactions", "0", "amount"])
    parents = {t.id for t in order.transactions}
    if any(parent is not None and parent not in parents for _, parent, _ in wanted.money):
        raise Refused("Parent transaction does not belong to the order", ["transactions", "0", "parentId"])
    refundable = totals.received(order) - totals.refunded(order)
    if amount > refundable and not wanted.over_refunding:
        text = totals.text(refundable, order)
        raise Refused(f"Refund amount cannot exceed {text}", ["transactions"])
    if not wanted.lines and not wanted.shipping and not wanted.money:
        raise Refused("Refund must have line items, shipping or transactions", None)


def _record(world: World, state: ShopState, order: Order, wanted: Wanted) -> Refund:
    paid = totals.received(order)
    made = Refund(world.new_id(), world.now(), wanted.processed_at or world.now(), wanted.note)
    explained = 0
    lines = {line.id: line for line in order.lines}
    for line_id, count, restock_type in wanted.lines:
        subtotal, tax = totals.worth(lines[line_id], count)
        lines[line_id].current_quantity -= count
        made.lines.append(RefundLine(world.new_id(), line_id, count, subtotal, tax, restock_type))
        explained += subtotal + (0 if order.taxes_included else tax)
    if wanted.shipping:
        explained += _refund_shipping(world, order, made, wanted.shipping)
    for amount, parent, gateway in wanted.money:
        made.transactions.append(_transaction(world, order, made, amount, parent, gateway))
        _give_back(world, state, order, made.transactions[-1])
    difference = explained - made.money
    # With nothing paid there is nothing to give back: taking lines off is no discrepancy.
    if difference and paid:
        made.adjustments.append(
            OrderAdjustment(world.new_id(), "refund_discrepancy", difference, 0, wanted.reason)
        )
    return made


def _refund_shipping(world: World, order: Order, made: Refund, wanted: int) -> int:
    """Over the shipping lines in their order; the tax follows its share. Answers the money explained."""
    explained, left = 0, wanted
    for line in order.shipping_lines:
        gone = [s for refund in order.refunds for s in refund.shipping if s.shipping_line_id == line.id]
        gone_amount, gone_tax = sum(s.subtotal for s in gone), sum(s.tax for s in gone)
        net = totals.shipping_net(line)
        amount = min(left, net - gone_amount)
        if amount <= 0:
            continue
        tax = totals.share(line.tax, gone_amount + amount, net) - gone_tax
        made.shipping.append(ShippingRefund(world.new_id(), line.id, amount, tax))
        made.adjustments.append(
            OrderAdjustment(world.new_id(), "shipping_refund", -amount, -tax, "Shipping refund")
        )
        left -= amount
        explained += amount + (0 if order.taxes_included else tax)
    return explained


def _transaction(
    world: World, order: Order, made: Refund, amount: int, parent: int | None, gateway: str
) -> Transaction:
    sales = [one for one in order.transactions if one.kind in ("sale", "capture")]
    sale = next((one for one in sales if one.gateway == gateway), sales[0] if sales else None)
    return Transaction(
        id=world.new_id(),
        kind="refund",
        status="success",
        amount=amount,
        gateway=gateway,
        created_at=made.created_at,
        processed_at=made.processed_at,
        parent_id=parent or (sale.id if sale else None),
        test=order.test,
    )


def _give_back(world: World, state: ShopState, order: Order, refunded: Transaction) -> None:
    """Store credit and gift cards get their own money back."""
    paid = next((one for one in order.transactions if one.id == refunded.parent_id), None)
    if paid is None or paid.paid_from is None or refunded.gateway != paid.gateway:
        return
    if paid.gateway == store_credit.GATEWAY:
        store_credit.revert(world, state, paid.paid_from, refunded.amount)
    elif card := state.gift_cards.get(paid.paid_from):
        gift_cards.move(world, state, card, refunded.amount)


def sources(order: Order, amount: int) -> list[tuple[int, int | None, str]]:
    """The payments that an amount goes back to, the last of them first: for `Wanted.money`."""
    back: dict[int | None, int] = {}
    for refund in order.refunds:
        for one in refund.transactions:
            back[one.parent_id] = back.get(one.parent_id, 0) + one.amount
    found: list[tuple[int, int | None, str]] = []
    for paid in reversed([t for t in order.transactions if t.kind in ("sale", "capture")]):
        part = min(amount, paid.amount - back.get(paid.id, 0))
        if paid.status == "success" and part > 0:
            found.append((part, paid.id, paid.gateway))
            amount -= part
    gateway = order.transactions[0].gateway if order.transactions else "sandbox"
    return [*found, (amount, None, gateway)] if amount else found


def cancel(
    world: World, state: ShopState, order: Order, reason: str, give_back: bool, restock: bool
) -> Refund | None:
    """Takes all lines that are left off the order; without `give_back` a paid order keeps lines and money."""
    if order.cancelled_at:
        raise Refused("Order has already been cancelled", ["orderId"], "INVALID")
    paid = totals.received(order) - totals.refunded(order)
    made: Refund | None = None
    if give_back or not paid:
        how = "cancel" if restock else "no_restock"
        lines = [(line.id, line.current_quantity, how) for line in order.lines if line.current_quantity]
        money = sources(order, paid) if give_back and paid else []
        shipping = totals.current_shipping(order) if paid else None
        if lines or money or shipping:
            made = _record(world, state, order, Wanted(lines=lines, shipping=shipping, money=money))
            order.refunds.append(made)
    order.voided = not totals.received(order)
    order.cancelled_at = order.closed_at = world.now()
    order.cancel_reason = reason
    orders.touch(world, order)
    world.save(state, order)
    if made is not None:
        events.refund(world, state, order, made)
    events.order(world, state, order, "orders/cancelled", "orders/updated")
    return made
