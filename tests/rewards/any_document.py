"""Documents of programs out of the JSON Schema: a setting that is added there is drawn here by itself."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from rewards import documents, kinds
from rewards.kinds.codes import GOODS

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]

TIERS = ["bronze", "silver", "gold"]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
# What patterns alone allow too much of.
BY_REFERENCE: dict[str, Strategy] = {
    "money": st.integers(1, 99_999_999).map(lambda cents: f"{cents // 100}.{cents % 100:02}"),
    "factor": st.sampled_from(["0.5", "1", "1.25", "2", "10"]),
    "slug": st.sampled_from(TIERS),
    "local_moment": st.dates(date(2000, 1, 1), date(2099, 1, 1)).map(date.isoformat),
}
BY_NAME: dict[str, Strategy] = {
    "percent": st.integers(1, 100).map(str),
    "url": st.just("https://example.com/a"),
    "member_since": st.none() | BY_REFERENCE["local_moment"],
}


def values(part: Json, name: str = "") -> Strategy:
    """What a part of the schema allows."""
    reference = part.get("$ref", "").rpartition("/")[2]
    if reference in BY_REFERENCE:
        return BY_REFERENCE[reference]
    if name in BY_NAME:
        return BY_NAME[name]
    part = documents.resolved(part)
    if "anyOf" in part:
        return st.one_of([values(choice) for choice in part["anyOf"]])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    types = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return st.one_of([_OF_TYPES[name](part) for name in types])


def _integers(part: Json) -> Strategy:
    return st.integers(part["minimum"], part["maximum"])


def _strings(part: Json) -> Strategy:
    if pattern := part.get("pattern"):
        return st.from_regex(
            pattern.replace("$", r"\Z"), alphabet=st.characters(codec="ascii", categories=["L", "N", "P"])
        )
    return TEXT.map(lambda text: text[: part["maxLength"]])


def _lists(part: Json) -> Strategy:
    one = values(part["items"])
    things = documents.resolved(part["items"]).get("type") == "object"
    return st.lists(one, max_size=3, unique_by=None if things else str)


@st.composite
def _objects(draw: st.DrawFn, part: Json) -> Json:
    """Of something of a kind, the kind decides what else it has."""
    drawn: Json = {}
    for name, inner in documents.properties(part, drawn):
        if name == "kind":
            drawn["kind"] = draw(values(inner))
    for name, inner in documents.properties(part, drawn):
        is_optional = "default" in documents.resolved(inner)
        if name != "kind" and not (is_optional and draw(st.booleans())):
            drawn[name] = draw(values(inner, name))
    return drawn


_OF_TYPES: dict[str, Any] = {
    "integer": _integers,
    "string": _strings,
    "boolean": lambda part: st.booleans(),
    "null": lambda part: st.none(),
    "array": _lists,
    "object": _objects,
}


def _sensible(document: Json) -> Json:
    """What no schema can say put right: ids used once, ranges, an order of days and thresholds."""
    complete = documents.completed(document)
    rules, challenges = complete["earning"]["rules"], complete["challenges"]
    levels = complete["tiers"]["levels"] = complete["tiers"]["levels"][: len(TIERS)]
    gifts = complete["gifts"] = complete["gifts"] if complete["rewards"] and levels else []
    for things, ids in (
        (levels, TIERS),
        (gifts, "uvw"),
        (rules, "abc"),
        (challenges, "xyz"),
        (complete["rewards"], "abc"),
    ):
        for thing, id in zip(things, ids, strict=False):
            thing["id"] = id
    known = [level["id"] for level in levels]
    for place in [*(rule["audience"] for rule in rules), *complete["rewards"]]:
        place["tiers"] = [slug for slug in place["tiers"] if slug in known]
    for gift in gifts:
        gift["reward"] = next((one["id"] for one in complete["rewards"] if _can_be_given(one)), "none")
        if "tier" in gift:
            gift["tier"] = known[0]
    complete["gifts"] = [gift for gift in gifts if gift["reward"] != "none"]
    cents = ".00" if complete["tiers"]["metric"] == "spend" else ""
    for number, level in enumerate(levels):
        level.update({"from": None if level["by_invitation"] else f"{number + 1}00{cents}", "keep": None})
        if level["membership"]:
            level["membership"]["product"] = number + 1
    for thing in [*rules, *challenges, *gifts, *complete["rewards"]]:
        if thing["starts"] and thing["ends"]:
            thing["starts"], thing["ends"] = sorted([thing["starts"], thing["ends"]])
    for challenge in challenges:
        challenge["collections"] = [1, 2, 3] if challenge["kind"] == "collections" else []
        challenge["count"] = min(challenge["count"], 3)
    for reward in [*complete["rewards"], complete["referrals"]["reward"]]:
        _put_right(reward)
    return complete


def _can_be_given(reward: Json) -> bool:
    is_limited = reward["kind"] == "exclusive" and reward["in_total"] is not None
    return kinds.of(reward).can_be_given and not is_limited


def _put_right(reward: Json) -> None:
    if "step" in reward:
        reward.update(min="1.00", max="5.00", step="0.50")
    if reward.get("minimum_subtotal"):
        reward["minimum_quantity"] = None
    if "countries" in reward:
        reward["countries"] = ["DE", "FR"][: len(reward["countries"])]
    for name in GOODS:
        if name in reward:
            products = reward[name]["products"] or ([1] if reward["kind"] == "free_product" else [])
            reward[name] = {"products": products, "variants": [], "collections": []}


DOCUMENTS = values(documents.schema()).map(_sensible)
"""Complete documents in EUR, without errors."""
