"""Forms out of the program's schema: each setting a field with its title, so that a new kind of rule needs
no form code.

A field's name is its path in the thing that the form is about, as in `forms`.
"""

import re
from collections.abc import Container, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from loyalty_app.merchant import forms
from loyalty_app.merchant.answers import Json
from loyalty_app.merchant.forms import Reader, Unreadable
from loyalty_app.merchant.things import Titles
from rewards import documents, gifts

PICKED = {"products": "product", "variants": "variant", "collections": "collection", "product": "product"}
"""Settings that hold ids, and what Shopify's picker calls the things."""
THRESHOLDS = ("from", "keep")
"""Amounts of whatever tiers are counted by, not always money."""
LONG = 500
"""What may be longer is a text of several lines."""
CHOICES = {
    "metric": {"spend": "Money spent", "points": "Points earned", "orders": "Number of orders"},
    "window": {
        "lifetime": "All time",
        "calendar_year": "A calendar year; it lasts to the end of the next",
        "rolling_year": "The last twelve months",
    },
    "purchase": {
        "one_time": "What is bought once",
        "subscription": "The first order of a subscription",
        "any": "Both",
    },
    "downgrade": {"fit": "To the tier that fits", "step": "One tier down"},
    "upgrade": {"at_once": "At once", "after_hold": "When the hold of the order is over"},
    "fulfilment": {
        "manual": "We hand it over, and tick it off in the panel",
        "code": "They show a code, and we look it up in the panel",
    },
    "kind": {
        "orders": "A number of orders",
        "collections": "Orders from several collections",
        "months": "An order in each of several months in a row",
    },
}
"""How the choices of a setting are called."""


class Choice(NamedTuple):
    """One of several values: what it is called, and whether it is chosen now."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What a form needs to know besides the schema."""

    currency: str
    zone: str
    tiers: Mapping[str, str] = field(default_factory=dict)
    # Those that can be given.
    rewards: Mapping[str, str] = field(default_factory=dict)
    titles: Titles = field(default_factory=Titles)

    @classmethod
    def of(cls, document: Json, currency: str, zone: str, titles: Titles | None = None) -> "Around":
        levels = {level["id"]: level["name"] for level in document["tiers"]["levels"]}
        rewards = {reward["id"]: reward["title"] for reward in gifts.givable(document)}
        return cls(currency, zone, levels, rewards, titles or Titles())


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `control` is its part of `_field.html`."""

    path: str
    label: str
    control: str
    read: Reader
    value: Any
    details: str = ""
    required: bool = False
    least: int | None = None
    most: int | None = None
    choices: tuple[Choice, ...] = ()
    # What is picked: a product, a variant or a collection.
    thing: str = ""
    time: str = ""

    @property
    def named(self) -> Json:
        """What is chosen, for `picker.js`."""
        return {"path": self.path, "things": self.value}


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that are one object in the document. `may_lack`: it can be switched off as a whole."""

    path: str
    heading: str
    details: str
    fields: tuple[Field, ...]
    groups: tuple["Group", ...] = ()
    may_lack: bool = False
    is_there: bool = True

    def readers(self) -> dict[str, Reader]:
        """By path: how what is typed is read."""
        found: dict[str, Reader] = {self.path: forms.switch} if self.may_lack else {}
        for one in self.fields:
            found[one.path] = one.read
            if one.control == "moment":
                found[f"{one.path}.time"] = forms.text
        for group in self.groups:
            found |= group.readers()
        return found


def group(
    part: Json, value: Json | None, around: Around, path: str = "", without: Container[str] = ()
) -> Group:
    """The fields of an object as the schema has it, with what stands in it now."""
    settings = dict(documents.properties(part, value if value is not None else {}))
    needed = {name for known in documents.parts(part, value or {}) for name in known.get("required", ())}
    fields, groups = [], []
    for name, inner in settings.items():
        if name in without:
            continue
        below = f"{path}.{name}".lstrip(".")
        given = (value or {}).get(name, documents.resolved(inner).get("default"))
        if inside := _object(inner):
            shown = group(inside, given, around, below)
            groups.append(_headed(shown, documents.resolved(inner), given))
        else:
            fields.append(_field(name, below, inner, given, around, required=name in needed))
    return Group(path, "", "", tuple(fields), tuple(groups))


def only(whole: Group, names: Container[str]) -> Group:
    """Some of the fields, without the groups."""
    return Group("", "", "", tuple(one for one in whole.fields if one.path in names))


def within(whole: Group, names: Container[str]) -> Group:
    """Some of the fields, and of the groups."""
    groups = tuple(one for one in whole.groups if one.path in names)
    return replace(only(whole, names), groups=groups)


def without(whole: Group, names: Container[str]) -> Group:
    """The fields and groups but these."""
    named = [one.path for one in whole.fields] + [one.path for one in whole.groups]
    return within(whole, [path for path in named if path not in names])


def merged(shown: Group, thing: Json, typed: Json) -> tuple[Json, dict[str, str]]:
    """The thing with what was typed, and what of it can't be read."""
    result, given = deepcopy(thing), dict(typed)
    for inner in shown.groups:
        if inner.may_lack and inner.path in given:
            _open_or_close(result, inner, given)
    for one in _moments(shown):
        time = given.pop(f"{one.path}.time", "")
        if one.path in given and str(time).strip():
            given[one.path] = f"{str(given[one.path]).strip()}T{str(time).strip()}"
    return forms.merged(result, shown.readers(), given)


def _open_or_close(result: Json, inner: Group, given: Json) -> None:
    is_on = given.pop(inner.path)
    if is_on is True:
        result[inner.path] = result.get(inner.path) or {}
        return
    result[inner.path] = None
    for path in [path for path in given if path.startswith(f"{inner.path}.")]:
        del given[path]


def _moments(shown: Group) -> Iterator[Field]:
    yield from (one for one in shown.fields if one.control == "moment")
    for inner in shown.groups:
        yield from _moments(inner)


# -- one field --------------------------------------------------------------------------------------------


def _field(name: str, path: str, inner: Json, value: Any, around: Around, *, required: bool) -> Field:
    part, reference, may_lack = _plain(inner)
    kind = part.get("type")
    label = part.get("title") or name.replace("_", " ").capitalize()
    details = part.get("description", "")
    say = {"path": path, "label": label, "details": details, "required": required}
    plain = "" if value is None else value
    if kind == "array":
        return _list_field(name, part, reference, value or [], around, say)
    if "enum" in part:
        words = CHOICES.get(name, {})
        say["details"] = ""  # the choices say it themselves
        choices = tuple(_choice(one, words.get(one), one == value) for one in part["enum"])
        return Field(**say, control="choice", read=forms.text, value=plain, choices=choices)
    if reference in ("level_id", "reward_id"):
        named = around.tiers if reference == "level_id" else around.rewards
        choices = tuple(_choice(one, title, one == value) for one, title in named.items())
        return Field(**say, control="choice", read=forms.text, value=plain, choices=choices)
    if kind == "boolean":
        return Field(**say, control="switch", read=forms.switch, value=bool(value))
    if reference == "local_moment":
        day, _, time = str(plain).partition("T")
        return Field(**say, control="moment", read=moment, value=day, time=time)
    if str(part.get("pattern", "")).startswith("^[0-9]{4}-"):
        return Field(**say, control="day", read=forms.optional(forms.text), value=plain)
    if kind == "integer" and name in PICKED:
        chosen = around.titles.shown(PICKED[name], [value] if value else [])
        return Field(**say, control="things", read=one_id, value=chosen, thing=PICKED[name], most=1)
    if kind == "integer":
        read = forms.optional(forms.whole) if may_lack else forms.whole
        least, most = part.get("minimum"), part.get("maximum")
        return Field(**say, control="whole", read=read, value=plain, least=least, most=most)
    if reference in ("money", "factor", "percent"):
        is_money = reference == "money" and name not in THRESHOLDS
        read = forms.optional(forms.decimal) if may_lack else forms.decimal
        return Field(**say, control="money" if is_money else "number", read=read, value=plain)
    most = part.get("maxLength", 0)
    if most > LONG:
        return Field(**say, control="prose", read=forms.prose, value=plain, most=most)
    return Field(**say, control="text", read=forms.text, value=plain, most=most or None)


def _list_field(
    name: str, part: Json, reference: str, value: list[Any], around: Around, say: dict[str, Any]
) -> Field:
    most = part.get("maxItems")
    if name in PICKED:
        chosen = around.titles.shown(PICKED[name], value)
        return Field(**say, control="things", read=ids, value=chosen, thing=PICKED[name], most=most)
    if reference == "slugs":
        known = {**{slug: slug for slug in value}, **around.tiers}
        choices = tuple(_choice(slug, title, slug in value) for slug, title in known.items())
        return Field(**say, control="tiers", read=forms.slugs, value=value, choices=choices)
    return Field(**say, control="lines", read=lines, value="\n".join(value))


def _choice(value: str, label: str | None, is_chosen: bool) -> Choice:
    return Choice(value, label or value.replace("_", " ").capitalize(), is_chosen)


def _plain(inner: Json) -> tuple[Json, str, bool]:
    """What a setting is when it is something, the definition it refers to, and whether it may be nothing."""
    reference, part = _reference(inner), documents.resolved(inner)
    if "anyOf" in part:
        (something,) = [one for one in part["anyOf"] if one.get("type") != "null"]
        own = {name: said for name, said in part.items() if name != "anyOf"}
        return {**documents.resolved(something), **own}, _reference(something), True
    if isinstance(part.get("type"), list):
        (kind,) = [one for one in part["type"] if one != "null"]
        return {**part, "type": kind}, reference, True
    return part, reference, False


def _reference(part: Json) -> str:
    return str(part.get("$ref", "")).rpartition("/")[2]


def _object(inner: Json) -> Json | None:
    """The schema of an object, also where there may be none."""
    part = documents.resolved(inner)
    if part.get("type") == "object":
        return part
    return next((one for one in part.get("anyOf", ()) if one.get("type") == "object"), None)


def _headed(shown: Group, part: Json, value: Json | None) -> Group:
    """`What is bought: whatever ...` is a heading and its details."""
    head, _, rest = str(part.get("description", "")).partition(": ")
    details = rest[:1].upper() + rest[1:]
    heading = head.rstrip(".") or part.get("title", "")
    may_lack = "anyOf" in part
    return Group(shown.path, heading, details, shown.fields, shown.groups, may_lack, value is not None)


# -- readers ----------------------------------------------------------------------------------------------


def lines(value: Any) -> list[str]:
    """One on each line."""
    return list(dict.fromkeys(said for line in str(value).splitlines() if (said := forms.text(line))))


def ids(value: Any) -> list[int]:
    """`12,34`, as the picker writes them."""
    return [forms.whole(part) for part in str(value).split(",") if part.strip()]


def one_id(value: Any) -> int:
    found = ids(value)
    if len(found) != 1:
        raise Unreadable("Choose one.")
    return found[0]


def moment(value: Any) -> str | None:
    """`2026-12-01` or `2026-12-01T9:30`; the hour may have one digit."""
    day, has_time, time = str(value).strip().partition("T")
    if has_time and not day:
        raise Unreadable("Choose the day, too.")
    if has_time:
        hour = re.fullmatch(r"([0-9]{1,2})[:.]([0-9]{2})", time)
        if hour is None:
            raise Unreadable("Write the time as 09:30.")
        return f"{day}T{hour[1]:0>2}:{hour[2]}"
    return day or None
