"""Shopify's JSON becomes facts: pure functions, no database, no network.

Deliveries have the shape of the old REST resources, fetched orders that of GraphQL; both become the
same facts, so that it doesn't matter which of them told us.
https://shopify.dev/docs/api/webhooks  https://shopify.dev/docs/api/admin-graphql
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from rewards.facts import Dispute, FetchedOrder, Line, OrderFact
from rewards.money import BadMoney, minor

Json = dict[str, Any]

ID_MAX = 2**63 - 1
QUANTITY_MAX = 10**9
CODE_LENGTH_MAX = 255
VENDOR_LENGTH_MAX = 255
AMOUNTS = (str, int, Decimal)
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
# Having once been paid in full: https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus
PAID = {"paid", "partially_refunded", "refunded"}
FINANCIAL = PAID | {"pending", "authorized", "partially_paid", "voided", "expired", "unpaid"}
# https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFulfillmentStatus; deliveries say less.
FULFILLMENT = {
    *("fulfilled", "partial", "restocked", "unfulfilled", "partially_fulfilled", "in_progress", "on_hold"),
    *("open", "pending_fulfillment", "request_declined", "scheduled"),
}
ADJUSTMENTS = {"refund_discrepancy", "shipping_refund"}


# https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerEmailMarketingState
CONSENT = {"invalid", "not_subscribed", "pending", "redacted", "subscribed", "unsubscribed"}
# https://shopify.dev/docs/api/admin-graphql/latest/enums/DisputeStatus
DISPUTES_OPEN = {"needs_response", "under_review"}
# What was accepted was given up; what was refunded is found in the order's refunds.
DISPUTES_LOST = {"lost", "accepted"}
DISPUTES_ENDED = DISPUTES_LOST | {"won", "charge_refunded", "prevented"}


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a customer agrees to marketing, by e-mail or by text message, and since when."""

    customer_id: int
    by_text_message: bool
    given: bool
    at: datetime | None


class BadPayload(ValueError):
    """What came can't be understood; the message says what and where."""


def parse(raw: bytes) -> Json:
    """The JSON object in a delivery. Raises BadPayload for whatever else the bytes are."""
    try:
        content = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise BadPayload("the JSON is nested too deeply") from error
    except ValueError as error:
        raise BadPayload(f"no readable JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise BadPayload(f"expected a JSON object, got {type(content).__name__}")
    return content


def order(payload: Json, shop_id: int) -> OrderFact:
    """An order as deliveries of `orders/*` carry it."""
    currency = _currency(payload, "currency")
    status = _state(payload, "financial_status", FINANCIAL)
    customer = _object(payload, "customer")
    refunds = _list(payload, "refunds")
    return OrderFact(
        source_id=shop_id,
        external_id=identifier(payload, "id"),
        updated_at=moment(payload, "updated_at"),
        processed_at=moment(payload, "processed_at" if payload.get("processed_at") else "created_at"),
        currency=currency,
        name=printable(payload.get("name"))[:60],
        customer_id=identifier(customer, "id") if customer.get("id") else None,
        paid=status in PAID,
        partly_paid=status == "partially_paid",
        fulfilled=_state(payload, "fulfillment_status", FULFILLMENT) == "fulfilled",
        cancelled=payload.get("cancelled_at") is not None or status == "voided",
        wholly_refunded=status == "refunded",
        test=payload.get("test") is True,
        taxes_included=payload.get("taxes_included") is True,
        channel=printable(payload.get("source_name") or "")[:60],
        lines=tuple(_line(line, currency) for line in _list(payload, "line_items")),
        shipping=_set_amount(payload.get("current_shipping_price_set"), currency),
        shipping_tax=_shipping_tax(
            _list(payload, "shipping_lines"), lambda tax: _money(tax, "price", currency)
        ),
        unexplained_refund=max(0, -sum(_discrepancy(refund, currency) for refund in refunds)),
        codes=_codes(code.get("code") for code in _list(payload, "discount_codes")),
        refunds=tuple(sorted(identifier(refund, "id") for refund in refunds)),
    )


def names_products(payload: Json) -> bool:
    """Whether the lines say of what product they are, as subscriptions of an earlier release didn't ask."""
    return all("product_id" in line for line in _list(payload, "line_items"))


def fetched_order(node: Json, shop_id: int) -> FetchedOrder:
    """An order as our document `order.graphql` fetches it."""
    currency = _currency(node, "currencyCode")
    status = _state(node, "displayFinancialStatus", FINANCIAL)
    customer = node["customer"]
    fact = OrderFact(
        source_id=shop_id,
        external_id=int(node["legacyResourceId"]),
        updated_at=moment(node, "updatedAt"),
        processed_at=moment(node, "processedAt"),
        currency=currency,
        name=printable(node["name"])[:60],
        customer_id=int(customer["legacyResourceId"]) if customer else None,
        paid=status in PAID or _was_paid(node, currency),
        partly_paid=status == "partially_paid",
        fulfilled=_state(node, "displayFulfillmentStatus", FULFILLMENT) == "fulfilled",
        cancelled=node["cancelledAt"] is not None or status == "voided",
        wholly_refunded=status == "refunded",
        test=node["test"],
        taxes_included=node["taxesIncluded"],
        channel=printable(node["sourceName"] or "")[:60],
        lines=tuple(_node_line(line, currency) for line in node["lineItems"]["nodes"]),
        shipping=_node_amount(node["currentShippingPriceSet"], currency),
        shipping_tax=_shipping_tax(
            node["shippingLines"]["nodes"], lambda tax: _node_amount(tax["priceSet"], currency), "taxLines"
        ),
        unexplained_refund=max(0, -_node_amount(node["refundDiscrepancySet"], currency)),
        codes=_codes(node["discountCodes"]),
        refunds=tuple(sorted(int(refund["legacyResourceId"]) for refund in node["refunds"])),
    )
    ordinal, previous_at = _place(node)
    return FetchedOrder(
        fact,
        customer_tags=tuple(customer["tags"]) if customer else (),
        paid_at=_paid_at(node),
        fulfilled_at=_fulfilled_at(node),
        ordinal=ordinal,
        previous_at=previous_at,
    )


def dispute(payload: Json, at: datetime) -> Dispute:
    """A dispute as deliveries of `disputes/*` carry it: without its moment, which their header says."""
    currency = _currency(payload, "currency")
    status = _state(payload, "status", DISPUTES_OPEN | DISPUTES_ENDED)
    kind = _state(payload, "type", {"inquiry", "chargeback"})
    if not status or not kind:
        raise BadPayload("a dispute without a status or a type")
    amount = _amount(payload, "amount", currency)
    if amount < 0:
        raise BadPayload("amount is below zero")
    return Dispute(
        id=identifier(payload, "id"),
        amount=amount,
        currency=currency,
        lost=kind == "chargeback" and status in DISPUTES_LOST,
        final=status in DISPUTES_ENDED,
        at=at,
    )


def text(payload: Json, name: str) -> str:
    """A text that must be there."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise BadPayload(f"{name} is missing or no text")
    return value


def consent(payload: Json) -> Consent:
    """What the topics of consent carry, the one of e-mails and the one of text messages."""
    by_text_message = "sms_marketing_consent" in payload
    said = _object(payload, "sms_marketing_consent" if by_text_message else "email_marketing_consent")
    return Consent(
        customer_id=identifier(payload, "id" if by_text_message else "customer_id"),
        by_text_message=by_text_message,
        given=_state(said, "state", CONSENT) == "subscribed",
        at=moment(said, "consent_updated_at") if said.get("consent_updated_at") else None,
    )


def identifier(payload: Json, name: str) -> int:
    """A numeric id that must be there."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= ID_MAX:
        raise BadPayload(f"{name} is missing or no id")
    return value


def moment(payload: Json, name: str) -> datetime:
    """A moment that must be there with its offset, in UTC: deliveries and answers use different offsets."""
    try:
        value = datetime.fromisoformat(text(payload, name))
    except ValueError as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload(f"{name} is no moment") from error
    if value.tzinfo is None or not 1970 <= value.year <= 9000:
        raise BadPayload(f"{name} is no moment that can be kept")
    return value.astimezone(UTC)


def zone(name: Any) -> str:
    """The name of a time zone that exists."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise BadPayload("iana_timezone is no time zone") from error


def printable(value: Any) -> str:
    """A text without control characters and lone surrogates, which the database refuses."""
    found = value if isinstance(value, str) else ""
    return found if found.isprintable() else "".join(char for char in found if char.isprintable())


def gid_number(gid: Any) -> int:
    """`gid://shopify/Customer/7` is 7."""
    tail = str(gid).rpartition("/")[2]
    if not (tail.isascii() and tail.isdigit() and len(tail) < 20) or not 0 < int(tail) <= ID_MAX:
        raise BadPayload("expected an id such as gid://shopify/Customer/7")
    return int(tail)


def _line(line: Json, currency: str) -> Line:
    ordered = _quantity(line, "quantity")
    return Line(
        id=identifier(line, "id"),
        price=_amount(line, "price", currency),
        ordered=ordered,
        current=_quantity(line, "current_quantity") if "current_quantity" in line else ordered,
        discount=sum(_money(part, "amount", currency) for part in _list(line, "discount_allocations")),
        tax=sum(_money(tax, "price", currency) for tax in _list(line, "tax_lines")),
        gift_card=line.get("gift_card") is True,
        # Null for what is sold without a product, and once the product or variant is deleted.
        product_id=identifier(line, "product_id") if line.get("product_id") else 0,
        variant_id=identifier(line, "variant_id") if line.get("variant_id") else 0,
        vendor=_vendor(line),
    )


def _node_line(line: Json, currency: str) -> Line:
    return Line(
        id=gid_number(line["id"]),
        price=_node_amount(line["originalUnitPriceSet"], currency),
        ordered=line["quantity"],
        current=line["currentQuantity"],
        discount=sum(
            _node_amount(part["allocatedAmountSet"], currency) for part in line["discountAllocations"]
        ),
        tax=sum(_node_amount(tax["priceSet"], currency) for tax in line["taxLines"]),
        gift_card=line["isGiftCard"],
        product_id=_node_number(line.get("product")),
        variant_id=_node_number(line.get("variant")),
        vendor=_vendor(line),
    )


def _node_number(node: Json | None) -> int:
    """0 for what isn't there, or isn't shown to an app that may not read products."""
    return int(node["legacyResourceId"]) if node else 0


def _vendor(line: Json) -> str:
    return printable(line.get("vendor"))[:VENDOR_LENGTH_MAX]


def _place(node: Json) -> tuple[int | None, datetime | None]:
    """Which order of its customer this one is, by when they were processed, and when the one before it was.

    Shopify counts every order that a customer ever made, cancelled ones too, test orders aside; it shows
    those of the last 60 days. What was cancelled isn't the order before.
    """
    customer = node["customer"] or {}
    if "numberOfOrders" not in customer or node["test"]:
        return None, None
    shown, own = customer["orders"]["nodes"], _rank(node)
    if customer["orders"]["pageInfo"]["hasNextPage"] and all(_rank(one) > own for one in shown):
        # More orders came after it than were asked for: it is the first one that is shown, or it isn't.
        oldest = [int(one["legacyResourceId"]) for one in customer["oldest"]["nodes"]]
        return 1 if int(node["legacyResourceId"]) in oldest else 2, None
    counted = sorted((one for one in shown if not one["test"]), key=_rank)
    earlier = [one for one in counted if _rank(one) < own]
    later = [one for one in counted if _rank(one) > own]
    # The count may lag behind an order that was made just now.
    ordinal = max(len(earlier) + 1, int(customer["numberOfOrders"]) - len(later))
    previous = next((one for one in reversed(earlier) if one["cancelledAt"] is None), None)
    return ordinal, moment(previous, "processedAt") if previous else None


def _rank(node: Json) -> tuple[datetime, int]:
    return moment(node, "processedAt"), int(node["legacyResourceId"])


def _discrepancy(refund: Json, currency: str) -> int:
    """In the customer's favour it is negative, as `refundDiscrepancySet` is; shipping is no part of it."""
    return sum(
        _money(adjustment, "amount", currency)
        + (_money(adjustment, "tax_amount", currency) if adjustment.get("tax_amount") else 0)
        for adjustment in _list(refund, "order_adjustments")
        if _state(adjustment, "kind", ADJUSTMENTS) == "refund_discrepancy"
    )


def _shipping_tax(lines: list[Json], amount: Callable[[Json], int], name: str = "tax_lines") -> int:
    return sum(amount(tax) for line in lines for tax in _list(line, name))


def _was_paid(node: Json, currency: str) -> bool:
    """An order that an edit made dearer owes money again; it was paid in full before."""
    total = _node_amount(node["originalTotalPriceSet"], currency)
    return 0 < total <= _node_amount(node["totalReceivedSet"], currency)


def _paid_at(node: Json) -> datetime | None:
    """The last payment that came in, for an order that was paid; none are known for imported ones."""
    received = [
        moment(transaction, "processedAt")
        for transaction in node["transactions"]
        if transaction["kind"] in ("SALE", "CAPTURE")
        and transaction["status"] == "SUCCESS"
        and transaction["processedAt"]
    ]
    return max(received, default=None)


def _fulfilled_at(node: Json) -> datetime | None:
    return max((moment(fulfillment, "createdAt") for fulfillment in node["fulfillments"]), default=None)


def _codes(codes: Any) -> tuple[str, ...]:
    found = (printable(code)[:CODE_LENGTH_MAX] for code in codes)
    return tuple(dict.fromkeys(code for code in found if code))


def _list(payload: Json, name: str) -> list[Json]:
    value = payload.get(name)
    if not value:
        return []
    if not isinstance(value, list) or set(map(type, value)) != {dict}:
        raise BadPayload(f"{name} is no list of objects")
    return value


def _currency(payload: Json, name: str) -> str:
    value = text(payload, name)
    if not CURRENCY.fullmatch(value):
        raise BadPayload(f"{name} is no currency")
    return value


def _object(payload: Json, name: str) -> Json:
    value = payload.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    raise BadPayload(f"{name} is no object")


def _state(payload: Json, name: str, known: set[str]) -> str | None:
    """One of the words we know, in small letters, or nothing: what another would mean nobody can say."""
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value.lower() not in known:
        raise BadPayload(f"unknown {name} {printable(value)[:60]!r}")
    return value.lower()


def _quantity(payload: Json, name: str) -> int:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= QUANTITY_MAX:
        raise BadPayload(f"{name} is no quantity")
    return value


def _amount(payload: Json, name: str, currency: str) -> int:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, AMOUNTS):
        raise BadPayload(f"{name} is missing or no amount")
    try:
        return minor(value, currency)
    except BadMoney as error:
        raise BadPayload(f"{name}: {error}") from error


def _money(part: Json, name: str, currency: str) -> int:
    """In the shop's currency: its own set says so, where there is one."""
    money_set = part.get(f"{name}_set")
    return _set_amount(money_set, currency) if money_set else _amount(part, name, currency)


def _set_amount(money_set: Any, currency: str) -> int:
    if not isinstance(money_set, dict) or not isinstance(money_set.get("shop_money"), dict):
        return 0
    return _amount(money_set["shop_money"], "amount", currency)


def _node_amount(money_bag: Json, currency: str) -> int:
    return _amount(money_bag["shopMoney"], "amount", currency) if money_bag else 0


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
