"""A level that is taken out of the program stays, closed, while somebody has it.

Nobody is moved down by an edit before their own date: who is there keeps its name, perks and points until the
settings that confirmed them say otherwise. Nobody new comes.
"""

from typing import Any

from django.db.models import Q

from rewards.models import MemberTier, Program

Json = dict[str, Any]
LEVELS_MOST = 20
"""As the schema says."""


def kept(program: Program, before: Json, after: Json) -> Json:
    """The complete document `after`, with those levels of `before` that it lacks and members still have."""
    levels = list(after["tiers"]["levels"])
    ids = {level["id"] for level in levels}
    lacking = [level for level in before["tiers"]["levels"] if level["id"] not in ids]
    held = _held(program, [level["id"] for level in lacking])
    same_metric = before["tiers"]["metric"] == after["tiers"]["metric"]
    for level in lacking:
        if level["id"] in held and len(levels) < LEVELS_MOST:
            amounts = {} if same_metric else {"from": None, "keep": None}
            levels.insert(_place(level["id"], before, levels), {**level, **amounts, "closed": True})
    return {**after, "tiers": {**after["tiers"], "levels": levels}} if held else after


def _held(program: Program, ids: list[str]) -> set[str]:
    """Those of these levels that somebody has, or would have without a higher one that was given."""
    if not ids:
        return set()
    rows = MemberTier.objects.filter(Q(tier__in=ids) | Q(earned__in=ids), program=program)
    pairs = rows.values_list("tier", "earned").distinct()
    return {level for pair in pairs for level in pair} & set(ids)


def _place(id: str, before: Json, levels: list[Json]) -> int:
    """Above the nearest level below it that is still there."""
    old = [level["id"] for level in before["tiers"]["levels"]]
    places = {level["id"]: place for place, level in enumerate(levels)}
    below = [places[other] for other in old[: old.index(id)] if other in places]
    return below[-1] + 1 if below else 0
