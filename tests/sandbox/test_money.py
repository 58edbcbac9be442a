from decimal import Decimal

import pytest

from sandbox import money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12.34", "USD", 1234), ("1999", "JPY", 1999), ("12.345", "KWD", 12345), (Decimal("0.005"), "USD", 1)],
)
def test_minor_units_follow_the_currency(amount: str, currency: str, minor: int) -> None:
    assert money.to_minor(amount, currency) == minor


def test_text_has_the_digits_of_the_currency() -> None:
    assert [money.to_text(5, "USD"), money.to_text(5, "JPY"), money.to_text(-5, "KWD")] == [
        "0.05",
        "5",
        "-0.005",
    ]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (500, [4000, 333], [462, 38]),
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [5, 5], [1, 0]),
        (10, [0, 0], [0, 0]),
        (7, [0, 3], [0, 7]),
    ],
)
def test_a_split_adds_up_exactly(total: int, weights: list[int], parts: list[int]) -> None:
    assert money.split(total, weights) == parts
