"""Payloads of orders, refunds and order edits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import money, totals
from sandbox.model import (
    SELLING_PLAN_ID,
    LineItem,
    Order,
    Refund,
    RefundLine,
    ShippingLine,
    TaxLine,
    Transaction,
)
from sandbox.payloads import Json, bag, customer_body, gid, tags_text, time_text
from sandbox.world import ShopState, World


def order(state: ShopState, order: Order) -> Json:
    customer = state.customers.get(order.customer_id) if order.customer_id else None
    payload = {
        **_order_head(state, order),
        "tax_exempt": bool(customer and customer.tax_exempt),
        **_order_money(order),
        **_order_parts(order),
        # Without tags, counts and consents since 2025-01.
        "customer": customer_body(state, customer) if customer else None,
    }
    if order.presentment_currency:
        _show_in(payload, order.presentment_currency, Decimal(order.presentment_rate))
    return payload


def _show_in(part: Any, currency: str, rate: Decimal) -> None:
    """What the buyer saw and paid: every `presentment_money`, however deep. All else is the shop's money."""
    if isinstance(part, list):
        for one in part:
            _show_in(one, currency, rate)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "presentment_money":
                shown = money.round_minor(Decimal(value["amount"]) * rate * 10 ** money.digits(currency))
                part[name] = {"amount": money.to_text(shown, currency), "currency_code": currency}
            else:
                _show_in(value, currency, rate)


def _order_head(state: ShopState, order: Order) -> Json:
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": order.app_id,
        "name": order.name,
        "order_number": order.number,
        "number": order.number - 1000,
        "test": order.test,
        "confirmed": True,
        "created_at": time_text(order.created_at, zone),
        "processed_at": time_text(order.processed_at, zone),
        "updated_at": time_text(order.updated_at, zone),
        "cancelled_at": time_text(order.cancelled_at, zone),
        "cancel_reason": order.cancel_reason,
        "closed_at": time_text(order.closed_at, zone),
        "financial_status": totals.financial_status(order),
        "fulfillment_status": totals.fulfillment_status(order),
        "currency": order.currency,
        "presentment_currency": order.presentment_currency or order.currency,
        "taxes_included": order.taxes_included,
        "source_name": order.source_name,
        "location_id": None,
        "user_id": None,
        "email": order.email or "",
        "contact_email": order.email,
        "phone": order.phone,
        "note": order.note,
        "tags": tags_text(order.tags),
        "note_attributes": [],
        "payment_gateway_names": sorted({t.gateway for t in order.transactions}),
        "duties_included": False,
        "merchant_business_entity_id": f"{state.shop.id}",
        "fulfillments": [
            {
                "id": f.id,
                "order_id": order.id,
                "status": f.status,
                "created_at": time_text(f.created_at, zone),
            }
            for f in order.fulfillments
        ],
    }


def _order_parts(order: Order) -> Json:
    return {
        "discount_codes": [
            {"code": use.code, "amount": totals.text(use.amount, order), "type": use.kind}
            for use in order.discount_codes
        ],
        "discount_applications": [
            _application(order, index) for index in range(len(order.discount_applications))
        ],
        "tax_lines": _order_tax_lines(order),
        "line_items": [_line(order, line) for line in order.lines],
        "shipping_lines": [_shipping_line(order, line) for line in order.shipping_lines],
        "refunds": [refund(order, each) for each in order.refunds],
        "returns": [],
        "line_item_groups": [],
    }


def _order_money(order: Order) -> Json:
    amounts = {
        "subtotal_price": totals.subtotal(order),
        "total_price": totals.total(order),
        "current_subtotal_price": totals.current_subtotal(order),
        "current_total_price": totals.current_total(order),
        "current_total_tax": totals.current_tax(order),
        "current_total_discounts": totals.current_discounts(order),
        "total_discounts": totals.discounts(order),
        "total_line_items_price": totals.line_items_price(order),
        "total_tax": totals.tax(order),
    }
    strings = {name: totals.text(amount, order) for name, amount in amounts.items()}
    bags = {f"{name}_set": bag(amount, order.currency) for name, amount in amounts.items()}
    zero = bag(0, order.currency)
    return {
        **strings,
        **bags,
        "total_tip_received": totals.text(0, order),
        "total_outstanding": totals.text(max(0, totals.outstanding(order)), order),
        "total_shipping_price_set": bag(totals.shipping(order), order.currency),
        "current_shipping_price_set": bag(totals.current_shipping(order), order.currency),
        "total_cash_rounding_payment_adjustment_set": zero,
        "total_cash_rounding_refund_adjustment_set": zero,
    }


def _application(order: Order, index: int) -> Json:
    application = order.discount_applications[index]
    label = "code" if application.kind == "discount_code" else "title"
    return {
        "target_type": application.target_type,
        "type": application.kind,
        "value": application.value,
        "value_type": application.value_type,
        "allocation_method": application.allocation_method,
        "target_selection": application.target_selection,
        label: application.title,
    }


def _tax_line(tax: TaxLine, currency: str) -> Json:
    return {
        "channel_liable": False,
        "price": money.to_text(tax.price, currency),
        "price_set": bag(tax.price, currency),
        "rate": float(tax.rate),  # a JSON number at Shopify too
        "title": tax.title,
    }


def _order_tax_lines(order: Order) -> list[Json]:
    sums: dict[tuple[str, str], int] = {}
    for line in order.all_lines:
        for tax in line.tax_lines:
            sums[tax.title, tax.rate] = sums.get((tax.title, tax.rate), 0) + tax.price
    return [_tax_line(TaxLine(title, rate, price), order.currency) for (title, rate), price in sums.items()]


def _allocations(line: LineItem | ShippingLine, currency: str) -> list[Json]:
    return [
        {
            "amount": money.to_text(allocation.amount, currency),
            "amount_set": bag(allocation.amount, currency),
            "discount_application_index": allocation.application,
        }
        for allocation in line.allocations
    ]


def _line(order: Order, line: LineItem) -> Json:
    currency = order.currency
    open_pieces = max(0, line.current_quantity - line.fulfilled_quantity)
    done = "fulfilled" if line.fulfilled_quantity and not open_pieces else None
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "title": line.title,
        "variant_title": line.variant_title,
        "name": f"{line.title} - {line.variant_title}" if line.variant_title else line.title,
        "sku": line.sku,
        "vendor": line.vendor,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": open_pieces,
        "fulfillment_status": "partial" if line.fulfilled_quantity and open_pieces else done,
        "fulfillment_service": "manual",
        "price": money.to_text(line.price, currency),
        "price_set": bag(line.price, currency),
        # Code and order discounts stand in the allocations; this one is for discounts of the line alone.
        "total_discount": money.to_text(0, currency),
        "total_discount_set": bag(0, currency),
        "discount_allocations": _allocations(line, currency),
        "tax_lines": [_tax_line(tax, currency) for tax in line.tax_lines],
        "duties": [],
        "gift_card": line.gift_card,
        "taxable": line.taxable,
        "requires_shipping": line.requires_shipping,
        "grams": 0,
        "properties": [],
        "product_exists": line.product_id is not None,
        "variant_inventory_management": None,
        "selling_plan_id": SELLING_PLAN_ID if line.subscription else None,
    }


def _shipping_line(order: Order, line: ShippingLine) -> Json:
    currency = order.currency
    gone = any(s.shipping_line_id == line.id for refund in order.refunds for s in refund.shipping)
    current = totals.current_shipping(order) if gone else totals.shipping_net(line)
    return {
        "id": line.id,
        "title": line.title,
        "code": line.code,
        "source": "shopify",
        "price": money.to_text(line.price, currency),
        "price_set": bag(line.price, currency),
        "discounted_price": money.to_text(totals.shipping_net(line), currency),
        "discounted_price_set": bag(totals.shipping_net(line), currency),
        "current_discounted_price_set": bag(current, currency),
        "discount_allocations": _allocations(line, currency),
        "tax_lines": [_tax_line(tax, currency) for tax in line.tax_lines],
        "carrier_identifier": None,
        "phone": None,
        "is_removed": False,
    }


# -- refunds ---------------------------------------------------------------------------------------


def refund(order: Order, refund: Refund) -> Json:
    currency = order.currency
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": order.id,
        "created_at": refund.created_at.isoformat(timespec="seconds"),
        "processed_at": refund.processed_at.isoformat(timespec="seconds"),
        "note": refund.note,
        "user_id": None,
        "restock": any(line.restock_type != "no_restock" for line in refund.lines),
        "return": None,
        "duties": [],
        "additional_fees": [],
        "total_duties_set": bag(0, currency),
        "order_adjustments": [
            {
                "id": a.id,
                "order_id": order.id,
                "refund_id": refund.id,
                "kind": a.kind,
                "reason": a.reason,
                "amount": money.to_text(a.amount, currency),
                "tax_amount": money.to_text(a.tax, currency),
                "amount_set": bag(a.amount, currency),
                "tax_amount_set": bag(a.tax, currency),
            }
            for a in refund.adjustments
        ],
        "refund_shipping_lines": [
            {
                "id": s.id,
                "shipping_line_id": s.shipping_line_id,
                "subtotal_amount_set": bag(s.subtotal, currency),
                "tax_amount_set": bag(s.tax, currency),
            }
            for s in refund.shipping
        ],
        "refund_line_items": [_refund_line(order, line) for line in refund.lines],
        "transactions": [transaction(order, t) for t in refund.transactions],
    }


def _refund_line(order: Order, line: RefundLine) -> Json:
    currency = order.currency
    bought = next(each for each in order.lines if each.id == line.line_item_id)
    return {
        "id": line.id,
        "line_item_id": line.line_item_id,
        "quantity": line.quantity,
        "location_id": None,
        "restock_type": line.restock_type,
        # Numbers here, strings everywhere else: Shopify's own inconsistency.
        "subtotal": float(money.to_decimal(line.subtotal, currency)),
        "total_tax": float(money.to_decimal(line.tax, currency)),
        "subtotal_set": bag(line.subtotal, currency),
        "total_tax_set": bag(line.tax, currency),
        "line_item": _line(order, bought),
    }


def transaction(order: Order, transaction: Transaction) -> Json:
    return {
        "id": transaction.id,
        "admin_graphql_api_id": gid("OrderTransaction", transaction.id),
        "order_id": order.id,
        "parent_id": transaction.parent_id,
        "kind": transaction.kind,
        "gateway": transaction.gateway,
        "status": transaction.status,
        "message": None,
        "amount": money.to_text(transaction.amount, order.currency),
        "currency": order.currency,
        "test": transaction.test,
        "created_at": transaction.created_at.isoformat(timespec="seconds"),
        "processed_at": transaction.processed_at.isoformat(timespec="seconds"),
        "source_name": order.source_name,
    }


def order_edit(
    world: World, order: Order, added: list[tuple[int, int]], removed: list[tuple[int, int]]
) -> Json:
    """`added` and `removed`: line id and number of pieces. It says nothing about the order's sums."""
    return {
        "order_edit": {
            "id": world.new_id(),
            "app_id": order.app_id,
            "created_at": order.updated_at.isoformat(timespec="seconds"),
            "notify_customer": False,
            "order_id": order.id,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": line_id, "delta": pieces} for line_id, pieces in added],
                "removals": [{"id": line_id, "delta": pieces} for line_id, pieces in removed],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }
