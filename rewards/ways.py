"""The ways to earn as anybody may see them: what rules give, from when to when."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rewards import dates
from rewards.rules import Surprise
from rewards.rules.base import Period

Json = dict[str, Any]

OWN = (
    "points", "factor", "stackable", "amount", "n", "repeat", "within_days",
    "url", "ask", "question", "answers", "with_picture",
)  # fmt: skip
"""What of a rule's own settings shoppers may know."""
OF_CHALLENGES = ("id", "kind", "title", "count", "within_days", "points", "badge", "repeat")
GOODS = ("products", "variants", "collections", "product_tags", "vendors")


def public(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The rules of a complete document that shoppers may know of: not archived, not over, no surprise.

    Nor are those for customers with a tag, or who stayed away: that is nobody else's business.
    """
    zone = ZoneInfo(timezone)
    return [
        _public(rule, period, zone)
        for rule in document["earning"]["rules"]
        if _is_for_all_to_see(rule)
        and not ((period := Period.of(rule, zone)).ends is not None and period.ends <= now)
    ]


def challenges(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The challenges of a complete document that are not archived and not over."""
    zone = ZoneInfo(timezone)
    return [
        {name: setting[name] for name in OF_CHALLENGES if setting[name]} | _moments(period, zone)
        for setting in document["challenges"]
        if not setting["archived"]
        and not ((period := Period.of(setting, zone)).ends is not None and period.ends <= now)
    ]


def _is_for_all_to_see(rule: Json) -> bool:
    audience = rule["audience"]
    hidden = audience["customer_tags"] or audience["member_since"] or audience["not_ordered_days"]
    return not (rule["archived"] or hidden or rule["kind"] == Surprise.kind)


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
    if period.ends:
        told["until"] = dates.local_date(period.ends - dates.INSTANT, zone).isoformat()
    return told
