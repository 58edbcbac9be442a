"""What Shopify is told of a discount, word for word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rewards import offers
from shopify_bridge.issuers.terms import Terms, ending, mutation
from shopify_bridge.queries import FOLDER
from tests.rewards.test_kinds import OWN, complete

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMON = {
    "title": "R [loyalty 1-2]",
    "code": "CODE",
    "startsAt": "2026-11-20T12:00:00+00:00",
    "endsAt": None,
    "context": {"customers": {"add": ["gid://shopify/Customer/7001"]}},
    "usageLimit": 1,
    "appliesOncePerCustomer": True,
    "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": True},
}
FIVE = {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}}
CUPS = {"collections": {"add": ["gid://shopify/Collection/1"]}}
MUG = {"products": {"productsToAdd": ["gid://shopify/Product/2"]}}
ONE_FREE = {"discountOnQuantity": {"quantity": "1", "effect": {"percentage": 1.0}}}


def terms(reward: dict[str, Any]) -> Terms:
    points = 40 if reward["kind"] == "variable" else None
    value = offers.price({**reward, "points": 20} if points else reward, "EUR", points).value
    return Terms(reward, COMMON["title"], "CODE", value, "EUR", NOW, None, 7001)


def told(kind: str, **settings: Any) -> dict[str, Any]:
    """What is said besides what every discount says."""
    _, _, discount = mutation(terms(complete(kind, **settings)))
    return {name: said for name, said in discount.items() if COMMON.get(name) != said}


ALL = {"all": True}
OFTEN = {"appliesOnOneTimePurchase": False, "appliesOnSubscription": True}
BOTH = {"appliesOnOneTimePurchase": True, "appliesOnSubscription": True}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("fixed", {}, {"customerGets": {"value": FIVE, "items": ALL}}),
    (
        "variable",
        {},
        {
            "customerGets": {
                "value": {"discountAmount": {"amount": "2.00", "appliesOnEachItem": False}},
                "items": ALL,
            }
        },
    ),
    ("percentage", {}, {"customerGets": {"value": {"percentage": 0.1}, "items": ALL}}),
    ("fixed", {"on": {"collections": [1]}}, {"customerGets": {"value": FIVE, "items": CUPS}}),
    ("fixed", {"on": {"products": [2]}}, {"customerGets": {"value": FIVE, "items": MUG}}),
    (
        "percentage",
        {"on": {"variants": [9]}},
        {
            "customerGets": {
                "value": {"percentage": 0.1},
                "items": {"products": {"productVariantsToAdd": ["gid://shopify/ProductVariant/9"]}},
            }
        },
    ),
    (
        "fixed",
        {"minimum_subtotal": "30"},
        {
            "customerGets": {"value": FIVE, "items": ALL},
            "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "30.00"}},
        },
    ),
    (
        "fixed",
        {"minimum_quantity": 3},
        {
            "customerGets": {"value": FIVE, "items": ALL},
            "minimumRequirement": {"quantity": {"greaterThanOrEqualToQuantity": "3"}},
        },
    ),
    (
        "fixed",
        {"purchase": "subscription"},
        {"customerGets": {"value": FIVE, "items": ALL, **OFTEN}, "recurringCycleLimit": 1},
    ),
    (
        "fixed",
        {"purchase": "any"},
        {"customerGets": {"value": FIVE, "items": ALL, **BOTH}, "recurringCycleLimit": 1},
    ),
    ("free_shipping", {}, {"destination": ALL}),
    (
        "free_shipping",
        {"countries": ["DE", "AT"], "maximum_price": "10", "purchase": "any", "minimum_quantity": 2},
        {
            "destination": {"countries": {"add": ["DE", "AT"], "includeRestOfWorld": False}},
            "maximumShippingPrice": "10.00",
            "minimumRequirement": {"quantity": {"greaterThanOrEqualToQuantity": "2"}},
            "recurringCycleLimit": 1,
            **BOTH,
        },
    ),
    (
        "free_product",
        {},
        {
            "customerBuys": {"items": CUPS, "value": {"quantity": "1"}},
            "customerGets": {"items": MUG, "value": ONE_FREE},
            "usesPerOrderLimit": 1,
        },
    ),
    (
        "free_product",
        {"free": {"collections": [1]}, "minimum_subtotal": "20", "purchase": "subscription", "quantity": 2},
        {
            "customerBuys": {
                "items": CUPS,
                "value": {"amount": "20.00"},
                "isOneTimePurchase": False,
                "isSubscription": True,
            },
            "customerGets": {
                "items": CUPS,
                "value": {"discountOnQuantity": {"quantity": "2", "effect": {"percentage": 1.0}}},
            },
            "usesPerOrderLimit": 1,
        },
    ),
]


@pytest.mark.parametrize(("kind", "settings", "said"), CASES)
def test_a_discount_says(kind: str, settings: dict[str, Any], said: dict[str, Any]) -> None:
    found = told(kind, **settings)
    if kind == "free_shipping":
        assert found.pop("combinesWith") == {**COMMON["combinesWith"], "shippingDiscounts": False}  # type: ignore[dict-item]
    assert found == said


@pytest.mark.parametrize("kind", sorted(OWN.keys() - {"free_product"}))
def test_a_reward_from_before_there_were_these_settings_says_what_it_said(kind: str) -> None:
    old = complete(kind)
    new = mutation(terms(old))
    for name in ("on", "purchase", "minimum_quantity", "countries", "maximum_price"):
        old.pop(name, None)
    assert mutation(terms(old)) == new


@pytest.mark.parametrize("kind", sorted(OWN))
def test_each_kind_has_its_documents(kind: str) -> None:
    made, changed = (
        mutation(terms(complete(kind)))[0],
        ending(terms(complete(kind)), NOW)[0],
    )
    assert f"mutation {made}(" in (FOLDER / f"{made}.graphql").read_text()
    assert f"mutation {changed}(" in (FOLDER / f"{changed}.graphql").read_text()
