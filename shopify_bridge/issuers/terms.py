"""What a discount says, and how Shopify is told: pure. A new kind of discount is a function here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rewards.money import major

Json = dict[str, Any]
Mutation = tuple[str, str, Json]
"""(our document, the mutation's name in it, its input)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One discount: what it gives, by the settings of a reward, and to whom."""

    reward: Json
    title: str
    code: str
    # Minor units; None: the reward's kind has no value of its own.
    value: int | None
    currency: str
    starts_at: datetime
    ends_at: datetime | None
    # None: whoever has the code.
    customer_id: int | None


def mutation(terms: Terms) -> Mutation:
    """What makes this discount."""
    return _MUTATIONS[terms.reward["kind"]](terms)


def ending(terms: Terms, until: datetime) -> Mutation:
    """What gives a discount that was made with these terms another end."""
    operation, field, _ = mutation(terms)
    return (
        operation.replace("_create", "_update"),
        field.replace("Create", "Update"),
        {"endsAt": until.isoformat()},
    )


def _amount_off(terms: Terms) -> Mutation:
    assert terms.value is not None  # of these kinds each has a value
    amount = major(terms.value, terms.currency)
    return _basic(terms, {"discountAmount": {"amount": amount, "appliesOnEachItem": False}})


def _percentage(terms: Terms) -> Mutation:
    return _basic(terms, {"percentage": float(terms.reward["percent"]) / 100})


def _basic(terms: Terms, value: Json) -> Mutation:
    discount = {**_common(terms), "customerGets": {"value": value, "items": {"all": True}}}
    return "discount_basic_create", "discountCodeBasicCreate", discount


def _free_shipping(terms: Terms) -> Mutation:
    discount = {**_common(terms), "destination": {"all": True}}
    # Shopify has no such switch here: there is one shipping discount in an order.
    discount["combinesWith"]["shippingDiscounts"] = False
    return "discount_free_shipping_create", "discountCodeFreeShippingCreate", discount


_MUTATIONS: dict[str, Callable[[Terms], Mutation]] = {
    "fixed": _amount_off,
    "variable": _amount_off,
    "percentage": _percentage,
    "free_shipping": _free_shipping,
}


def _common(terms: Terms) -> Json:
    """What every discount says."""
    reward, combines = terms.reward, terms.reward["combines_with"]
    discount: Json = {
        "title": terms.title,
        "code": terms.code,
        "startsAt": terms.starts_at.isoformat(),
        "endsAt": terms.ends_at.isoformat() if terms.ends_at else None,
        "context": _context(terms.customer_id),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "combinesWith": {
            "orderDiscounts": combines["order"],
            "productDiscounts": combines["product"],
            "shippingDiscounts": combines["shipping"],
        },
    }
    if reward["minimum_subtotal"]:
        minimum = {"greaterThanOrEqualToSubtotal": reward["minimum_subtotal"]}
        discount["minimumRequirement"] = {"subtotal": minimum}
    return discount


def _context(customer_id: int | None) -> Json:
    if customer_id is None:
        return {"all": "ALL"}
    return {"customers": {"add": [f"gid://shopify/Customer/{customer_id}"]}}
