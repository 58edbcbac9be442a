"""The ways to earn as anybody may see them: what rules give, from when to when."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rewards.rules import Surprise
from rewards.rules.base import Period

Json = dict[str, Any]

OWN = (
    "points", "factor", "stackable", "amount", "n", "repeat", "within_days",
    "url", "ask", "question", "answers", "with_picture",
)  # fmt: skip
"""What of a rule's own settings shoppers may know."""


def public(document: Json, timezone: str, now: datetime) -> list[Json]:
    """The rules of a complete document that shoppers may know of: not archived, not over, no surprise.

    Nor are those for customers with a tag, or who stayed away: that is nobody else's business.
    """
    zone = ZoneInfo(timezone)
    return [
        _public(rule, period)
        for rule in document["earning"]["rules"]
        if _is_for_all_to_see(rule)
        and not ((period := Period.of(rule, zone)).ends is not None and period.ends <= now)
    ]


def _is_for_all_to_see(rule: Json) -> bool:
    audience = rule["audience"]
    hidden = audience["customer_tags"] or audience["member_since"] or audience["not_ordered_days"]
    return not (rule["archived"] or hidden or rule["kind"] == Surprise.kind)


def _public(rule: Json, period: Period) -> Json:
    told = {"id": rule["id"], "kind": rule["kind"], "title": rule["title"]}
    told |= {name: rule[name] for name in OWN if name in rule}
    if goods := {name: named for name, named in rule.get("on", {}).items() if named}:
        told["on"] = goods
    if tiers := rule["audience"]["tiers"]:
        told["tiers"] = tiers
    if rule["audience"]["never_ordered"]:
        told["never_ordered"] = True
    told |= {name: moment.isoformat() for name in ("starts", "ends") if (moment := getattr(period, name))}
    return told
