"""A member among the tiers: where they stand, how they came there, and what staff give them."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import forms
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, member_of, program_of, typed
from loyalty_app.merchant.forms import Unreadable
from rewards import programs, tier_grants, tiers
from rewards.ledger import MemberMerged
from rewards.models import Member, MemberTier, Program, TierChange, TierGrant
from rewards.tier_grants import NoSuchLevel
from rewards.tier_rules import BLANK
from shopify_bridge.auth import Staff

CHANGES_SHOWN = 10
REASONS = {
    "reached": "reached by what was bought",
    "granted": "given, or bought as a membership",
    "not_kept": "not kept",
    "grant_ended": "what was given or bought ended",
    "removed": "the tier was taken out of the program",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the page of a member says of tiers."""

    name: str
    until: date | None
    way: str
    changes: list[Json]
    invitations: list[Json]
    levels: dict[str, str]


def standing(found: Program, member: Member) -> Standing | None:
    """Nothing where the program has no tiers."""
    levels = _levels(found)
    if not levels:
        return None
    state = tiers.states(found, [member.pk]).get(member.pk, BLANK)
    tier, ahead = tiers.shown(found, state)
    return Standing(
        name=tier["name"] if tier else "",
        until=state.ends_on if tier else None,
        way=_way(ahead, found) if ahead else "",
        changes=[_change(row, levels) for row in _changes(found, member)],
        invitations=[_invitation(row, levels) for row in _invitations(found, member)],
        levels=_open(found),
    )


def members_of_levels(found: Program) -> dict[str, int]:
    """How many members have each tier."""
    held = MemberTier.objects.filter(program=found).exclude(tier="")
    return dict(held.values_list("tier").annotate(Count("pk")))


@fetch
def invite(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """Give a member a tier, for good or through a day."""
    member, found = member_of(staff, member_id), program_of(staff)
    given = typed(request)
    until, reason = _until(given.get("until", "")), " ".join(str(given.get("reason", "")).split())
    if len(reason) > 300:
        raise Unprocessable({"reason": "Use at most 300 characters."})
    if member.redacted_at:
        raise Unprocessable({"": "This customer was erased; nothing can be given to them."})
    try:
        tier_grants.invite(found, member.pk, str(given.get("level", "")), until, staff.user_id, reason)
    except NoSuchLevel as problem:
        raise Unprocessable({"level": "Choose a tier."}) from problem
    except MemberMerged as problem:
        raise Unprocessable({"": "This customer was merged into another. Reload the page."}) from problem
    except ValueError as problem:
        raise Unprocessable({"until": "Choose a day that hasn't passed."}) from problem
    return done("Tier given", f"/app/members/{member.pk}")


@fetch
def uninvite(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """Take back what staff gave; what was earned or bought stays."""
    member, found = member_of(staff, member_id), program_of(staff)
    level = str(typed(request).get("level", ""))
    try:
        ended = tier_grants.uninvite(found, member.pk, level, staff.user_id)
    except MemberMerged as problem:
        raise Unprocessable({"": "This customer was merged into another. Reload the page."}) from problem
    if not ended:
        raise Unprocessable({"": "This was taken back already. Reload the page."})
    return done("Tier taken back", f"/app/members/{member.pk}")


def _levels(found: Program) -> dict[str, str]:
    return {level["id"]: level["name"] for level in programs.document(found)["tiers"]["levels"]}


def _open(found: Program) -> dict[str, str]:
    """Those that one can be invited to."""
    levels = programs.document(found)["tiers"]["levels"]
    return {level["id"]: level["name"] for level in levels if not level["closed"]}


def _way(ahead: Json, found: Program) -> str:
    """“37.20 EUR to Silver by 31 Dec 2026”"""
    names, missing = programs.document(found)["points"], ahead["missing"]
    unit = {"spend": found.currency, "points": names["many"], "orders": "orders"}[ahead["metric"]]
    if missing == 1:
        unit = {"points": names["one"], "orders": "order"}.get(ahead["metric"], unit)
    by = f" by {_day(date.fromisoformat(ahead['by']))}" if ahead["by"] else ""
    return f"{missing} {unit} to {ahead['name']}{by}"


def _changes(found: Program, member: Member) -> list[TierChange]:
    rows = TierChange.objects.filter(program=found, member=member).order_by("-happened_at", "-id")
    return list(rows[:CHANGES_SHOWN])


def _change(row: TierChange, levels: dict[str, str]) -> Json:
    return {
        "moment": row.happened_at,
        "tier": levels.get(row.tier, row.tier) or "No tier",
        "why": REASONS.get(row.reason, row.reason),
    }


def _invitations(found: Program, member: Member) -> list[TierGrant]:
    rows = TierGrant.objects.filter(program=found, member=member, order=None, revoked_at=None)
    return list(rows.order_by("-id"))


def _invitation(row: TierGrant, levels: dict[str, str]) -> Json:
    name = levels.get(row.level, row.level)
    return {
        "level": row.level,
        "name": name,
        "until": row.ends_on,
        "reason": row.reason,
        "author": row.author,
    }


def _until(typed_day: object) -> date | None:
    try:
        day = forms.optional(forms.text)(typed_day)
        return date.fromisoformat(day) if day else None
    except (Unreadable, ValueError) as problem:
        raise Unprocessable({"until": "Choose a day, or none."}) from problem


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
