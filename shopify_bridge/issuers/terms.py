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
    reward = terms.reward
    gets = {"value": value, "items": _items(reward.get("on", {})), **_purchase(reward)}
    discount = {**_common(terms), **_minimum(reward), **_cycles(reward), "customerGets": gets}
    return "discount_basic_create", "discountCodeBasicCreate", discount


def _free_shipping(terms: Terms) -> Mutation:
    reward = terms.reward
    discount = {**_common(terms), **_minimum(reward), **_cycles(reward), **_purchase(reward)}
    countries = {"add": reward.get("countries"), "includeRestOfWorld": False}
    discount["destination"] = {"countries": countries} if countries["add"] else {"all": True}
    if reward.get("maximum_price"):
        discount["maximumShippingPrice"] = reward["maximum_price"]
    # Shopify has no such switch here: there is one shipping discount in an order.
    discount["combinesWith"]["shippingDiscounts"] = False
    return "discount_free_shipping_create", "discountCodeFreeShippingCreate", discount


def _free_product(terms: Terms) -> Mutation:
    """Buying X to get Y, once: a discount of 100% on a product would make every piece in the cart free."""
    reward = terms.reward
    free = {"quantity": str(reward["quantity"]), "effect": {"percentage": 1.0}}
    discount = {
        **_common(terms),
        "usesPerOrderLimit": 1,
        "customerBuys": {"items": _items(reward["on"]), "value": _bought(reward), **_bought_how(reward)},
        "customerGets": {"items": _items(reward["free"]), "value": {"discountOnQuantity": free}},
    }
    return "discount_bxgy_create", "discountCodeBxgyCreate", discount


_MUTATIONS: dict[str, Callable[[Terms], Mutation]] = {
    "fixed": _amount_off,
    "variable": _amount_off,
    "percentage": _percentage,
    "free_shipping": _free_shipping,
    "free_product": _free_product,
}


def _common(terms: Terms) -> Json:
    """What every discount says."""
    combines = terms.reward["combines_with"]
    return {
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


def _items(goods: Json) -> Json:
    """Shopify takes one kind of goods."""
    if goods.get("products"):
        return {"products": {"productsToAdd": _gids("Product", goods["products"])}}
    if goods.get("variants"):
        return {"products": {"productVariantsToAdd": _gids("ProductVariant", goods["variants"])}}
    if goods.get("collections"):
        return {"collections": {"add": _gids("Collection", goods["collections"])}}
    return {"all": True}


def _gids(kind: str, ids: list[int]) -> list[str]:
    return [f"gid://shopify/{kind}/{id}" for id in ids]


def _minimum(reward: Json) -> Json:
    if reward["minimum_subtotal"]:
        minimum = {"subtotal": {"greaterThanOrEqualToSubtotal": reward["minimum_subtotal"]}}
    elif reward.get("minimum_quantity"):
        minimum = {"quantity": {"greaterThanOrEqualToQuantity": str(reward["minimum_quantity"])}}
    else:
        return {}
    return {"minimumRequirement": minimum}


def _bought(reward: Json) -> Json:
    """What has to be bought to get something, which has no minimum of the order besides."""
    if reward["minimum_subtotal"]:
        return {"amount": reward["minimum_subtotal"]}
    return {"quantity": str(reward["minimum_quantity"] or 1)}


def _purchase(reward: Json) -> Json:
    """A shop without subscriptions may not name them, so what is usual isn't said."""
    if _is_usual(reward):
        return {}
    return {"appliesOnOneTimePurchase": reward["purchase"] == "any", "appliesOnSubscription": True}


def _bought_how(reward: Json) -> Json:
    if _is_usual(reward):
        return {}
    return {"isOneTimePurchase": reward["purchase"] == "any", "isSubscription": True}


def _cycles(reward: Json) -> Json:
    """Of a subscription, the first order only: a reward is had once."""
    return {} if _is_usual(reward) else {"recurringCycleLimit": 1}


def _is_usual(reward: Json) -> bool:
    return bool(reward.get("purchase", "one_time") == "one_time")


def _context(customer_id: int | None) -> Json:
    if customer_id is None:
        return {"all": "ALL"}
    return {"customers": {"add": [f"gid://shopify/Customer/{customer_id}"]}}
