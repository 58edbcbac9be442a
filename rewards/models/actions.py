"""What members did that is no order."""

from django.db import models
from django.db.models import Q

from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


class Action(OfProgram):
    """What a member did that is no order, and what it gave: each occasion of a rule once."""

    class State(models.TextChoices):
        GIVEN = "given", "Given"
        WAITING = "waiting", "Waits for approval"
        REFUSED = "refused", "Refused"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="actions"
    )
    rule = models.CharField(max_length=40)
    occasion = models.CharField(max_length=48)
    # The program's version when it happened, and what its rule gives.
    version = models.IntegerField()
    points = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State)
    # What the member said: an answer, a text, a link.
    data = models.JSONField(default=dict, db_default={})
    happened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    # Who decided, and why it was refused.
    author = models.CharField(max_length=120, blank=True, default="", db_default="")
    reason = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "member", "rule", "occasion"], name="action_once"),
        ]
        indexes = [
            models.Index(fields=["program", "id"], condition=Q(state="waiting"), name="action_waiting"),
            models.Index(
                fields=["program", "-decided_at"],
                condition=Q(decided_at__isnull=False),
                name="action_decided",
            ),
        ]


class Achievement(OfProgram):
    """A challenge that a member has done: which turn of it, and what that gave."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="achievements"
    )
    challenge = models.CharField(max_length=40)
    turn = models.IntegerField()
    points = models.BigIntegerField()
    badge = models.CharField(max_length=40)
    # When the order was paid that completed it.
    achieved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "member", "challenge", "turn"], name="achievement_once"
            ),
        ]
