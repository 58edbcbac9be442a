"""The page of the tiers: how they are counted, and the levels in order, all saved together."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import fields, forms, permissions, standing, things
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import Reader
from rewards import documents, programs
from rewards.models import Program
from shopify_bridge.auth import Staff

PATH = "tiers."
BLANK = "new"
"""Stands in the names of the empty level's fields until it has a place."""
_LEVEL_FIELD = re.compile(r"levels\.([0-9]{1,2})\.(.+)")


@page
def tiers(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    said = programs.document(found)["tiers"]
    titles = things.titles(staff.shop, things.named(said))
    members = standing.members_of_levels(found)
    context = {
        "members": [(level["name"], members.get(level["id"], 0)) for level in said["levels"]],
        "lacking": permissions.for_tiers(staff.shop, programs.document(found)),
        "settings": _settings(found, said),
        "levels": [_shown(found, level, str(index), titles) for index, level in enumerate(said["levels"])],
        "blank": _shown(found, _draft(found), BLANK, titles),
    }
    return shown(request, staff, "merchant/tiers.html", context)


@fetch
def save(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    document = programs.document(found)
    said, readers, unreadable = _typed(found, document["tiers"], given)
    changed = {**document, "tiers": said}
    forms.save(found, changed, staff.user_id, version, readers, unreadable, PATH)
    return done("Tiers saved", "/app/tiers")


def typed_document(request: HttpRequest, staff: Staff) -> tuple[Program, Json]:
    """The program with the tiers that are typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    document = programs.document(found)
    said, readers, unreadable = _typed(found, document["tiers"], given)
    return found, forms.checked({**document, "tiers": said}, found.currency, readers, unreadable, PATH)


def _typed(found: Program, said: Json, given: Json) -> tuple[Json, dict[str, Reader], dict[str, str]]:
    """The tiers as they are typed, the fields of their form, and what can't be read."""
    parts = _parts(given)
    settings = _settings(found, said)
    result, unreadable = fields.merged(settings, said, given)
    readers = settings.readers()
    if parts is None:
        return result, readers, unreadable
    result["levels"] = []
    for index, part in enumerate(parts):
        level, wrong = _level(found, said, part, result["levels"])
        result["levels"].append(level)
        unreadable |= {f"levels.{index}.{path}" if path else "": why for path, why in wrong.items()}
        readers |= _group(found, level, f"levels.{index}").readers()
    return result, readers, unreadable


def _parts(given: Json) -> list[Json] | None:
    """What was typed for each level, taken out of the rest; None: nothing was said of levels."""
    number = given.pop("levels", None)
    sent = {path: given.pop(path) for path in list(given) if path.startswith("levels.")}
    if number is None and not sent:
        return None
    parts: list[Json] = [{} for _ in range(_number(number))]
    for path, value in sent.items():
        match = _LEVEL_FIELD.fullmatch(path)
        if match is None or int(match[1]) >= len(parts):
            raise Unprocessable({"": "The page is out of date. Reload it."})
        parts[int(match[1])][match[2]] = value
    return parts


def _level(found: Program, said: Json, part: Json, others: list[Json]) -> tuple[Json, dict[str, str]]:
    """One level: the one with the id that was sent, or a new one, with what was typed."""
    id = str(part.pop("id", ""))
    known = {level["id"]: level for level in said["levels"]}
    before = known.get(id) or _draft(found)
    level, wrong = fields.merged(_group(found, before), before, part)
    if id not in known:
        taken = {*known, *(other["id"] for other in others), BLANK}
        level["id"] = forms.free_id(str(level["name"]), taken, "tier")
    return level, wrong


def _number(sent: Any) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", str(sent)):
        raise Unprocessable({"": "The page is out of date. Reload it."})
    return int(sent)


def _settings(found: Program, said: Json) -> fields.Group:
    part = documents.schema()["properties"]["tiers"]
    return fields.group(part, said, _around(found, things.Titles()), without=("levels",))


def _shown(found: Program, level: Json, place: str, titles: things.Titles) -> Json:
    group = _group(found, level, f"levels.{place}", titles)
    return {
        "id": level["id"] if place != BLANK else "",
        "name": level["name"],
        "place": place,
        "group": group,
    }


def _group(found: Program, level: Json, path: str = "", titles: things.Titles | None = None) -> fields.Group:
    part = documents.schema()["$defs"]["level"]
    return fields.group(part, level, _around(found, titles or things.Titles()), path, without=("id",))


def _around(found: Program, titles: things.Titles) -> fields.Around:
    return fields.Around.of(programs.document(found), found.currency, found.timezone, titles)


def _draft(found: Program) -> Json:
    """An empty level with every default."""
    document = programs.document(found)
    levels = [*document["tiers"]["levels"], {"id": BLANK, "name": ""}]
    complete = documents.completed({**document, "tiers": {**document["tiers"], "levels": levels}})
    draft: Json = complete["tiers"]["levels"][-1]
    return draft
