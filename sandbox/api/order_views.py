"""Views of orders and of what is to be fulfilled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import money, payloads, totals
from sandbox.api.connections import connect
from sandbox.api.context import number
from sandbox.api.order_part_views import (
    FulfillmentView,
    LineView,
    RefundView,
    ShippingLineView,
    TransactionView,
    application,
    suggested_refund,
    tax_line,
)
from sandbox.api.views import CustomerView, View, WithMetafields, bag
from sandbox.model import LineItem, Order, TaxLine
from sandbox.orders import open_pieces

Bag = dict[str, Any]
# The sums of totals.py, as the fields of an order.
SUMS = {
    "subtotal_price_set": totals.subtotal,
    "total_price_set": totals.total,
    "original_total_price_set": totals.original_total,
    "total_tax_set": totals.tax,
    "total_discounts_set": totals.discounts,
    "total_shipping_price_set": totals.shipping,
    "total_received_set": totals.received,
    "total_refunded_set": totals.refunded,
    "current_subtotal_price_set": totals.current_subtotal,
    "current_total_price_set": totals.current_total,
    "current_total_tax_set": totals.current_tax,
    "current_total_discounts_set": totals.current_discounts,
    "current_shipping_price_set": totals.current_shipping,
    "refund_discrepancy_set": totals.refund_discrepancy,
}


class OrderView(WithMetafields):
    kind = "Order"
    it: Order

    def __getattr__(self, name: str) -> Any:
        if name in SUMS:
            return self.bag(SUMS[name](self.it))
        return super().__getattr__(name)

    def bag(self, minor: int) -> Bag:
        return bag(minor, self.it.currency)

    @property
    def customer(self) -> CustomerView | None:
        found = self.here.customers.get(self.it.customer_id or 0)
        return CustomerView(self.context, found) if found else None

    @property
    def app(self) -> dict[str, Any] | None:
        if self.it.app_id is None:
            return None
        return {"id": payloads.gid("App", self.it.app_id), "name": self.it.source_name}

    @property
    def tags(self) -> list[str]:
        return sorted(self.it.tags, key=str.lower)

    @property
    def cancel_reason(self) -> str | None:
        return self.it.cancel_reason.upper() if self.it.cancel_reason else None

    @property
    def closed(self) -> bool:
        return self.it.closed_at is not None

    @property
    def confirmed(self) -> bool:
        return True

    @property
    def currency_code(self) -> str:
        return self.it.currency

    @property
    def presentment_currency_code(self) -> str:
        return self.it.presentment_currency or self.it.currency

    @property
    def display_financial_status(self) -> str:
        return totals.financial_status(self.it).upper()

    @property
    def display_fulfillment_status(self) -> str:
        status = totals.fulfillment_status(self.it)
        return {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}[status]

    @property
    def fully_paid(self) -> bool:
        return totals.financial_status(self.it) in ("paid", "partially_refunded", "refunded")

    @property
    def unpaid(self) -> bool:
        return not self.fully_paid and not self.it.voided

    @property
    def can_mark_as_paid(self) -> bool:
        return not self.it.cancelled_at and totals.outstanding(self.it) > 0

    @property
    def capturable(self) -> bool:
        return totals.financial_status(self.it) == "authorized"

    @property
    def refundable(self) -> bool:
        return totals.received(self.it) > totals.refunded(self.it)

    @property
    def payment_gateway_names(self) -> list[str]:
        return sorted({t.gateway for t in self.it.transactions})

    # -- sums that need more than one word -------------------------------------------------------------

    @property
    def total_outstanding_set(self) -> Bag:
        return self.bag(totals.outstanding(self.it))

    @property
    def total_refunded_shipping_set(self) -> Bag:
        subtotal, tax = totals.shipping_refunded(self.it)
        return self.bag(subtotal + (0 if self.it.taxes_included else tax))

    @property
    def total_capturable_set(self) -> Bag:
        return self.bag(totals.authorized(self.it) if self.capturable else 0)

    @property
    def total_tip_received_set(self) -> Bag:
        return self.bag(0)

    @property
    def net_payment_set(self) -> Bag:
        return self.bag(totals.received(self.it) - totals.refunded(self.it))

    @property
    def cart_discount_amount_set(self) -> Bag:
        return self.bag(sum(line.discount for line in self.it.lines))

    @property
    def current_cart_discount_amount_set(self) -> Bag:
        return self.bag(sum(totals.current_discount(line) for line in self.it.lines))

    @property
    def subtotal_line_items_quantity(self) -> int:
        return sum(line.quantity for line in self.it.lines)

    @property
    def current_subtotal_line_items_quantity(self) -> int:
        return sum(line.current_quantity for line in self.it.lines)

    # -- parts ---------------------------------------------------------------------------------------

    @property
    def discount_code(self) -> str | None:
        return self.it.discount_codes[0].code if self.it.discount_codes else None

    @property
    def discount_codes(self) -> list[str]:
        return [use.code for use in self.it.discount_codes]

    def discount_applications(self, **args: Any) -> dict[str, Any]:
        count = len(self.it.discount_applications)
        return connect(range(count), lambda i: application(self.it, i), lambda i: i, **args)

    def line_items(self, **args: Any) -> dict[str, Any]:
        return connect(
            self.it.lines, lambda line: LineView(self.context, self.it, line), lambda x: x.id, **args
        )

    @property
    def shipping_line(self) -> ShippingLineView | None:
        return (
            ShippingLineView(self.context, self.it, self.it.shipping_lines[0])
            if self.it.shipping_lines
            else None
        )

    def shipping_lines(self, **args: Any) -> dict[str, Any]:
        lines = self.it.shipping_lines
        return connect(lines, lambda x: ShippingLineView(self.context, self.it, x), lambda x: x.id, **args)

    @property
    def tax_lines(self) -> list[dict[str, Any]]:
        sums: dict[tuple[str, str], int] = {}
        for line in self.it.all_lines:
            for tax in line.tax_lines:
                sums[tax.title, tax.rate] = sums.get((tax.title, tax.rate), 0) + tax.price
        return [tax_line(TaxLine(t, r, price), self.it.currency) for (t, r), price in sums.items()]

    def refunds(self, first: int | None = None) -> list[RefundView]:
        return [RefundView(self.context, self.it, refund) for refund in self.it.refunds[:first]]

    def transactions(self, first: int | None = None) -> list[TransactionView]:
        everything = [*self.it.transactions, *(t for refund in self.it.refunds for t in refund.transactions)]
        return [TransactionView(self.context, self.it, t) for t in everything[:first]]

    def suggested_refund(
        self,
        refund_line_items: list[dict[str, Any]] | None = None,
        refund_shipping: bool | None = None,
        shipping_amount: Decimal | None = None,
        suggest_full_refund: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        order = self.it
        wanted = {number(x["lineItemId"], "LineItem"): x["quantity"] for x in refund_line_items or []}
        if suggest_full_refund:
            wanted = {line.id: line.current_quantity for line in order.lines if line.current_quantity}
        left = totals.current_shipping(order)
        shipping = left if refund_shipping or suggest_full_refund else 0
        if shipping_amount is not None:
            shipping = min(left, money.to_minor(shipping_amount, order.currency))
        return suggested_refund(self.context, order, wanted, shipping)

    def fulfillments(self, first: int | None = None, query: str | None = None) -> list[FulfillmentView]:
        return [FulfillmentView(self.context, self.it, f) for f in self.it.fulfillments[:first]]

    def fulfillment_orders(self, query: str | None = None, **args: Any) -> dict[str, Any]:
        return connect(
            [self.it], lambda order: FulfillmentOrderView(self.context, order), lambda x: x.id, **args
        )


class FulfillmentOrderView(View):
    """One per order, with the order's own number."""

    kind = "FulfillmentOrder"
    it: Order

    @property
    def order(self) -> OrderView:
        return OrderView(self.context, self.it)

    @property
    def order_id(self) -> str:
        return payloads.gid("Order", self.it.id)

    @property
    def order_name(self) -> str:
        return self.it.name

    @property
    def status(self) -> str:
        if self.it.cancelled_at:
            return "CANCELLED"
        return "OPEN" if any(open_pieces(line) for line in self.it.lines) else "CLOSED"

    def line_items(self, **args: Any) -> dict[str, Any]:
        def view(line: LineItem) -> dict[str, Any]:
            return {
                "id": payloads.gid("FulfillmentOrderLineItem", line.id),
                "lineItem": LineView(self.context, self.it, line),
                "totalQuantity": line.current_quantity,
                "remainingQuantity": open_pieces(line),
            }

        return connect(self.it.lines, view, lambda x: x.id, **args)
