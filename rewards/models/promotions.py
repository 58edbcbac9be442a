"""Codes that are made in bulk, for whoever has them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rewards.models.orders import Order
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


class Promotion(OfProgram):
    """Many codes of one discount, for whoever has one; they belong to no member."""

    class State(models.TextChoices):
        MAKING = "making", "Being made"
        READY = "ready", "Ready to use"
        FAILED = "failed", "Failed"
        ENDING = "ending", "Being ended"
        ENDED = "ended", "Ended"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    # The shop whose discount it is.
    source_id = models.BigIntegerField()
    name = models.CharField(max_length=80)
    reward = models.JSONField()
    value = models.BigIntegerField(null=True)
    state = models.CharField(max_length=7, choices=State, default=State.MAKING)
    external_ref = models.CharField(max_length=120, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    author = models.CharField(max_length=120)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    problem = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="promotion_due"),
        ]


class PromoCode(OfProgram):
    """One of them, chosen and kept before the shop system is asked to make it."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be made"
        ASKED = "asked", "Being made"
        READY = "ready", "Ready to use"
        FAILED = "failed", "Failed"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    promotion = models.ForeignKey(
        Promotion, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="codes"
    )
    code = models.CharField(max_length=64)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    # The part it was asked for with: the shop system's id of that.
    part = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    # The first order that used it.
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="promo_codes",
    )
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "code"], name="promo_code_once")]
        indexes = [
            models.Index(fields=["program", "promotion", "state", "id"], name="promo_code_of_promotion"),
            models.Index(
                fields=["program", "order"], condition=Q(order__isnull=False), name="promo_code_of_order"
            ),
        ]
