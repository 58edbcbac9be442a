"""Points that became rewards, and what rewards need besides."""

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from rewards.models.orders import Order
from rewards.models.people import Member
from rewards.models.programs import Program
from rewards.tenancy import OfProgram


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
