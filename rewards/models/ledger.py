"""The ledger: awards, and each movement of their points."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from rewards.models.orders import Order
from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.models.redemptions import Redemption
from rewards.tenancy import OfProgram


class Bucket(models.TextChoices):
    """Where points are. The first four are a member's own; the others are outside."""

    PENDING = "pending"
    AVAILABLE = "available"
    RESERVED = "reserved"
    DEBT = "debt"
    ISSUED = "issued"
    SPENT = "spent"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"
    TRANSFERRED = "transferred"


def _holds_points() -> "models.ExpressionWrapper[Q]":
    condition = Q(pending__gt=0) | Q(available__gt=0) | Q(reserved__gt=0)
    return models.ExpressionWrapper(condition, output_field=models.BooleanField())


class Lot(OfProgram):
    """One award: its points, when they can be spent, when they lapse, and where they are now."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="lots"
    )
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="lots",
    )
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=20)
    given = models.BigIntegerField()
    pending = models.BigIntegerField(default=0)
    available = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    available_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    # Opened for points that came back too late for their own lot; its end is its own.
    grace = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(given__gt=0, pending__gte=0, available__gte=0, reserved__gte=0, expired__gte=0)
                & Q(given__gte=F("pending") + F("available") + F("reserved") + F("expired")),
                name="lot_holds_what_it_was_given",
            ),
        ]
        indexes = [
            # One index for two questions: a member's open lots, among years of spent ones, and whether
            # there is any lot of a member, which is what a reference asks.
            models.Index("program", "member", _holds_points(), name="lot_of_member"),
            models.Index(
                fields=["program", "parent"], condition=Q(parent__isnull=False), name="lot_of_parent"
            ),
            models.Index(fields=["program", "order"], condition=Q(order__isnull=False), name="lot_of_order"),
            models.Index(
                fields=["program", "available_at", "id"], condition=Q(pending__gt=0), name="lot_held_until"
            ),
            models.Index(
                fields=["program", "expires_at", "id"],
                condition=Q(available__gt=0, expires_at__isnull=False),
                name="lot_lapsing",
            ),
            # Points that no order gave.
            models.Index(
                fields=["program", "member"],
                condition=Q(order__isnull=True, parent__isnull=True),
                name="lot_of_no_order",
            ),
        ]


class Movement(OfProgram):
    """Points carried from one bucket to another: balanced by construction, never changed, never deleted."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    key = models.CharField(max_length=120)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="movements"
    )
    lot = models.ForeignKey(
        Lot, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="movements"
    )
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="movements",
    )
    redemption = models.ForeignKey(
        Redemption,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="movements",
    )
    kind = models.CharField(max_length=20)
    source = models.CharField(max_length=12, choices=Bucket)
    target = models.CharField(max_length=12, choices=Bucket)
    points = models.BigIntegerField()
    explanation = models.JSONField()
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "key"], name="movement_once"),
            models.CheckConstraint(condition=Q(points__gt=0), name="movement_of_points"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="movement_goes_somewhere"),
        ]
        indexes = [
            models.Index(fields=["program", "member", "-id"], name="movement_of_member"),
            models.Index(
                fields=["program", "order"], condition=Q(order__isnull=False), name="movement_of_order"
            ),
            models.Index(
                fields=["program", "redemption"],
                condition=Q(redemption__isnull=False),
                name="movement_of_redemption",
            ),
            models.Index(fields=["program", "lot"], name="movement_of_lot"),
            # Reports read days of movements; they find all they need in the index.
            models.Index(
                fields=["program", "happened_at"],
                include=["source", "target", "points", "order"],
                name="movement_of_day",
            ),
        ]
