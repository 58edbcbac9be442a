"""Where members stand among the tiers, how they got there, and what was given to them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rewards.models.orders import Order
from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


class MemberTier(OfProgram):
    """Where a member stands among the tiers; without a row nothing counts. See `tier_rules.State`."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    # The primary key in the database is (program, member).
    member = models.OneToOneField(
        Member,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="standing",
    )
    tier = models.CharField(max_length=40, blank=True, default="")
    earned = models.CharField(max_length=40, blank=True, default="")
    version = models.IntegerField()
    falls_on = models.DateField(null=True)
    stepped_on = models.DateField(null=True)
    amount = models.BigIntegerField(default=0)
    until = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    reviewed = models.IntegerField()
    # The moment of the last entry in the history.
    changed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["program", "due_on", "member"],
                condition=Q(due_on__isnull=False),
                name="member_tier_due",
            ),
            models.Index(
                fields=["program", "tier", "member"], condition=~Q(tier=""), name="member_tier_held"
            ),
        ]


class TierChange(OfProgram):
    """A member came to another tier. Never changed, never deleted; dated in the order of writing."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="tier_changes",
    )
    tier = models.CharField(max_length=40, blank=True)
    previous = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=20)
    version = models.IntegerField()
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["program", "member", "happened_at", "id"],
                include=["tier"],
                name="tier_change_of_member",
            ),
        ]


class TierGrant(OfProgram):
    """A level given to a member: by invitation, or with a product that was bought."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="tier_grants"
    )
    level = models.CharField(max_length=40)
    # Of an invitation, its last day, if it has one; of what was bought, the order and the number of days.
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    days = models.IntegerField(null=True)
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="tier_grants",
    )
    author = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    # Taken back: by hand, or with the order.
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "order", "level"],
                condition=Q(order__isnull=False),
                name="tier_grant_of_order_once",
            ),
        ]
        indexes = [models.Index(fields=["program", "member"], name="tier_grant_of_member")]
