"""What can be said to the domain: frozen facts, free of any shop system's words.

Money is in minor units of the program's currency; moments are aware datetimes.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. Discount and tax are for the whole ordered quantity."""

    id: int
    price: int
    ordered: int
    current: int
    discount: int = 0
    tax: int = 0
    gift_card: bool = False
    # 0 and empty: a line of no product, or of one that is gone.
    product_id: int = 0
    variant_id: int = 0
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class OrderFact:
    """The state of an order at one moment (`updated_at`), of one source (a shop)."""

    source_id: int
    external_id: int
    updated_at: datetime
    processed_at: datetime
    currency: str
    lines: tuple[Line, ...] = ()
    # What people call it, such as "#1002".
    name: str = ""
    customer_id: int | None = None
    paid: bool = False
    # Money is missing. An order that was paid in full and then became dearer looks like this too.
    partly_paid: bool = False
    fulfilled: bool = False
    cancelled: bool = False
    wholly_refunded: bool = False
    test: bool = False
    taxes_included: bool = False
    channel: str = ""
    # What shipping costs now, without its refunds, and the tax in it.
    shipping: int = 0
    shipping_tax: int = 0
    # Refunded money that no line, tax, shipping or duty explains.
    unexplained_refund: int = 0
    codes: tuple[str, ...] = ()
    # Ids of the refunds that this state takes into account.
    refunds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedOrder:
    """An order asked for on purpose: its state, and what no delivery carries."""

    fact: OrderFact
    customer_tags: tuple[str, ...] = ()
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    # Its place among the customer's orders, 1 for the first, and when the one before it was processed.
    ordinal: int | None = None
    previous_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProductFact:
    """What rules ask of a product. One that no longer exists has none of it, so nothing matches it."""

    tags: frozenset[str] = frozenset()
    collections: frozenset[int] = frozenset()


NO_PRODUCT = ProductFact()


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order whose state isn't known for sure: fetch it."""

    source_id: int
    external_id: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment of an order that its buyer's bank questions. `lost`: the shop has to give it back."""

    id: int
    amount: int
    currency: str
    lost: bool
    # Nothing comes after it.
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerFact:
    """A customer exists."""

    source_id: int
    external_id: int
    created_at: datetime | None = None


def as_data(fact: OrderFact) -> dict[str, Any]:
    """The fact as JSON data, to be kept with the order."""
    data = dict(zip(ORDER_FIELDS, _of_order(fact), strict=True))
    data["updated_at"] = fact.updated_at.isoformat()
    data["processed_at"] = fact.processed_at.isoformat()
    data["codes"] = list(fact.codes)
    data["refunds"] = list(fact.refunds)
    data["lines"] = [_without_defaults(line) for line in fact.lines]
    return data


def from_data(data: dict[str, Any]) -> OrderFact:
    """The inverse of `as_data`."""
    return OrderFact(
        **{
            **data,
            "updated_at": datetime.fromisoformat(data["updated_at"]),
            "processed_at": datetime.fromisoformat(data["processed_at"]),
            "codes": tuple(data["codes"]),
            "refunds": tuple(data.get("refunds", ())),
            "lines": tuple(Line(**line) for line in data["lines"]),
        }
    )


def remembering(fact: OrderFact, known: dict[str, Any] | None) -> OrderFact:
    """The fact with the products that its lines named before: those deleted since are no longer named."""
    if known is None or all(line.product_id and line.variant_id for line in fact.lines):
        return fact
    before = {line["id"]: line for line in known["lines"]}
    return replace(fact, lines=tuple(_remembering(line, before.get(line.id, {})) for line in fact.lines))


def _remembering(line: Line, before: dict[str, Any]) -> Line:
    return replace(
        line,
        product_id=line.product_id or before.get("product_id", 0),
        variant_id=line.variant_id or before.get("variant_id", 0),
    )


def _without_defaults(line: Line) -> dict[str, Any]:
    told = zip(LINE_FIELDS, LINE_DEFAULTS, _of_line(line), strict=True)
    return {name: value for name, usual, value in told if value != usual}


ORDER_FIELDS = [field.name for field in fields(OrderFact)]
LINE_FIELDS = [field.name for field in fields(Line)]
LINE_DEFAULTS = [field.default for field in fields(Line)]
_of_order, _of_line = attrgetter(*ORDER_FIELDS), attrgetter(*LINE_FIELDS)
