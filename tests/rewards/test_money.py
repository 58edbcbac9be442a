"""Minor units there and back, in each currency's own digits."""

from decimal import Decimal
from fractions import Fraction

import pytest

from rewards.money import BadMoney, exponent, major, minor


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("CLP", 0), ("EUR", 2), ("XYZ", 2), ("KWD", 3), ("CLF", 4)]
)
def test_each_currency_has_its_digits(currency, digits):
    assert exponent(currency) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("12.345", "KWD", 12345),
        ("29.90", "USD", 2990),
        ("29.9", "USD", 2990),
        (7, "EUR", 700),
        (Decimal("-0.01"), "EUR", -1),
        ("1999", "JPY", 1999),
        ("1e2", "EUR", 10000),
        (str(Decimal(2**63 - 1) / 100), "EUR", 2**63 - 1),
    ],
)
def test_money_becomes_minor_units(amount, currency, units):
    assert minor(amount, currency) == units


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("abc", "“abc” is no amount of money."),
        ("", "“” is no amount of money."),
        ("1.005", "“1.005” has more decimals than EUR has (2)."),
        ("NaN", "“NaN” is outside of what can be counted."),
        ("Infinity", "“Infinity” is outside of what can be counted."),
        ("92233720368547758.08", "“92233720368547758.08” is outside of what can be counted."),
        ("-92233720368547758.08", "“-92233720368547758.08” is outside of what can be counted."),
    ],
)
def test_what_is_no_money_says_why(amount, said):
    with pytest.raises(BadMoney) as refused:
        minor(amount, "EUR")
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("units", "currency", "shown"),
    [
        (2990, "USD", "29.90"),
        (-2990, "USD", "-29.90"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (1999, "JPY", "1999"),
        (12345, "KWD", "12.345"),
        (Fraction(25, 2), "EUR", "0.125"),
        (Fraction(10001, 10000), "EUR", "0.010001"),
        (Fraction(100001, 100000), "EUR", "0.010000…"),
        (Fraction(1, 3), "EUR", "0.003333…"),
        (Fraction(1, 2), "JPY", "0.5"),
    ],
)
def test_minor_units_become_what_people_read(units, currency, shown):
    assert major(units, currency) == shown
