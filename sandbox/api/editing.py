"""Order editing: changes are staged on a calculated order and take effect at the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from sandbox import events, money, orders, payloads, totals
from sandbox.api.connections import connect
from sandbox.api.context import Context, number
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.order_views import OrderView
from sandbox.api.views import VariantView, View, bag
from sandbox.model import LineItem, Order, TaxLine
from sandbox.orders import Refused

Input = dict[str, Any]


@dataclass
class StagedEdit:
    id: int
    order_id: int
    quantities: dict[int, int] = field(default_factory=dict)  # line id -> wanted quantity
    added: list[LineItem] = field(default_factory=list)


class CalculatedOrderView(View):
    kind = "CalculatedOrder"
    it: StagedEdit

    @property
    def order(self) -> Order:
        return self.here.orders[self.it.order_id]

    @property
    def original_order(self) -> OrderView:
        return OrderView(self.context, self.order)

    def line_items(self, query: str | None = None, **args: Any) -> dict[str, Any]:
        return self._lines([*self.order.lines, *self.it.added], **args)

    def added_line_items(self, **args: Any) -> dict[str, Any]:
        return self._lines(self.it.added, **args)

    def _lines(self, lines: list[LineItem], **args: Any) -> dict[str, Any]:
        return connect(
            lines, lambda line: calculated_line(self.context, self.it, line), lambda x: x.id, **args
        )

    def _difference(self) -> int:
        lines = self.order.lines
        changed = sum(
            line.price * (self.it.quantities.get(line.id, line.current_quantity) - line.current_quantity)
            for line in lines
        )
        return changed + sum(line.gross for line in self.it.added)

    def _bag(self, minor: int) -> dict[str, Any]:
        return bag(minor, self.order.currency)

    @property
    def subtotal_price_set(self) -> dict[str, Any]:
        return self._bag(totals.current_subtotal(self.order) + self._difference())

    @property
    def total_price_set(self) -> dict[str, Any]:
        return self._bag(totals.current_total(self.order) + self._difference())

    @property
    def total_outstanding_set(self) -> dict[str, Any]:
        return self._bag(totals.outstanding(self.order) + self._difference())


def calculated_line(context: Context, edit: StagedEdit, line: LineItem) -> dict[str, Any]:
    wanted = edit.quantities.get(line.id, line.current_quantity)
    variant = context.state.variants.get(line.variant_id or 0)
    return {
        "id": payloads.gid("CalculatedLineItem", line.id),
        "title": line.title,
        "sku": line.sku,
        "quantity": wanted,
        "editableQuantity": wanted,
        "originalUnitPriceSet": bag(line.price, context.state.orders[edit.order_id].currency),
        "variant": VariantView(context, variant) if variant else None,
    }


class OrderEditing(MutationSet):
    @mutation()
    def order_edit_begin(self, id: str) -> Payload:
        order = self.context.must_order(id, ["id"])
        if order.cancelled_at:
            raise Refused("The order cannot be edited.", ["id"])
        edit = StagedEdit(self.world.new_id(), order.id)
        self.here.edits[edit.id] = edit
        return self._edit_answer(edit)

    @mutation()
    def order_edit_add_variant(
        self, id: str, variant_id: str, quantity: int, allow_duplicates: bool = False
    ) -> Payload:
        edit = self._edit(id)
        variant = self.here.variants.get(number(variant_id, "ProductVariant"))
        if variant is None:
            raise Refused("Variant does not exist", ["variantId"])
        order = self.here.orders[edit.order_id]
        known = {line.variant_id for line in [*order.lines, *edit.added] if line.current_quantity}
        if variant.id in known and not allow_duplicates:
            raise Refused("Variant is already on the order", ["variantId"])
        product = self.here.products[variant.product_id]
        line = self._new_line(product.title, quantity, variant.price)
        line.product_id, line.variant_id, line.variant_title = product.id, variant.id, variant.title
        line.sku, line.vendor, line.gift_card = variant.sku, product.vendor, product.gift_card
        line.taxable, line.requires_shipping = variant.taxable, variant.requires_shipping
        edit.added.append(line)
        return self._edit_answer(edit, line)

    @mutation()
    def order_edit_add_custom_item(
        self,
        id: str,
        title: str,
        quantity: int,
        price: Input,
        taxable: bool | None = None,
        requires_shipping: bool | None = None,
    ) -> Payload:
        edit = self._edit(id)
        currency = self.here.orders[edit.order_id].currency
        if price["currencyCode"] != currency or price["amount"] < 0:
            raise Refused(f"Price must be a positive amount of {currency}", ["price"])
        line = self._new_line(title, quantity, money.to_minor(price["amount"], currency))
        line.taxable = True if taxable is None else taxable
        line.requires_shipping = bool(requires_shipping)
        edit.added.append(line)
        return self._edit_answer(edit, line)

    def _new_line(self, title: str, quantity: int, price: int) -> LineItem:
        if quantity < 1:
            raise Refused("Quantity must be greater than 0", ["quantity"])
        return LineItem(self.world.new_id(), title, quantity, quantity, price)

    @mutation()
    def order_edit_set_quantity(
        self, id: str, line_item_id: str, quantity: int, restock: bool | None = None
    ) -> Payload:
        edit = self._edit(id)
        line_id = number(line_item_id, "(?:CalculatedLineItem|LineItem)")
        order = self.here.orders[edit.order_id]
        line = next((x for x in [*order.lines, *edit.added] if x.id == line_id), None)
        if line is None:
            raise Refused("Line item does not exist", ["lineItemId"])
        if quantity < line.fulfilled_quantity:
            raise Refused("Quantity can't be less than what was fulfilled", ["quantity"])
        edit.quantities[line.id] = quantity
        return self._edit_answer(edit, line)

    @mutation()
    def order_edit_commit(
        self, id: str, notify_customer: bool | None = None, staff_note: str | None = None
    ) -> Payload:
        edit = self._edit(id)
        order = self.here.orders[edit.order_id]
        if order.original_total is None:
            order.original_total = totals.total(order)
        added, removed = self._apply(order, edit)
        del self.here.edits[edit.id]
        order.edited = True
        orders.touch(self.world, order)
        self.world.save(self.here, order)
        events.order_edited(self.world, self.here, order, added, removed)
        events.order(self.world, self.here, order, "orders/updated")
        return {"order": OrderView(self.context, order), "successMessages": ["Order updated"]}

    def _apply(self, order: Order, edit: StagedEdit) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Answers which lines got more pieces and which fewer."""
        taxes = next((line.tax_lines for line in order.lines if line.tax_lines), [])
        added, removed = [], []
        for line in order.lines:
            change = edit.quantities.get(line.id, line.current_quantity) - line.current_quantity
            if change > 0:
                _add_pieces(line, change, order.taxes_included)
                added.append((line.id, change))
            elif change < 0:
                line.current_quantity += change
                removed.append((line.id, -change))
        for line in edit.added:
            line.quantity = line.current_quantity = edit.quantities.get(line.id, line.quantity)
            if not line.quantity:
                continue
            if line.taxable and not line.gift_card:
                line.tax_lines = [
                    TaxLine(t.title, t.rate, orders.tax_of(line.gross, t.rate, order.taxes_included))
                    for t in taxes
                ]
            order.lines.append(line)
            added.append((line.id, line.quantity))
        return added, removed

    def _edit(self, gid: str) -> StagedEdit:
        found: StagedEdit | None = self.here.edits.get(number(gid, "CalculatedOrder"))
        if found is None or found.order_id not in self.here.orders:
            raise GraphQLError(
                "The calculated order does not exist", extensions={"code": "RESOURCE_NOT_FOUND"}
            )
        return found

    def _edit_answer(self, edit: StagedEdit, line: LineItem | None = None) -> Payload:
        return {
            "calculatedOrder": CalculatedOrderView(self.context, edit),
            "calculatedLineItem": calculated_line(self.context, edit, line) if line else None,
        }


def _add_pieces(line: LineItem, pieces: int, taxes_included: bool) -> None:
    """The discount stays what it was: it belongs to the pieces first ordered."""
    for tax in line.tax_lines:
        tax.price += orders.tax_of(line.price * pieces, tax.rate, taxes_included)
    line.quantity += pieces
    line.current_quantity += pieces
