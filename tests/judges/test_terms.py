"""What Shopify is told of discounts, beside the real schema."""

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, Undefined, coerce_input_value

from rewards.kinds.free_shipping import COUNTRIES
from shopify_bridge.issuers.terms import mutation
from tests.judges.test_documents import schema
from tests.rewards.test_kinds import complete
from tests.shopify_bridge.test_terms import CASES, terms

INPUTS = {
    "discountCodeBasicCreate": "DiscountCodeBasicInput",
    "discountCodeBxgyCreate": "DiscountCodeBxgyInput",
    "discountCodeFreeShippingCreate": "DiscountCodeFreeShippingInput",
}


@pytest.mark.parametrize(("kind", "settings"), [(kind, settings) for kind, settings, _ in CASES])
def test_the_real_schema_takes_it(kind: str, settings: dict[str, Any]) -> None:
    _, field, discount = mutation(terms(complete(kind, **settings)))
    wanted = schema().type_map[INPUTS[field]]
    assert isinstance(wanted, GraphQLInputObjectType)
    assert coerce_input_value(discount, wanted) is not Undefined
    assert coerce_input_value({**discount, "unknown": 1}, wanted) is Undefined


def test_the_countries_are_shopifys() -> None:
    countries = schema().type_map["CountryCode"]
    assert isinstance(countries, GraphQLEnumType)
    assert {*countries.values} - {"ZZ"} == COUNTRIES  # ZZ: unknown
