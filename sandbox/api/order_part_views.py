"""Views of what is inside an order: lines, refunds, transactions, fulfilments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import payloads, totals
from sandbox.api.connections import connect
from sandbox.api.context import Context
from sandbox.api.views import ProductView, VariantView, View, bag
from sandbox.model import (
    SELLING_PLAN_ID,
    SELLING_PLAN_NAME,
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
from sandbox.refunds import sources

Bag = dict[str, Any]


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
    def order(self) -> Any:
        return self.context.services["order_view"](self.context, self._order)


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
    def selling_plan(self) -> dict[str, str] | None:
        if not self.it.subscription:
            return None
        plan_id = payloads.gid("SellingPlan", SELLING_PLAN_ID)
        return {"name": SELLING_PLAN_NAME, "sellingPlanId": plan_id}

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


def suggested_refund(context: Context, order: Order, pieces: dict[int, int], shipping: int) -> dict[str, Any]:
    """What the lines and the shipping are worth, at most what is left of the money."""
    lines = {line.id: line for line in order.lines}
    found = [
        RefundLine(0, line_id, count, *totals.worth(lines[line_id], count), "no_restock")
        for line_id, count in pieces.items()
    ]
    subtotal, tax = sum(line.subtotal for line in found), sum(line.tax for line in found)
    net = totals.shipping(order)
    shipping_tax = totals.share(sum(line.tax for line in order.shipping_lines), shipping, net)
    whole = subtotal + shipping + (0 if order.taxes_included else tax + shipping_tax)
    refundable = totals.received(order) - totals.refunded(order)
    amount = min(whole, refundable)

    def money(minor: int) -> Bag:
        return bag(minor, order.currency)

    payments = {t.id: t for t in order.transactions}
    transactions = [
        {
            "amountSet": money(part),
            "gateway": gateway,
            "kind": "SUGGESTED_REFUND",
            "parentTransaction": TransactionView(context, order, payments[parent]),
        }
        for part, parent, gateway in sources(order, amount)
        if parent is not None
    ]
    return {
        "amountSet": money(amount),
        "subtotalSet": money(subtotal),
        "discountedSubtotalSet": money(subtotal),
        "totalTaxSet": money(tax + shipping_tax),
        "maximumRefundableSet": money(refundable),
        "refundLineItems": [RefundLineView(context, order, line) for line in found],
        "shipping": {
            "amountSet": money(shipping),
            "taxSet": money(shipping_tax),
            "maximumRefundableSet": money(totals.current_shipping(order)),
        },
        "suggestedTransactions": transactions,
    }
