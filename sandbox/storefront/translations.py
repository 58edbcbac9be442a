"""The `t` filter over an extension's locale files: look-up, interpolation, plural forms, escaping.

https://shopify.dev/docs/storefronts/themes/architecture/locales/storefront-locale-files
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ENTITY = re.compile(r"&(?!(?:[a-zA-Z]+|#\d+|#x[0-9a-fA-F]+);)")
_DEFAULT_SUFFIX = ".default.json"


class Translations:
    """`schema`: the texts of the theme editor, in files of their own."""

    def __init__(self, folder: Path, locale: str, schema: bool = False) -> None:
        self.locale = locale
        kind = ".schema" if schema else ""
        default = next(iter(sorted(folder.glob(f"*.default{kind}.json"))), None)
        names = (f"{locale}{kind}.json", f"{locale.split('-')[0]}{kind}.json")
        self._texts = [
            json.loads(path.read_text())
            for path in (*(folder / name for name in names), default)
            if path is not None and path.is_file()
        ]

    def translate(self, key: str, values: dict[str, Any]) -> str:
        text = next((found for texts in self._texts if (found := self._find(texts, key, values))), None)
        if text is None:
            return f"Translation missing: {self.locale}.{key}"
        safe = text if key.endswith("_html") else _escape_once(text)
        return _PLACEHOLDER.sub(lambda match: _shown(values, match), safe)

    def of_schema(self, text: str) -> str:
        """A name or label in a schema is written out or refers to a text: `t:embed.name`."""
        return self.translate(text[2:], {}) if text.startswith("t:") else text

    def _find(self, texts: dict[str, Any], key: str, values: dict[str, Any]) -> str | None:
        found: Any = texts
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, dict) and "count" in values:
            forms = (plural_form(self.locale, values["count"]), "other")
            found = next((found[form] for form in forms if form in found), None)
        return found if isinstance(found, str) else None


def _shown(values: dict[str, Any], match: re.Match[str]) -> str:
    value = values.get(match[1])
    return "" if value is None else _escape_once(str(value))


def _escape_once(text: str) -> str:
    """Escape, but leave entities as they are, so that a value escaped by the author isn't escaped twice."""
    return html.escape(_ENTITY.sub("\0", text), quote=False).replace("&amp;", "&").replace("\0", "&amp;")


def plural_form(locale: str, count: Any) -> str:
    """The CLDR cardinal rules of the languages that we ship; all others are treated like English."""
    number = abs(int(float(str(count or 0))))
    if locale.split("-")[0] == "ar":
        return _arabic(number)
    if locale.split("-")[0] in ("ja", "zh", "ko", "th", "vi"):
        return "other"
    return "one" if number == 1 else "other"


def _arabic(number: int) -> str:
    if number < 3:
        return ("zero", "one", "two")[number]
    if 3 <= number % 100 <= 10:
        return "few"
    return "many" if number % 100 >= 11 else "other"


def available(folder: Path) -> list[str]:
    """Languages that an extension speaks, its default first."""
    names = sorted(path.name for path in folder.glob("*.json") if not path.name.endswith(".schema.json"))
    defaults = [name.removesuffix(_DEFAULT_SUFFIX) for name in names if name.endswith(_DEFAULT_SUFFIX)]
    return defaults + [name.removesuffix(".json") for name in names if not name.endswith(_DEFAULT_SUFFIX)]
