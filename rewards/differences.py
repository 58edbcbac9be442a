"""What is different between two programs, in a merchant's words. Pure.

Settings are called by their titles in `docs/program.schema.json`, so that one added there shows here by
itself. What has an id - rewards, rules, tiers, challenges - is compared with what has the same.
"""

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rewards import documents, rules
from rewards.rules import Saying

Json = dict[str, Any]

LISTED_MOST = 8
"""Of a longer list, so many are named."""
ID_MOST = 2**63 - 1
"""A number that may be as large as this is an id, not an amount."""
THRESHOLDS = ("tiers.levels.from", "tiers.levels.keep")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?")


def differences(before: Json, after: Json, currency: str) -> list[str]:
    """Sentences for all that differs between two complete documents; none: they are the same."""
    sides = _Side(before, currency), _Side(after, currency)
    return list(_objects(_Place(), documents.schema(), before, after, sides))


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two documents: it says what its values mean."""

    document: Json
    currency: str

    def points(self, count: int) -> str:
        return f"{count:,} {self.document['points']['one' if count == 1 else 'many']}"

    def tier(self, slug: str) -> str:
        names = {level["id"]: level["name"] for level in self.document["tiers"]["levels"]}
        return f"“{names.get(slug, slug)}”"

    def threshold(self, amount: str) -> str:
        return self.money(amount) if self.document["tiers"]["metric"] == "spend" else amount

    def money(self, amount: str) -> str:
        return f"{amount} {self.currency}"


Sides = tuple[_Side, _Side]


@dataclass(frozen=True, slots=True)
class _Place:
    """A setting: its path without ids, whose it is (`Tier “Gold”`), and what it is called."""

    path: str = ""
    owner: str = ""
    labels: tuple[str, ...] = ()

    def below(self, name: str, part: Json) -> "_Place":
        title = documents.resolved(part).get("title", name.replace("_", " ").capitalize())
        labels = (*self.labels, title) if title else self.labels
        return replace(self, path=f"{self.path}.{name}".lstrip("."), labels=labels)

    def says(self, said: str) -> str:
        """`Tier “Gold”, reached with: ...`"""
        first, *rest = filter(None, (self.owner, *self.labels))
        return f"{', '.join([first, *map(_lower, rest)])}: {said}."


def _objects(place: _Place, part: Json, before: Json, after: Json, sides: Sides) -> Iterator[str]:
    known = dict([*documents.properties(part, before), *documents.properties(part, after)])
    for name in [*known, *sorted((before.keys() | after.keys()) - known.keys())]:
        inner, old, new = known.get(name, {}), before.get(name), after.get(name)
        if old != new or (name in before) != (name in after):
            yield from _values(place.below(name, inner), inner, old, new, sides)


def _values(place: _Place, part: Json, before: Any, after: Any, sides: Sides) -> Iterator[str]:
    phrase = _PHRASES.get(place.path) or (
        _OF_THINGS.get(place.path.rpartition(".")[2]) if place.owner else None
    )
    if phrase and before not in (None, "") and after not in (None, ""):
        yield phrase(place, before, after, sides)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _objects(place, part, before, after, sides)
    elif isinstance(before, list) and isinstance(after, list):
        compare = _things if _have_ids([*before, *after]) else _lists
        yield from compare(place, documents.resolved(part).get("items", {}), before, after, sides)
    elif isinstance(after, bool):
        yield place.says("switched on" if after else "switched off")
    else:
        old, new = _said(part, before, sides[0], place), _said(part, after, sides[1], place)
        yield place.says(f"{old} became {new}")


def _have_ids(items: Iterable[Any]) -> bool:
    return all(isinstance(item, dict) and "id" in item for item in items)


def _things(place: _Place, part: Json, before: list[Json], after: list[Json], sides: Sides) -> Iterator[str]:
    """Rewards, rules, tiers, challenges."""
    kind = documents.resolved(part).get("title", "Entry")
    old, new = ({thing["id"]: thing for thing in things} for things in (before, after))
    for id, thing in old.items():
        if id not in new:
            yield f"{kind} {_called(thing)} was removed."
    for id, thing in new.items():
        own = replace(place, owner=f"{kind} {_called(thing)}", labels=())
        if id in old:
            yield from _objects(own, part, old[id], thing, sides)
        else:
            yield f"{own.owner} was added{_described(own, part, thing, sides[1])}."
    kept = [id for id in new if id in old]
    if kept != [id for id in old if id in new]:
        yield f"{kind}s stand in another order: {_listed([_called(new[id]) for id in kept])}."


def _called(thing: Json) -> str:
    return f"“{thing.get('name') or thing.get('title') or thing['id']}”"


def _described(place: _Place, part: Json, thing: Json, side: _Side) -> str:
    """What a new thing is, and all of its settings that aren't as usual."""
    if place.path == "earning.rules":
        return f": {rules.sentence(thing, Saying.of(side.document, side.currency))}"
    kind = documents.schema()["$defs"].get(thing.get("kind", ""), {}).get("title", "")
    known = {"id", "name", "title", *(("kind",) if kind else ())}
    said = [_lower(kind), *_unusual(place, part, thing, side, known)]
    return f": {', '.join(filter(None, said))}" if any(said) else ""


def _unusual(
    place: _Place, part: Json, value: Json, side: _Side, known: Container[str] = ()
) -> Iterator[str]:
    """`reached with 500.00 EUR`, for each setting that says something else than its default."""
    for name, inner in documents.properties(part, value):
        if name not in known and value.get(name) not in (None, documents.usual(inner)):
            below = place.below(name, inner)
            yield f"{_lower(below.labels[-1])} {_said(inner, value[name], side, below)}"


def _lists(place: _Place, part: Json, before: list[Any], after: list[Any], sides: Sides) -> Iterator[str]:
    """Tags, products, days: what came and what went."""
    old = Counter(_said(part, item, sides[0], place) for item in before)
    new = Counter(_said(part, item, sides[1], place) for item in after)
    changes = ((new - old, "added"), (old - new, "removed"))
    said = [
        f"{_listed(list(names.elements()))} {'was' if names.total() == 1 else 'were'} {what}"
        for names, what in changes
        if names
    ]
    yield place.says("; ".join(said) or f"in another order, {_listed(list(new.elements()))}")


def _said(part: Json, value: Any, side: _Side, place: _Place) -> str:
    """A value as a merchant says it."""
    part = documents.resolved(part)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if part.get("maximum") == ID_MOST else f"{value:,}"
    if isinstance(value, dict):
        said = list(_unusual(place, part, value, side)) or ["as usual"]
        return said[0] if len(said) == 1 else f"({', '.join(said)})"
    if isinstance(value, list):
        return _listed([_said(part.get("items", {}), item, side, place) for item in value]) or "none"
    return _text(part, value, side, place) if value else "none"


def _text(part: Json, value: str, side: _Side, place: _Place) -> str:
    patterns = [documents.resolved(choice).get("pattern", "") for choice in part.get("anyOf", [part])]
    if place.path in THRESHOLDS:
        return side.threshold(value)
    if place.path.endswith(".tiers"):
        return side.tier(value)
    if documents.schema()["$defs"]["money"]["pattern"] in patterns:
        return side.money(value)
    if _MOMENT.fullmatch(value) and any(pattern.startswith("^[0-9]{4}-") for pattern in patterns):
        return _moment(value)
    if any(pattern.startswith("^[0-9]") for pattern in patterns):
        return value
    return value.replace("_", " ") if "enum" in part else f"“{value}”"


def _moment(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # a day that no calendar has
        return value
    day = f"{moment.day} {moment:%B %Y}"
    return f"{day}, {moment:%H:%M}" if "T" in value else day


def _listed(names: list[str]) -> str:
    if len(names) > LISTED_MOST:
        names = [*names[: LISTED_MOST - 1], f"{len(names) - LISTED_MOST + 1} more"]
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


Phrase = Callable[[_Place, Any, Any, Sides], str]


def _rate(place: _Place, before: Json, after: Json, sides: Sides) -> str:
    if before["per"] == after["per"]:
        each = sides[1].money(after["per"])
        return f"Points for each {each}: {before['points']:,} became {after['points']:,}."
    old, new = (
        f"{side.points(rate['points'])} for each {side.money(rate['per'])}"
        for side, rate in zip(sides, (before, after), strict=True)
    )
    return place.says(f"{old} became {new}")


def _price(place: _Place, before: int, after: int, sides: Sides) -> str:
    return f"{place.owner}: price {before:,} became {sides[1].points(after)}."


def _renamed(place: _Place, before: str, after: str, sides: Sides) -> str:
    return f"{place.owner.partition(' ')[0]} “{before}” is now called “{after}”."


def _moved(place: _Place, before: str, after: str, sides: Sides) -> str:
    return f"{place.owner}: {_lower(place.labels[-1])} {_moment(after)} instead of {_moment(before)}."


def _archived(place: _Place, before: bool, after: bool, sides: Sides) -> str:
    return f"{place.owner} was {'archived' if after else 'taken out of the archive'}."


_PHRASES: dict[str, Phrase] = {"earning.rate": _rate, "rewards.points": _price}
"""By the path of a setting that was given before and is now."""
_OF_THINGS: dict[str, Phrase] = {
    "name": _renamed,
    "title": _renamed,
    "archived": _archived,
    "starts": _moved,
    "ends": _moved,
}
"""By the name of a setting of whatever has an id."""
