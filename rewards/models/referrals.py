"""Members who invite, friends who come, and what both get."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rewards.models.orders import Order
from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


class Advocate(OfProgram):
    """A member's own link for friends, known by its code, and what was done with it.

    Digests are keyed (`digests`), and erased when their time is over.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="advocates"
    )
    code = models.CharField(max_length=12)
    # The link of somebody who became part of this member: friends may still follow it.
    former = models.BooleanField(default=False, db_default=False)
    clicks = models.BigIntegerField(default=0, db_default=0)
    # Of the member's e-mail address, of its letters, and of the internet address they were last seen at.
    mail_digest = models.BinaryField(max_length=32, null=True)
    stem_digest = models.BinaryField(max_length=32, null=True)
    place_digest = models.BinaryField(max_length=32, null=True)
    digests_until = models.DateTimeField(null=True)
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.CharField(max_length=120, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "code"], name="advocate_code_once"),
            models.UniqueConstraint(
                fields=["program", "member"], condition=Q(former=False), name="advocate_link_once"
            ),
        ]
        indexes = [
            models.Index(fields=["program", "member"], name="advocate_of_member"),
            models.Index(
                fields=["program", "digests_until"],
                condition=Q(digests_until__isnull=False),
                name="advocate_digests",
            ),
        ]


class Claim(OfProgram):
    """A friend followed a member's link: the visit of a customer, or a reward that was asked for.

    See `claims` for the states.
    """

    class State(models.TextChoices):
        VISITED = "visited", "Followed the link"
        RESERVED = "reserved", "Being made"
        ISSUED = "issued", "Ready to use"
        USED = "used", "Used"
        FAILED = "failed", "Failed"
        ENDED = "ended", "Ended unused"
        REFUSED = "refused", "Refused"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    advocate = models.ForeignKey(
        Advocate, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="claims"
    )
    # The friend, and the customer the code is bound to; of a guest nobody, and 0.
    member = models.ForeignKey(
        Member,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="claims",
    )
    source_id = models.BigIntegerField()
    customer_id = models.BigIntegerField(default=0, db_default=0)
    # Chosen by the friend's browser, so that the same wish gets the same answer; empty for a visit.
    key = models.CharField(max_length=100, blank=True, default="", db_default="")
    # The program's version, what it promised the friend, and what that is worth in minor units.
    version = models.IntegerField()
    reward = models.JSONField(default=dict, db_default={})
    value = models.BigIntegerField(null=True)
    state = models.CharField(max_length=8, choices=State)
    # Codes of `referral_guards`: why it was refused, or what is suspicious.
    reasons = models.JSONField(default=list, db_default=[])
    code = models.CharField(max_length=64, null=True)
    external_ref = models.CharField(max_length=120, blank=True, default="", db_default="")
    mail_digest = models.BinaryField(max_length=32, null=True)
    stem_digest = models.BinaryField(max_length=32, null=True)
    place_digest = models.BinaryField(max_length=32, null=True)
    digests_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # When the worker looks at it again, as with redemptions.
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    absent_since = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "code"], name="claim_code_once"),
            models.UniqueConstraint(
                fields=["program", "advocate", "key"], condition=~Q(key=""), name="claim_key_once"
            ),
        ]
        indexes = [
            models.Index(fields=["program", "advocate"], name="claim_of_advocate"),
            models.Index(
                fields=["program", "member"], condition=Q(member__isnull=False), name="claim_of_member"
            ),
            models.Index(
                fields=["program", "mail_digest"],
                condition=Q(mail_digest__isnull=False),
                name="claim_by_mail",
            ),
            models.Index(
                fields=["program", "place_digest", "created_at"],
                condition=Q(place_digest__isnull=False),
                name="claim_by_place",
            ),
            models.Index(
                fields=["program", "digests_until"],
                condition=Q(digests_until__isnull=False),
                name="claim_digests",
            ),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="claim_due"),
        ]


class Referral(OfProgram):
    """The first order of a friend, and whether the member who invited them is thanked for it.

    See `referrals` for the states.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "On hold"
        HELD = "held", "Waits for you"
        PAID = "paid", "Paid"
        REFUSED = "refused", "Refused"
        BLOCKED = "blocked", "Blocked"
        RETURNED = "returned", "Taken back"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    advocate = models.ForeignKey(
        Advocate, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="referrals"
    )
    claim = models.ForeignKey(
        Claim, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="referrals"
    )
    order = models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="referrals"
    )
    # The friend.
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="referrals"
    )
    # By which it is known: "code" or "link".
    known_by = models.CharField(max_length=4)
    # The program's version when the friend came, and what it promised the member.
    version = models.IntegerField()
    points = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State)
    reasons = models.JSONField(default=list, db_default=[])
    happened_at = models.DateTimeField()
    # When the hold is over, and when it is looked at next.
    pay_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    # Who of the staff decided.
    author = models.CharField(max_length=120, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "order"], name="referral_of_order_once"),
            models.UniqueConstraint(fields=["program", "claim"], name="referral_of_claim_once"),
        ]
        indexes = [
            models.Index(fields=["program", "advocate", "-id"], name="referral_of_advocate"),
            models.Index(fields=["program", "member"], name="referral_of_friend"),
            models.Index(
                fields=["program", "due_at", "id"], condition=Q(due_at__isnull=False), name="referral_due"
            ),
            models.Index(fields=["program", "id"], condition=Q(state="held"), name="referral_held"),
            models.Index(
                fields=["program", "-decided_at"],
                condition=Q(decided_at__isnull=False),
                name="referral_decided",
            ),
        ]
