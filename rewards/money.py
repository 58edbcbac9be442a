"""Money as an integer of minor units with the currency's own exponent (ISO 4217)."""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

# Every currency whose exponent is not 2, from the ISO 4217 list.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
_LARGEST = 2**63 - 1
PLAIN_LENGTH_MAX = 20
"""Longer ones aren't remembered."""
_PLAIN = re.compile(r"([0-9]{1,14})(?:\.([0-9]*))?", re.ASCII)


class BadMoney(ValueError):
    """An amount that is no money of its currency; the message says why."""


def exponent(currency: str) -> int:
    """Digits after the point: JPY 0, EUR 2, KWD 3."""
    return _EXPONENTS.get(currency, 2)


def minor(amount: str | int | Decimal, currency: str) -> int:
    """`minor("12.345", "KWD") == 12345`. Raises BadMoney for what isn't a whole number of minor units."""
    digits = exponent(currency)
    is_short = isinstance(amount, str) and len(amount) <= PLAIN_LENGTH_MAX
    if is_short and (plain := _plain(str(amount), digits)) is not None:
        return plain
    try:
        scaled = Decimal(str(amount)).scaleb(digits)
    except (InvalidOperation, ValueError) as error:
        raise BadMoney(f"“{amount}” is no amount of money.") from error
    if not scaled.is_finite() or abs(scaled) > _LARGEST:
        raise BadMoney(f"“{amount}” is outside of what can be counted.")
    if scaled != scaled.to_integral_value():
        raise BadMoney(f"“{amount}” has more decimals than {currency} has ({digits}).")
    return int(scaled)


@lru_cache(maxsize=10_000)  # prices are the same again and again
def _plain(amount: str, digits: int) -> int | None:
    """What amounts look like nearly always, at a quarter of the cost; None for what doesn't."""
    if found := _PLAIN.fullmatch(amount):
        whole, part = found.groups("")
        if len(part) <= digits:
            return int(whole + part.ljust(digits, "0"))
    return None


def major(amount: int | Fraction, currency: str) -> str:
    """`major(2990, "USD") == "29.90"`; an exact fraction shows at most four decimals more, then "…"."""
    digits = exponent(currency)
    if amount.denominator == 1:
        return _point(amount.numerator, digits)
    return decimal(Fraction(amount, 10**digits), digits, digits + 4)


def units(number: int, currency: str) -> str:
    """So many dollars; yen by the hundred, as a yen is a hundredth of what most units are worth."""
    return major(number * 10 ** (exponent(currency) or 2), currency)


def decimal(exact: Fraction, least: int, most: int) -> str:
    """As a person writes it, with `least` to `most` decimals; "…" says that there would be more."""
    for places in range(least, most + 1):
        scaled, rest = divmod(abs(exact.numerator) * 10**places, exact.denominator)
        if not rest:
            return _point(scaled if exact >= 0 else -scaled, places)
    return _point(scaled if exact >= 0 else -scaled, most) + "…"


def _point(scaled: int, places: int) -> str:
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**places)
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"
