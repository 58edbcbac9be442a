"""All that is stored about one member, as data: the answer to a customer who asks."""

from typing import Any

from django.db.models import Model

from rewards.models import (
    Achievement,
    Action,
    Advocate,
    Claim,
    Identity,
    Lot,
    Member,
    MemberTier,
    Movement,
    Notice,
    Order,
    Redemption,
    Referral,
    TierChange,
    TierGrant,
    Wait,
)

Json = dict[str, Any]

TABLES: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "customers": (Identity, ("source_id", "external_id")),
    "orders": (
        Order,
        (
            *("id", "source_id", "external_id", "facts", "disputes", "paid_at", "fulfilled_at", "context"),
            "points",
        ),
    ),
    "awards": (Lot, ("id", "order_id", "kind", "given", "available_at", "expires_at", "created_at")),
    "actions": (Action, ("id", "rule", "occasion", "state", "points", "data", "reason", "happened_at")),
    "standing": (MemberTier, ("tier", "amount", "until", "ends_on", "falls_on")),
    "tiers": (TierChange, ("tier", "previous", "reason", "happened_at")),
    "tiers_given": (TierGrant, ("level", "starts_on", "ends_on", "days", "order_id", "reason", "revoked_at")),
    "achievements": (Achievement, ("id", "challenge", "turn", "points", "badge", "achieved_at")),
    "notices": (Notice, ("id", "kind", "days", "about", "reward", "points", "created_at")),
    "waits": (Wait, ("id", "reward", "created_at", "kept_until")),
    "redemptions": (
        Redemption,
        (*("id", "reward", "points", "state", "code", "order_id", "history", "created_at", "changed_at"),),
    ),
    "links": (Advocate, ("id", "code", "clicks", "former", "blocked_at", "created_at")),
    "invitations": (Claim, ("id", "state", "reward", "code", "expires_at", "created_at")),
    "invited_orders": (Referral, ("id", "order_id", "state", "happened_at")),
    "movements": (
        Movement,
        (
            *("id", "key", "lot_id", "order_id", "redemption_id", "kind", "source", "target", "points"),
            *("explanation", "happened_at", "recorded_at"),
        ),
    ),
}
"""Rows that belong to a member, and what is told of each. A new table of members gets its line here."""
OF_MEMBER = ("joined_at", "closed_at", "pending", "available", "reserved", "debt", "tags", "birthday")


def stored(member: Member) -> Json:
    """Everything, table by table, in the words of the tables; also of those who became part of them."""
    merged = Member.objects.filter(program_id=member.program_id, merged_into_id=member.pk)
    ids = [member.pk, *merged.order_by("id").values_list("id", flat=True)]
    return {
        "member": {"id": member.pk, **{name: getattr(member, name) for name in OF_MEMBER}},
        **{name: _rows(model, member.program_id, ids, columns) for name, (model, columns) in TABLES.items()},
    }


def _rows(model: type[Model], program_id: int, member_ids: list[int], columns: tuple[str, ...]) -> list[Json]:
    rows = model._default_manager.filter(program_id=program_id, member_id__in=member_ids)
    return list(rows.order_by("pk").values(*columns))
