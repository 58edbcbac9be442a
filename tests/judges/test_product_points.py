"""The product block promises what the server later pays."""

import json
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.earning import ROUNDINGS
from sandbox.storefront.extension import Extension
from tests.judges.node import EXTENSION

BLOCK = Extension(EXTENSION).block("points-on-product")
assert BLOCK is not None
TEMPLATE = Extension(EXTENSION).environment("en", "USD").from_string(BLOCK.source)


def printed(price: int, program: dict[str, Any], **cart: Any) -> str:
    product = {
        "price": price,
        "gift_card?": False,
        "price_varies": True,
        "selected_or_first_available_variant": {"id": 1, "price": price},
        "variants": [{"id": 1, "price": price}, {"id": 2, "price": price + 100}],
    }
    return TEMPLATE.render(
        app={"metafields": {"loyalty": {"program": {"value": program}}}},
        block={"settings": {"show_how": False}},
        cart={"currency": {"iso_code": "USD"}, **cart},
        product=product,
    )


def program(points: int = 1, per: str = "1.00", rounding: str = "down", **more: Any) -> dict[str, Any]:
    names = {"one": "point", "many": "points"}
    rate = {"points": points, "per": per}
    return {"currency": "USD", "points": names, "rate": rate, "rounding": rounding, **more}


@given(
    price=st.integers(0, 10**9),
    points=st.integers(1, 1000),
    per=st.sampled_from(["1.00", "10.00", "2.50", "0.01", "3", "0.125", "1.000", "99.99"]),
    rounding=st.sampled_from(sorted(ROUNDINGS)),
)
def test_the_block_rounds_like_the_server(price: int, points: int, per: str, rounding: str) -> None:
    found = re.search(r'data-loyalty-points="(-?\d+)"', printed(price, program(points, per, rounding)))
    assert found is not None
    assert int(found[1]) == ROUNDINGS[rounding](Fraction(price, 100) * points / Fraction(per))


def test_the_prices_of_the_variants_are_there_for_the_script() -> None:
    found = re.search(r"data-loyalty-prices>(.*?)</script>", printed(1150, program()), re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == {"1": 1150, "2": 1250}


@pytest.mark.parametrize(
    ("cart", "text"),
    [
        ({}, "Earn 11 points with this product."),
        ({"taxes_included": True}, "Earn up to 11 points with this product."),
        ({"currency": {"iso_code": "EUR"}}, "You earn 1 point for every 1.00 USD you spend."),
    ],
)
def test_the_promise_is_never_larger_than_what_is_known(cart: dict[str, Any], text: str) -> None:
    assert text in printed(1150, program(), **cart)


def test_names_are_escaped_once() -> None:
    names = {"one": "<b>star</b>", "many": "bits & bobs"}
    page = printed(200, {**program(), "points": names})
    assert "Earn 2 bits &amp; bobs with" in page
    assert "<b>" not in page
