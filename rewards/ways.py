"""The ways to earn as anybody may see them: what rules give, from when to when."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rewards import programs
from rewards.gift_rules import MILESTONE
from rewards.rules import Surprise
from rewards.rules.base import Period

Json = dict[str, Any]

OWN = (
    "points", "factor", "stackable", "amount", "n", "repeat", "within_days",
    "url", "ask", "question", "answers", "with_picture",
)  # fmt: skip
"""What of a rule's own settings shoppers may know."""
OF_CHALLENGES = ("id", "kind", "title", "count", "within_days", "points", "badge", "repeat")
OF_MILESTONES = ("id", "title", "amount", "within_days")
GOODS = ("products", "variants", "collections", "product_tags", "vendors")


def public(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The rules of a complete document that shoppers may know of: not archived, not over, no surprise.

    Nor are those for customers with a tag, or who stayed away: that is nobody else's business.
    """
    zone = ZoneInfo(timezone)
    return [
        _public(rule, period, zone)
        for rule, period in _alive(document["earning"]["rules"], zone, now)
        if _is_for_all_to_see(rule)
    ]


def challenges(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The challenges of a complete document that are not archived and not over."""
    zone = ZoneInfo(timezone)
    return [
        {name: setting[name] for name in OF_CHALLENGES if setting[name]} | _moments(period, zone)
        for setting, period in _alive(document["challenges"], zone, now)
    ]


def milestones(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The milestones of a complete document that are not archived and not over; `reward`: its name.

    Other gifts are nobody's business before they have them.
    """
    zone = ZoneInfo(timezone)
    return [
        {name: setting[name] for name in OF_MILESTONES if setting[name]}
        | {"reward": _title_of(document, setting["reward"])}
        | _moments(period, zone)
        for setting, period in _alive(document["gifts"], zone, now)
        if setting["kind"] == MILESTONE
    ]


def _alive(settings: Iterable[Json], zone: ZoneInfo, now: datetime) -> Iterator[tuple[Json, Period]]:
    """Those that are not archived and not over, with their time."""
    for setting in settings:
        period = Period.of(setting, zone)
        if not setting["archived"] and (period.ends is None or period.ends > now):
            yield setting, period


def _title_of(document: Json, reward_id: str) -> str:
    reward = programs.reward(document, reward_id)
    assert reward is not None  # the document was checked
    title: str = reward["title"]
    return title


def _is_for_all_to_see(rule: Json) -> bool:
    audience = rule["audience"]
    hidden = audience["customer_tags"] or audience["member_since"] or audience["not_ordered_days"]
    return not (hidden or rule["kind"] == Surprise.kind)


def goods(setting: Json) -> Json:
    """What is named of what is sold, as far as anything is."""
    return {name: setting[name] for name in GOODS if setting[name]}


def _public(rule: Json, period: Period, zone: ZoneInfo) -> Json:
    told = {"id": rule["id"], "kind": rule["kind"], "title": rule["title"]}
    told |= {name: rule[name] for name in OWN if name in rule}
    if "on" in rule and (on := goods(rule["on"])):
        told["on"] = on
    if tiers := rule["audience"]["tiers"]:
        told["tiers"] = tiers
    if rule["audience"]["never_ordered"]:
        told["never_ordered"] = True
    return told | _moments(period, zone)


def _moments(period: Period, zone: ZoneInfo) -> Json:
    """When it begins and ends, and its last local day."""
    told = {name: moment.isoformat() for name in ("starts", "ends") if (moment := getattr(period, name))}
    if last := period.last_day(zone):
        told["until"] = last.isoformat()
    return told
