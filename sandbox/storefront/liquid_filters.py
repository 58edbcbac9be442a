"""The filters of Shopify that a theme app extension may use and that the Liquid library lacks.

https://shopify.dev/docs/api/liquid/filters
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.storefront import prices
from sandbox.storefront.translations import Translations

_JSON_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def filters(
    asset_url: Callable[[str], str], translations: Translations, currency: str, timezone: str
) -> dict[str, Any]:
    """Everything by name, bound to one request."""

    def in_minor(cents: Any) -> int:
        return prices.from_liquid_cents(_number(cents), currency)

    return {
        "asset_url": lambda name: asset_url(str(name)),
        "t": lambda key, **values: translations.translate(str(key), values),
        "translate": lambda key, **values: translations.translate(str(key), values),
        "money": lambda cents: prices.shown(in_minor(cents), currency),
        "money_with_currency": lambda cents: f"{prices.shown(in_minor(cents), currency)} {currency}",
        "money_without_currency": lambda cents: money.to_text(in_minor(cents), currency),
        "money_without_trailing_zeros": lambda cents: re.sub(
            r"\.0+$", "", prices.shown(in_minor(cents), currency)
        ),
        "json": to_json,
        "date": lambda moment, form: _date(moment, str(form), ZoneInfo(timezone)),
        "script_tag": lambda url: f'<script src="{html.escape(str(url))}" type="text/javascript"></script>',
        "stylesheet_tag": _stylesheet_tag,
        "image_url": lambda image, **_: _image_source(image),
        "img_url": lambda image, *_, **__: _image_source(image),
        "handle": handleize,
        "handleize": handleize,
        "color_to_rgb": _color_to_rgb,
        "color_brightness": _color_brightness,
        "color_contrast": _color_contrast,
    }


def to_json(value: Any) -> str:
    """Safe inside a script element and an attribute with single quotes left to the author, as Shopify's."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return "".join(_JSON_ESCAPES.get(letter, letter) for letter in text)


def handleize(value: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")


def _date(moment: Any, form: str, zone: ZoneInfo) -> str:
    """In the shop's own time zone; what is no moment stays as it is."""
    if moment in ("now", "today"):
        return _formatted(datetime.now(UTC), form, zone)
    if isinstance(moment, int) or str(moment).isdigit():
        return _formatted(datetime.fromtimestamp(int(moment), UTC), form, zone)
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError:
        return "" if moment is None else str(moment)
    return _formatted(found if found.tzinfo else found.replace(tzinfo=zone), form, zone)


def _formatted(moment: datetime, form: str, zone: ZoneInfo) -> str:
    # strftime reads %s in the machine's own zone, not in the moment's.
    return moment.astimezone(zone).strftime(form.replace("%s", str(int(moment.timestamp()))))


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def _stylesheet_tag(url: Any) -> str:
    return f'<link href="{html.escape(str(url))}" rel="stylesheet" type="text/css" media="all">'


def _image_source(image: Any) -> str:
    if isinstance(image, dict):
        image = image.get("src") or (image.get("featured_image") or {}).get("src", "")
    return str(image or "")


def _rgb(color: Any) -> tuple[int, int, int]:
    digits = str(color).strip().lstrip("#")
    if len(digits) == 3:
        digits = "".join(letter * 2 for letter in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return 0, 0, 0
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _color_to_rgb(color: Any) -> str:
    return "rgb({}, {}, {})".format(*_rgb(color))


def _color_brightness(color: Any) -> float:
    red, green, blue = _rgb(color)
    return round((red * 299 + green * 587 + blue * 114) / 1000, 2)


def _luminance(color: Any) -> float:
    parts = [part / 255 for part in _rgb(color)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _color_contrast(color: Any, other: Any) -> float:
    """As in WCAG 2, rounded to one digit as Shopify does."""
    light, dark = sorted((_luminance(color), _luminance(other)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 1)
