"""Money as the shopper reads it, and as Liquid holds it."""

from __future__ import annotations

from decimal import Decimal

from sandbox import money

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "$", "AUD": "$"}


def shown(minor: int, currency: str) -> str:
    """1234 USD -> '$12.34'; a currency without a sign of its own is named after the amount."""
    text = f"{money.to_decimal(abs(minor), currency):,.{money.digits(currency)}f}"
    sign = _SIGNS.get(currency)
    return ("-" if minor < 0 else "") + (f"{sign}{text}" if sign else f"{text} {currency}")


def liquid_cents(minor: int, currency: str) -> int:
    """Liquid counts in hundredths of the currency's unit, even where the currency has none.
    https://shopify.dev/docs/api/liquid/objects/product#product-price
    """
    return int(money.to_decimal(minor, currency) * 100)


def from_liquid_cents(cents: Decimal, currency: str) -> int:
    return money.to_minor(cents / 100, currency)
