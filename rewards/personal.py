"""All that is stored about one member, as data: the answer to a customer who asks."""

from typing import Any

from rewards.models import (
    Achievement,
    Action,
    Identity,
    Lot,
    Member,
    Movement,
    Notice,
    Order,
    Redemption,
    TierChange,
    TierGrant,
)

Json = dict[str, Any]


def stored(member: Member) -> Json:
    """Everything, table by table, in the words of the tables; also of those who became part of them."""
    merged = Member.objects.filter(program_id=member.program_id, merged_into_id=member.pk)
    ids = [member.pk, *merged.order_by("id").values_list("id", flat=True)]
    mine = {"program_id": member.program_id, "member_id__in": ids}
    return {
        "member": {
            "id": member.pk,
            "joined_at": member.joined_at,
            "closed_at": member.closed_at,
            "pending": member.pending,
            "available": member.available,
            "reserved": member.reserved,
            "debt": member.debt,
            "tags": member.tags,
            "birthday": member.birthday,
        },
        "customers": list(Identity.objects.filter(**mine).values("source_id", "external_id").order_by("id")),
        "orders": list(
            Order.objects.filter(**mine)
            .values(
                "id",
                "source_id",
                "external_id",
                "facts",
                "disputes",
                "paid_at",
                "fulfilled_at",
                "context",
                "points",
            )
            .order_by("id")
        ),
        "awards": list(
            Lot.objects.filter(**mine)
            .values("id", "order_id", "kind", "given", "available_at", "expires_at", "created_at")
            .order_by("id")
        ),
        "actions": list(
            Action.objects.filter(**mine)
            .values("id", "rule", "occasion", "state", "points", "data", "reason", "happened_at")
            .order_by("id")
        ),
        "tiers": list(
            TierChange.objects.filter(**mine)
            .values("tier", "previous", "reason", "happened_at")
            .order_by("id")
        ),
        "tiers_given": list(
            TierGrant.objects.filter(**mine)
            .values("level", "starts_on", "ends_on", "days", "order_id", "reason", "revoked_at")
            .order_by("id")
        ),
        "achievements": list(
            Achievement.objects.filter(**mine)
            .values("id", "challenge", "turn", "points", "badge", "achieved_at")
            .order_by("id")
        ),
        "notices": list(
            Notice.objects.filter(**mine)
            .values("id", "kind", "days", "about", "points", "created_at")
            .order_by("id")
        ),
        "redemptions": list(
            Redemption.objects.filter(**mine)
            .values("id", "reward", "points", "state", "code", "order_id", "created_at", "changed_at")
            .order_by("id")
        ),
        "movements": list(
            Movement.objects.filter(**mine)
            .values(
                "id",
                "key",
                "lot_id",
                "order_id",
                "redemption_id",
                "kind",
                "source",
                "target",
                "points",
                "explanation",
                "happened_at",
                "recorded_at",
            )
            .order_by("id")
        ),
    }
