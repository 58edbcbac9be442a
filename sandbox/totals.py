"""The sums of an order, before and after refunds and edits. Pure; the only place that adds money up.

What `n` pieces of a line are worth is always the difference of two rounded shares of the whole line, so
that any sequence of partial refunds ends at exactly the price of the line.
"""

from __future__ import annotations

from sandbox import money
from sandbox.model import LineItem, Order, ShippingLine


def share(whole: int, pieces: int, of: int) -> int:
    """`pieces / of` of the whole, half a minor unit up."""
    return (2 * whole * pieces + of) // (2 * of) if of else 0


def _removed(line: LineItem) -> int:
    return line.quantity - line.current_quantity


def line_net(line: LineItem) -> int:
    """After discounts; with tax where prices include it."""
    return line.gross - line.discount


def worth(line: LineItem, pieces: int) -> tuple[int, int]:
    """Subtotal and tax of the next `pieces` to leave the order."""
    before, after = _removed(line), _removed(line) + pieces
    subtotal = share(line_net(line), after, line.quantity) - share(line_net(line), before, line.quantity)
    tax = share(line.tax, after, line.quantity) - share(line.tax, before, line.quantity)
    return subtotal, tax


def current_net(line: LineItem) -> int:
    return line_net(line) - share(line_net(line), _removed(line), line.quantity)


def current_line_tax(line: LineItem) -> int:
    return line.tax - share(line.tax, _removed(line), line.quantity)


def current_discount(line: LineItem) -> int:
    return line.price * line.current_quantity - current_net(line)


def shipping_net(line: ShippingLine) -> int:
    return line.price - line.discount


def shipping_refunded(order: Order) -> tuple[int, int]:
    """Subtotal and tax of the shipping that was refunded."""
    refunds = [shipping for refund in order.refunds for shipping in refund.shipping]
    return sum(refund.subtotal for refund in refunds), sum(refund.tax for refund in refunds)


# -- as ordered (and edited upwards) ---------------------------------------------------------------


def line_items_price(order: Order) -> int:
    return sum(line.gross for line in order.lines)


def discounts(order: Order) -> int:
    return sum(line.discount for line in order.lines) + sum(line.discount for line in order.shipping_lines)


def subtotal(order: Order) -> int:
    return sum(line_net(line) for line in order.lines)


def shipping(order: Order) -> int:
    return sum(shipping_net(line) for line in order.shipping_lines)


def tax(order: Order) -> int:
    return sum(line.tax for line in order.lines) + sum(line.tax for line in order.shipping_lines)


def total(order: Order) -> int:
    return subtotal(order) + shipping(order) + (0 if order.taxes_included else tax(order))


def original_total(order: Order) -> int:
    return total(order) if order.original_total is None else order.original_total


# -- now -------------------------------------------------------------------------------------------


def current_subtotal(order: Order) -> int:
    return sum(current_net(line) for line in order.lines)


def current_shipping(order: Order) -> int:
    return shipping(order) - shipping_refunded(order)[0]


def current_tax(order: Order) -> int:
    lines = sum(current_line_tax(line) for line in order.lines)
    return lines + sum(line.tax for line in order.shipping_lines) - shipping_refunded(order)[1]


def current_discounts(order: Order) -> int:
    lines = sum(current_discount(line) for line in order.lines)
    return lines + sum(line.discount for line in order.shipping_lines)


def current_total(order: Order) -> int:
    goods = current_subtotal(order) + current_shipping(order)
    return goods + (0 if order.taxes_included else current_tax(order))


# -- money that moved ------------------------------------------------------------------------------


def received(order: Order) -> int:
    return sum(
        t.amount for t in order.transactions if t.kind in ("sale", "capture") and t.status == "success"
    )


def authorized(order: Order) -> int:
    return sum(t.amount for t in order.transactions if t.kind == "authorization" and t.status == "success")


def refunded(order: Order) -> int:
    return sum(refund.money for refund in order.refunds)


def refund_discrepancy(order: Order) -> int:
    """Negative: more money went back than goods and shipping explain."""
    adjustments = [a for refund in order.refunds for a in refund.adjustments]
    return sum(a.amount + a.tax for a in adjustments if a.kind == "refund_discrepancy")


def outstanding(order: Order) -> int:
    """What is still to be paid; negative when the shop owes money."""
    if order.voided:
        return 0
    return current_total(order) + refund_discrepancy(order) - (received(order) - refunded(order))


def financial_status(order: Order) -> str:
    """https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus"""
    if order.voided:
        return "voided"
    paid, back = received(order), refunded(order)
    if paid and back >= paid:
        return "refunded"
    if back:
        return "partially_refunded"
    if not paid and outstanding(order) > 0:
        return "authorized" if authorized(order) else "pending"
    return "partially_paid" if outstanding(order) > 0 else "paid"


def fulfillment_status(order: Order) -> str | None:
    done = sum(line.fulfilled_quantity for line in order.lines)
    open_pieces = sum(max(0, line.current_quantity - line.fulfilled_quantity) for line in order.lines)
    if not done:
        return None
    return "partial" if open_pieces else "fulfilled"


def text(minor: int, order: Order) -> str:
    return money.to_text(minor, order.currency)
