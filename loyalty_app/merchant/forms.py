"""From what was typed to the program document, and from the document's errors back to the fields.

A field's name is its path in the document, so that the panel, `manage.py program apply` and the tests
are judged by the one validator, `documents.checked`, and its errors find their fields by themselves.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from loyalty_app.merchant.answers import Json, Unprocessable
from rewards import documents, programs
from rewards.documents import BadProgram
from rewards.models import Program
from rewards.programs import NotTheNewest
from shopify_bridge.payloads import printable

Reader = Callable[[Any], Any]


class Unreadable(ValueError):
    """This isn't what the field is for; the message says what is."""


def text(value: Any) -> str:
    """On one line, and without what the database refuses."""
    if not isinstance(value, str):
        raise Unreadable("Write some text.")
    return printable(" ".join(value.split()))


def prose(value: Any) -> str:
    """On several lines."""
    if not isinstance(value, str):
        raise Unreadable("Write some text.")
    return "\n".join(text(line) for line in value.strip().splitlines())


def whole(value: Any) -> int:
    digits = str(value).strip().replace(" ", "")
    if not re.fullmatch(r"-?[0-9]{1,18}", digits):
        raise Unreadable("Write a whole number.")
    return int(digits)


def decimal(value: Any) -> str:
    """`1,50` is written as often as `1.50`."""
    amount = str(value).strip()
    if "." not in amount:
        amount = amount.replace(",", ".", 1)
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", amount):
        raise Unreadable("Write an amount such as 5 or 5.50.")
    return amount


def switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("Switch it on or off.")
    return value


def tags(value: Any) -> list[str]:
    """Separated by commas, which Shopify's tags can't contain."""
    return list(dict.fromkeys(tag for part in str(value).split(",") if (tag := text(part))))


def days(value: Any) -> list[int]:
    """`30, 7`"""
    return sorted({whole(part) for part in str(value).split(",") if part.strip()}, reverse=True)


def slugs(value: Any) -> list[str]:
    """What is ticked in a list."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Unreadable("Choose from the list.")
    return list(dict.fromkeys(value))


def optional(reader: Reader) -> Reader:
    def read(value: Any) -> Any:
        return reader(value) if str(value).strip() else None

    return read


PROGRAM_FIELDS: dict[str, Reader] = {
    "name": text,
    "points.one": text,
    "points.many": text,
    "earning.rate.points": whole,
    "earning.rate.per": decimal,
    "earning.rounding": text,
    "earning.award_on": text,
    "earning.hold_days": whole,
    "earning.basis.tax": switch,
    "earning.basis.shipping": switch,
    "earning.basis.before_discounts": switch,
    "earning.basis.gift_cards": switch,
    "earning.excluded_customer_tags": tags,
    "earning.signup_bonus": whole,
    "expiry.policy": text,
    "expiry.months": optional(whole),
    "expiry.period": text,
    "expiry.periods": optional(whole),
    "expiry.notice_days": days,
    "debt": text,
    "return_unused": switch,
}
EXPIRY_FIELDS = {
    "rolling": ("months",),
    "inactivity": ("months",),
    "calendar": ("period", "periods"),
}
"""What a policy of expiry is told besides its name."""
ENTRIES = {
    "earning.rules": "Rule",
    "tiers.levels": "Tier",
    "challenges": "Challenge",
    "gifts": "Gift",
    "rewards": "Reward",
}
"""Lists of the document, and what one of each is called."""


def merged(document: Json, fields: Mapping[str, Reader], typed: Json) -> tuple[Json, dict[str, str]]:
    """The document with what was typed, and what of it can't be read. Fields that weren't sent stay."""
    result = deepcopy(document)
    unreadable: dict[str, str] = {}
    for path, value in typed.items():
        if path not in fields:
            unreadable[""] = f"This form has no field “{path[:80]}”."
            continue
        try:
            _put(result, path, fields[path](value))
        except Unreadable as problem:
            unreadable[path] = str(problem)
    return result, unreadable


def of_one_policy(document: Json, unreadable: dict[str, str]) -> None:
    """The form shows the fields of every policy in turn; those of the chosen one count."""
    expiry = document.get("expiry", {})
    own = EXPIRY_FIELDS.get(expiry.get("policy"), ())
    for name in ("months", "period", "periods"):
        if name not in own:
            expiry.pop(name, None)
            unreadable.pop(f"expiry.{name}", None)
        elif expiry.get(name) is None:
            expiry.pop(name, None)


def checked(
    document: Json,
    currency: str,
    fields: Mapping[str, Reader],
    unreadable: Mapping[str, str],
    prefix: str = "",
) -> Json:
    """`documents.checked`, whose errors stand at the fields of a form about `prefix`, all at once."""
    try:
        complete = documents.checked(document, currency)
    except BadProgram as problem:
        placed = _at_fields(problem.errors, fields, prefix, document)
        raise Unprocessable({**placed, **unreadable}) from problem
    if unreadable:
        raise Unprocessable(dict(unreadable))
    return complete


def save(
    program: Program,
    document: Json,
    author: str,
    version: int,
    fields: Mapping[str, Reader],
    unreadable: Mapping[str, str],
    prefix: str = "",
) -> None:
    """Make it the version in force, unless somebody else has made another one since the page was read."""
    complete = checked(document, program.currency, fields, unreadable, prefix)
    with refused_when_overtaken():
        programs.apply(program, complete, author, expect=version)


@contextmanager
def refused_when_overtaken() -> Iterator[None]:
    """Whoever saves second is told, and nothing is overwritten; nor is what members have had."""
    try:
        yield
    except BadProgram as problem:
        raise Unprocessable({"": str(problem)}) from problem
    except NotTheNewest as problem:
        message = "Somebody else changed the program meanwhile. Reload the page, then change it again."
        raise Unprocessable({"": message}) from problem


def version_in(typed: Json) -> int:
    """Which version the page showed; taken out of what was typed."""
    try:
        return whole(typed.pop("version", ""))
    except Unreadable as problem:
        raise Unprocessable({"": "The page is out of date. Reload it."}) from problem


def is_key(value: Any) -> bool:
    """Whether this is a key as pages make them, so that a double click does a thing once."""
    return isinstance(value, str) and 8 <= len(value) <= 64 and value.isascii() and value.isprintable()


def free_id(title: str, taken: Container[str], otherwise: str) -> str:
    """`5-00-off`, and with a number behind it where that is taken. `otherwise`: of no letters."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")[:30].strip("-") or otherwise
    tried, number = stem, 2
    while tried in taken:
        tried, number = f"{stem}-{number}", number + 1
    return tried


def _at_fields(
    errors: Mapping[str, str], fields: Mapping[str, Reader], prefix: str, document: Json
) -> dict[str, str]:
    """Each error at the field it belongs to; what belongs to none stands above the form."""
    placed: dict[str, str] = {}
    for path, why in errors.items():
        inner = path.removeprefix(prefix) if path.startswith(prefix) else ""
        around = (name for name in fields if inner == name or inner.startswith(f"{name}."))
        home = max(around, key=len, default="")
        said = "Fill this in." if why == "is missing." else why[:1].upper() + why[1:]
        placed.setdefault(home, said if home else f"{_whose(path, document)}: {why}")
    return placed


def _whose(path: str, document: Json) -> str:
    """What a path elsewhere in the document is about: `Rule “Summer”`."""
    for place, kind in ENTRIES.items():
        if found := re.match(rf"{re.escape(place)}\.([0-9]+)\.", path):
            entries: Any = document
            for name in place.split("."):
                entries = entries[name]
            entry = entries[int(found[1])]
            return f"{kind} “{entry.get('title') or entry.get('name') or entry['id']}”"
    return path


def _put(document: Json, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        document = document.setdefault(name, {})
    document[last] = value
