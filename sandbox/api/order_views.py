"""Views of orders, their lines, refunds, transactions and fulfilments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import payloads, totals
from sandbox.api.connections import connect
from sandbox.api.context import Context
from sandbox.api.views import CustomerView, ProductView, VariantView, View, WithMetafields, bag
from sandbox.model import (
    Fulfillment,
    LineItem,
    Order,
    Refund,
    RefundLine,
    ShippingLine,
    ShippingRefund,
    TaxLine,
    Transaction,
)
from sandbox.orders import open_pieces

Bag = dict[str, Any]
# The sums of totals.py, as the fields of an order.
SUMS = {
    "subtotal_price_set": totals.subtotal,
    "total_price_set": totals.total,
    "original_total_price_set": totals.total,
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

    presentment_currency_code = currency_code

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
        for line in [*self.it.lines, *self.it.shipping_lines]:
            for tax in line.tax_lines:
                sums[tax.title, tax.rate] = sums.get((tax.title, tax.rate), 0) + tax.price
        return [tax_line(TaxLine(t, r, price), self.it.currency) for (t, r), price in sums.items()]

    def refunds(self, first: int | None = None) -> list[RefundView]:
        return [RefundView(self.context, self.it, refund) for refund in self.it.refunds[:first]]

    def transactions(self, first: int | None = None) -> list[TransactionView]:
        everything = [*self.it.transactions, *(t for refund in self.it.refunds for t in refund.transactions)]
        return [TransactionView(self.context, self.it, t) for t in everything[:first]]

    def fulfillments(self, first: int | None = None, query: str | None = None) -> list[FulfillmentView]:
        return [FulfillmentView(self.context, self.it, f) for f in self.it.fulfillments[:first]]

    def fulfillment_orders(self, query: str | None = None, **args: Any) -> dict[str, Any]:
        return connect(
            [self.it], lambda order: FulfillmentOrderView(self.context, order), lambda x: x.id, **args
        )


def tax_line(tax: TaxLine, currency: str) -> dict[str, Any]:
    rate = float(tax.rate)
    return {
        "title": tax.title,
        "rate": rate,
        "ratePercentage": float(Decimal(tax.rate) * 100),
        "priceSet": bag(tax.price, currency),
    }


def application(order: Order, index: int) -> dict[str, Any]:
    it = order.discount_applications[index]
    value: dict[str, Any] = {"__typename": "PricingPercentageValue", "percentage": float(it.value)}
    if it.value_type == "fixed_amount":
        value = {"__typename": "MoneyV2", "amount": it.value, "currencyCode": order.currency}
    by_code = it.kind == "discount_code"
    return {
        "__typename": "DiscountCodeApplication" if by_code else "ManualDiscountApplication",
        "allocationMethod": it.allocation_method.upper(),
        "index": index,
        "targetSelection": it.target_selection.upper(),
        "targetType": it.target_type.upper(),
        "value": value,
        "code" if by_code else "title": it.title,
    }


class OrderPart(View):
    """Something inside an order."""

    def __init__(self, context: Context, order: Order, it: Any) -> None:
        super().__init__(context, it)
        self._order = order

    def bag(self, minor: int) -> Bag:
        return bag(minor, self._order.currency)

    @property
    def order(self) -> OrderView:
        return OrderView(self.context, self._order)


class _Priced(OrderPart):
    it: LineItem | ShippingLine

    @property
    def discount_allocations(self) -> list[dict[str, Any]]:
        return [
            {
                "allocatedAmountSet": self.bag(allocation.amount),
                "discountApplication": application(self._order, allocation.application),
            }
            for allocation in self.it.allocations
        ]

    def tax_lines(self, first: int | None = None) -> list[dict[str, Any]]:
        return [tax_line(tax, self._order.currency) for tax in self.it.tax_lines[:first]]


class LineView(_Priced):
    kind = "LineItem"
    it: LineItem

    @property
    def name(self) -> str:
        return f"{self.it.title} - {self.it.variant_title}" if self.it.variant_title else self.it.title

    @property
    def refundable_quantity(self) -> int:
        return self.it.current_quantity

    @property
    def unfulfilled_quantity(self) -> int:
        return open_pieces(self.it)

    @property
    def is_gift_card(self) -> bool:
        return self.it.gift_card

    @property
    def original_unit_price_set(self) -> Bag:
        return self.bag(self.it.price)

    @property
    def original_total_set(self) -> Bag:
        return self.bag(self.it.gross)

    @property
    def total_discount_set(self) -> Bag:
        """Discounts of the line alone; those of codes stand in the allocations."""
        return self.bag(0)

    def discounted_total_set(self, with_code_discounts: bool = False) -> Bag:
        return self.bag(totals.line_net(self.it) if with_code_discounts else self.it.gross)

    @property
    def discounted_unit_price_set(self) -> Bag:
        return self.bag(self.it.price)

    @property
    def discounted_unit_price_after_all_discounts_set(self) -> Bag:
        return self.bag(totals.share(totals.line_net(self.it), 1, self.it.quantity))

    @property
    def product(self) -> ProductView | None:
        found = self.here.products.get(self.it.product_id or 0)
        return ProductView(self.context, found) if found else None

    @property
    def variant(self) -> VariantView | None:
        found = self.here.variants.get(self.it.variant_id or 0)
        return VariantView(self.context, found) if found else None


class ShippingLineView(_Priced):
    kind = "ShippingLine"
    it: ShippingLine

    @property
    def original_price_set(self) -> Bag:
        return self.bag(self.it.price)

    @property
    def discounted_price_set(self) -> Bag:
        return self.bag(totals.shipping_net(self.it))

    @property
    def current_discounted_price_set(self) -> Bag:
        back = [s for r in self._order.refunds for s in r.shipping if s.shipping_line_id == self.it.id]
        return self.bag(totals.shipping_net(self.it) - sum(s.subtotal for s in back))

    @property
    def is_removed(self) -> bool:
        return False


class TransactionView(OrderPart):
    kind = "OrderTransaction"
    it: Transaction

    @property
    def amount_set(self) -> Bag:
        return self.bag(self.it.amount)

    @property
    def parent_transaction(self) -> TransactionView | None:
        found = next((t for t in self._order.transactions if t.id == self.it.parent_id), None)
        return TransactionView(self.context, self._order, found) if found else None

    # GraphQL's enum values are in capitals

    @property
    def status(self) -> str:
        return self.it.status.upper()

    @property
    def kind_name(self) -> str:
        return self.it.kind.upper()


class RefundView(OrderPart):
    kind = "Refund"
    it: Refund

    @property
    def updated_at(self) -> Any:
        return self.it.created_at

    @property
    def total_refunded_set(self) -> Bag:
        return self.bag(self.it.money)

    def refund_line_items(self, **args: Any) -> dict[str, Any]:
        return connect(
            self.it.lines, lambda x: RefundLineView(self.context, self._order, x), lambda x: x.id, **args
        )

    def refund_shipping_lines(self, **args: Any) -> dict[str, Any]:
        return connect(
            self.it.shipping,
            lambda x: RefundShippingView(self.context, self._order, x),
            lambda x: x.id,
            **args,
        )

    def order_adjustments(self, **args: Any) -> dict[str, Any]:
        """Without kinds here, so the refunded shipping, which has lines of its own, is not repeated."""
        found = [a for a in self.it.adjustments if a.kind == "refund_discrepancy"]

        def view(a: Any) -> dict[str, Any]:
            return {
                "id": payloads.gid("OrderAdjustment", a.id),
                "amountSet": self.bag(a.amount),
                "taxAmountSet": self.bag(a.tax),
                "reason": "REFUND_DISCREPANCY",
            }

        return connect(found, view, lambda x: x.id, **args)

    def transactions(self, **args: Any) -> dict[str, Any]:
        everything = self.it.transactions
        return connect(
            everything, lambda t: TransactionView(self.context, self._order, t), lambda t: t.id, **args
        )


class RefundLineView(OrderPart):
    kind = "RefundLineItem"
    it: RefundLine

    @property
    def line_item(self) -> LineView:
        line = next(line for line in self._order.lines if line.id == self.it.line_item_id)
        return LineView(self.context, self._order, line)

    @property
    def restock_type(self) -> str:
        return self.it.restock_type.upper()

    @property
    def restocked(self) -> bool:
        return self.it.restock_type != "no_restock"

    @property
    def price_set(self) -> Bag:
        return self.bag(totals.share(self.it.subtotal, 1, self.it.quantity))

    @property
    def subtotal_set(self) -> Bag:
        return self.bag(self.it.subtotal)

    @property
    def total_tax_set(self) -> Bag:
        return self.bag(self.it.tax)


class RefundShippingView(OrderPart):
    kind = "RefundShippingLine"
    it: ShippingRefund

    @property
    def shipping_line(self) -> ShippingLineView:
        line = next(line for line in self._order.shipping_lines if line.id == self.it.shipping_line_id)
        return ShippingLineView(self.context, self._order, line)

    @property
    def subtotal_amount_set(self) -> Bag:
        return self.bag(self.it.subtotal)

    @property
    def tax_amount_set(self) -> Bag:
        return self.bag(self.it.tax)


class FulfillmentView(OrderPart):
    kind = "Fulfillment"
    it: Fulfillment

    @property
    def name(self) -> str:
        return f"{self._order.name}-F{self._order.fulfillments.index(self.it) + 1}"

    @property
    def status(self) -> str:
        return self.it.status.upper()

    @property
    def updated_at(self) -> Any:
        return self.it.created_at

    @property
    def total_quantity(self) -> int:
        return sum(line.quantity for line in self.it.lines)


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
