"""Who collects points, who they are in each shop, and what they are to be told."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from rewards.models.programs import Program
from rewards.tenancy import OfProgram


def _is_stale_only() -> "models.ExpressionWrapper[Q]":
    """Marked by `standing.all_stale`: a new program, and no news of the member's own."""
    return models.ExpressionWrapper(
        Q(published_version=-2 - F("version")), output_field=models.BooleanField()
    )


class Member(OfProgram):
    """Someone who collects points. The four balances are a cache of the movements."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, related_name="members")
    joined_at = models.DateTimeField()
    pending = models.BigIntegerField(default=0, db_default=0)
    available = models.BigIntegerField(default=0, db_default=0)
    reserved = models.BigIntegerField(default=0, db_default=0)
    debt = models.BigIntegerField(default=0, db_default=0)
    version = models.BigIntegerField(default=0, db_default=0)
    published_version = models.BigIntegerField(default=-1, db_default=-1)
    # The last earning or redeeming; refunds, returns and lapses are no activity.
    active_at = models.DateTimeField(null=True)
    # Month and day as one number, 229 for 29 February; null: not told. From this date on it counts.
    birthday = models.SmallIntegerField(null=True)
    birthday_since = models.DateField(null=True)
    # Null: never learnt. Kept fresh by the tag topics, for what people see; orders keep their own copy.
    tags = models.JSONField(null=True)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    # The customer was deleted in the shop.
    closed_at = models.DateTimeField(null=True)
    redacted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pending__gte=0, available__gte=0, reserved__gte=0), name="member_not_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(debt=0) | Q(debt__lt=0, available=0), name="member_debt_only_when_empty"
            ),
        ]
        indexes = [
            # In the order of publishing: who has news of their own first.
            models.Index(
                "program",
                _is_stale_only(),
                "id",
                condition=Q(version__gt=F("published_version")),
                name="member_unpublished",
            ),
            models.Index(
                fields=["program", "active_at", "id"], condition=Q(available__gt=0), name="member_idle"
            ),
            models.Index(
                fields=["program", "merged_into"],
                condition=Q(merged_into__isnull=False),
                name="member_merged",
            ),
            models.Index(
                "program",
                F("available").desc(),
                F("id").desc(),
                condition=Q(merged_into=None, redacted_at=None),
                name="member_by_points",
            ),
            models.Index(
                fields=["program", "birthday", "id"],
                condition=Q(birthday__isnull=False),
                name="member_birthday",
            ),
        ]


class Identity(OfProgram):
    """Who a member is in one shop."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    source_id = models.BigIntegerField()
    external_id = models.BigIntegerField()
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="identities"
    )
    # This id went into another of the member's: Shopify won't speak of it again.
    merged = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "source_id", "external_id"], name="identity_once"),
        ]
        indexes = [models.Index(fields=["program", "member"], name="identity_of_member")]


class Tombstone(OfProgram):
    """A person who asked to be forgotten, known by a salted digest only, so that nothing brings them back."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "digest"], name="tombstone_once")]


class Notice(OfProgram):
    """Something a member is to be told. Sending is another matter."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="notices"
    )
    kind = models.CharField(max_length=20)
    # How many days before, and the moment it is about.
    days = models.IntegerField()
    about = models.DateTimeField()
    points = models.BigIntegerField()
    # The reward it is about, where it is about one.
    reward = models.CharField(max_length=40, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "member", "kind", "about", "days"], name="notice_once"
            ),
        ]
