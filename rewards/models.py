"""The tables of the domain. Each carries the program, the tenant, and leads its keys with it.

Primary keys are (program, id) in the database, though Django knows the id alone; foreign keys inside the
domain refer to both. They stand in the migrations as SQL: a row of one program can't point into another,
whatever a query forgets. Django's own index for each foreign key is off: an index costs at every insert,
so each is one that a query, or a reference, asks for. For the same reason rows that name a member have no
key to the program besides.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Now

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


class Budget(OfProgram):
    """How many places of a rule's or a reward's budget are taken. See `budgets`."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    # The id of a rule, or what `offers` calls the places of a reward.
    rule = models.CharField(max_length=60)
    used = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "rule"], name="budget_once")]


class GiftRound(OfProgram):
    """How far the members of a tier were given what a rule gives them in a period."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    rule = models.CharField(max_length=40)
    # The last day of the period.
    ends_on = models.DateField()
    last_member = models.BigIntegerField(default=0)
    is_over = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "rule", "ends_on"], name="gift_round_once"),
        ]


class Tally(OfProgram):
    """Of a reward that is counted: how many redemptions hold, and what those are worth in minor units.

    Whoever decides about the reward for more than one member holds the lock of this row.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    reward = models.CharField(max_length=40)
    count = models.BigIntegerField(default=0, db_default=0)
    value = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "reward"], name="tally_once"),
            models.CheckConstraint(condition=Q(count__gte=0, value__gte=0), name="tally_not_below_nothing"),
        ]


class Wait(OfProgram):
    """A member's place in the line for a reward of which none is left; the line goes by id."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="waits"
    )
    reward = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=Now())
    # There is one for them, until then.
    kept_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "member", "reward"], name="wait_once")]
        indexes = [models.Index(fields=["program", "reward", "id"], name="wait_in_line")]


class Payout(OfProgram):
    """Money that the merchant passed on to a cause."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    # Of the donation.
    reward = models.CharField(max_length=40)
    # In minor units.
    amount = models.BigIntegerField()
    paid_on = models.DateField()
    # A link to it, its number, or where it is kept.
    receipt = models.CharField(max_length=300)
    author = models.CharField(max_length=120, blank=True, default="")
    # Made by the form, so that a double click books once.
    key = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "reward", "key"], name="payout_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_of_money"),
        ]


class Drawing(OfProgram):
    """What came out of a prize draw, in turns: the first, and those that a reason was given for.

    Never changed, never deleted. A draw that was called off has one without winners.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False)
    reward = models.CharField(max_length=40)
    turn = models.IntegerField()
    called_off = models.BooleanField(default=False)
    seed = models.CharField(max_length=64, blank=True, default="")
    # The redemptions that took part, those of one person together: [[12, 15], [13]].
    entries = models.JSONField(default=list)
    # How many there were to find, and the redemptions that won, in their order.
    prizes = models.IntegerField(default=0)
    winners = models.JSONField(default=list)
    # Entries of people who can't win.
    left_out = models.IntegerField(default=0)
    author = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    drawn_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "reward", "turn"], name="drawing_once")]


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


class Redemption(OfProgram):
    """Points on their way to a reward, or back; no points: a gift. See `redemptions.py` for the states."""

    class State(models.TextChoices):
        RESERVED = "reserved", "Being made"
        ISSUED = "issued", "Ready to use"
        USED = "used", "Used"
        FAILED = "failed", "Failed"
        ENDING = "ending", "Being ended"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"
        RETURNED = "returned", "Returned"

    OVER = (State.USED, State.FAILED, State.EXPIRED, State.CANCELLED, State.RETURNED)

    class EndingWith(models.TextChoices):
        POINTS = "points", "Points back"
        NOTHING = "nothing", "Points stay spent"
        NEW_CODE = "new_code", "A new code"
        TAKEN = "taken", "A gift taken back"

    GIVEN_BACK = (State.FAILED, State.EXPIRED, State.CANCELLED, State.RETURNED)
    """Whose place is free for another one, where a reward has limits."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="redemptions"
    )
    # The shop and customer the code is made for.
    source_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    key = models.CharField(max_length=100)
    reward = models.JSONField()
    points = models.BigIntegerField()
    # What the reward is worth in minor units; null for percentage and free shipping.
    value = models.BigIntegerField(null=True)
    # Which rule of the program gave it; none: it was paid for with points, or given by hand.
    rule = models.CharField(max_length=40, blank=True, default="", db_default="")
    # What happened to it, in turn: see `histories`.
    history = models.JSONField(default=list, db_default=[])
    state = models.CharField(max_length=10, choices=State, default=State.RESERVED)
    code = models.CharField(max_length=64)
    # The reward system's own id of the code, once it is known.
    external_ref = models.CharField(max_length=120, blank=True, default="")
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="redemptions",
    )
    # Counted so that points that leave and come back twice have keys of their own.
    turns = models.IntegerField(default=0)
    reason = models.TextField(blank=True, default="")
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    # Which state "ending" is to become, and what of its points, where somebody has said so.
    ending_as = models.CharField(max_length=10, blank=True, default="")
    ending_with = models.CharField(max_length=10, choices=EndingWith, blank=True, default="", db_default="")
    # The end that staff gave it and that the shop system doesn't know yet.
    extends_to = models.DateTimeField(null=True)
    # When the worker looks at it again, and how often the code was looked for and not found.
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    absent_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "member", "key"], name="redemption_key_once"),
            models.UniqueConstraint(fields=["program", "code"], name="redemption_code_once"),
            models.CheckConstraint(condition=Q(points__gte=0), name="redemption_costs_nothing_or_points"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="redemption_due"),
            models.Index(
                fields=["program", "member", "-id"],
                condition=Q(state__in=["reserved", "issued", "ending"]),
                name="redemption_at_hand",
            ),
            models.Index(
                fields=["program", "member", "-id"],
                condition=Q(state__in=["used", "failed", "expired", "cancelled", "returned"]),
                name="redemption_over",
            ),
            models.Index(
                fields=["program", "order"], condition=Q(order__isnull=False), name="redemption_order"
            ),
            models.Index(fields=["program", "member", "-id"], condition=Q(points=0), name="redemption_gift"),
            # The register of codes, by what people look for in it.
            models.Index(fields=["program", "state", "-id"], name="redemption_by_state"),
            models.Index("program", KT("reward__id"), F("id").desc(), name="redemption_by_reward"),
            # Of rewards that Shopify has no part in.
            models.Index(
                "program",
                "state",
                KT("reward__id"),
                "id",
                condition=Q(reward__kind__in=["exclusive", "donation", "draw"]),
                name="redemption_own",
            ),
        ]


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
