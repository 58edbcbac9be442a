"""What a merchant set up: the program, and what it said when."""

from django.db import models
from django.db.models.functions import Now

from rewards.tenancy import OfProgram


class Program(models.Model):
    """One merchant's loyalty program: the tenant of the domain."""

    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    timezone = models.CharField(max_length=64, default="UTC")
    version = models.IntegerField(default=1)
    # Since when points lapse as they do now, if that was ever changed; and the version for which the
    # open lots have their ends. See `expiry`.
    expiry_since = models.DateTimeField(null=True)
    dated_version = models.IntegerField(default=1, db_default=1)
    # The version by whose tiers all members were reviewed.
    tiered_version = models.IntegerField(default=1, db_default=1)
    # Makes the digests of redacted people useless outside this program.
    salt = models.BinaryField(max_length=16)
    # The last audit; null: due now. Names of promises it found broken.
    audited_at = models.DateTimeField(null=True)
    broken_promises = models.JSONField(default=list, db_default=[])
    # Rewards that can't be had, by their ids, as the shop system told: {"code", "why"}.
    withheld = models.JSONField(default=dict, db_default={})
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class ProgramVersion(OfProgram):
    """What the program said from one moment on. Never changed afterwards."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, related_name="versions")
    number = models.IntegerField()
    document = models.JSONField()
    effective_from = models.DateTimeField()
    author = models.CharField(max_length=120, blank=True)
    # Why, in the author's words.
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "number"], name="version_number_once"),
        ]


class Budget(OfProgram):
    """How many places of a rule's or a reward's budget are taken. See `budgets`."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    # The id of a rule, or what `offers` calls the places of a reward.
    rule = models.CharField(max_length=60)
    used = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "rule"], name="budget_once")]
