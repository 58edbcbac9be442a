"""Orders, as they were last heard of, with what they earned."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


class Order(OfProgram):
    """The latest known state of an order, what it earned, and the context of its first award."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    source_id = models.BigIntegerField()
    external_id = models.BigIntegerField()
    member = models.ForeignKey(
        Member,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="orders",
    )
    facts = models.JSONField(null=True)
    facts_at = models.DateTimeField(null=True)
    # One-way gates: an order that was once paid, or fulfilled, stays so for the earning of points.
    paid_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    # Program version, exclusion and moment of the first award. Never computed again.
    context = models.JSONField(null=True)
    # Payments of it that a bank took back, or may: {"<id>": {"amount", "lost", "at", ...}}. No news of the
    # order itself speaks of them, so they are kept apart from its facts.
    disputes = models.JSONField(default=dict, db_default={})
    settlements = models.IntegerField(default=0, db_default=0)
    points = models.BigIntegerField(default=0, db_default=0)
    # What it counts for on the way to a tier: its eligible amount now, in minor units, from the local day of
    # its first award, and free of a hold from another one. Null: never counted.
    spend = models.BigIntegerField(default=0, db_default=0)
    counts_on = models.DateField(null=True)
    firm_on = models.DateField(null=True)
    blocked = models.CharField(max_length=40, blank=True, default="", db_default="")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "source_id", "external_id"], name="order_once"),
            models.CheckConstraint(condition=Q(points__gte=0), name="order_never_negative"),
        ]
        indexes = [
            models.Index(fields=["program", "member", "-id"], name="order_of_member"),
            # All that decides on a member's tier is in the index.
            models.Index(
                fields=["program", "member", "counts_on"],
                include=["firm_on", "spend", "points"],
                condition=Q(counts_on__isnull=False),
                name="order_counted",
            ),
            # Whose last order was on a day.
            models.Index(
                fields=["program", "counts_on", "member"],
                condition=Q(counts_on__isnull=False),
                name="order_of_day",
            ),
        ]
