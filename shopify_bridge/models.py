"""Shops, and the inbox of what Shopify told us."""

import zlib

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from rewards.models import Redemption
from rewards.tenancy import OfProgram

UNKNOWN_PROGRAM = 0
"""Deliveries of shops we don't know are kept under this program, so that nothing is lost."""


class Shop(models.Model):
    """One Shopify store that has, or had, the app installed."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        REOPEN = "reopen", "Open the app again"
        PAUSED = "paused", "Paused"
        UNINSTALLED = "uninstalled", "Uninstalled"

    # Soft reference: rewards.Program.id. A reinstall finds the program again by the shop's domain.
    program_id = models.BigIntegerField(db_index=True)
    domain = models.CharField(max_length=80, unique=True)
    shopify_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=3)
    timezone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    state_reason = models.TextField(blank=True)
    scopes = models.TextField(blank=True)

    # Ciphertexts of shopify_bridge.vault, bound to this shop's domain.
    access_token = models.TextField(blank=True)
    access_token_expires_at = models.DateTimeField(null=True)
    refresh_token = models.TextField(blank=True)
    refresh_token_expires_at = models.DateTimeField(null=True)
    # "exchange" (opened by the merchant) or "client_credentials" (an app for one's own store).
    grant = models.CharField(max_length=20, default="exchange")

    app_installation_gid = models.CharField(max_length=80, blank=True)
    installed_at = models.DateTimeField(db_default=Now())
    uninstalled_at = models.DateTimeField(null=True)
    # When Shopify signed the last token that the merchant's browser brought: the app was installed then.
    opened_at = models.DateTimeField(null=True)
    published_program_version = models.IntegerField(default=0)
    embed_seen_at = models.DateTimeField(null=True)
    embed_active = models.BooleanField(null=True)
    # When all customers were members; until then the last one who was enrolled.
    customers_enrolled_at = models.DateTimeField(null=True)
    last_customer = models.BigIntegerField(default=0, db_default=0)
    # When Shopify was last asked to tell of disputes; null: it isn't, or not any more.
    disputes_asked_at = models.DateTimeField(null=True)
    reconciled_at = models.DateTimeField(null=True)
    reconcile_watermark = models.DateTimeField(null=True)
    # What the last look back saw: {"looked_at", "healed"}.
    reconcile_report = models.JSONField(null=True)
    # Names of the first steps that the merchant has put away.
    steps_dismissed = models.JSONField(default=list, db_default=[])

    def __str__(self) -> str:
        return self.domain


class InboxRow(models.Model):
    """One delivery of Shopify, exactly as it came. Nothing acknowledged lives anywhere else."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        PARKED = "parked", "Parked"

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    shop_domain = models.CharField(max_length=255)
    webhook_id = models.CharField(max_length=255)
    event_id = models.CharField(max_length=255, blank=True)
    topic = models.CharField(max_length=255)
    api_version = models.CharField(max_length=40, blank=True)
    triggered_at = models.DateTimeField(null=True)
    # As it came, or compressed by zlib where `packed` says so; `content` is what came.
    body = models.BinaryField()
    packed = models.BooleanField(default=False, db_default=False)
    body_hash = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=8, choices=State, default=State.WAITING, db_default=State.WAITING)
    attempts = models.IntegerField(default=0, db_default=0)
    # When it may be looked at (again): a lease while a worker fetches, a pause after a failure.
    due_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True, db_default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id", "webhook_id"], name="inbox_delivery_once"
            ),
        ]
        indexes = [
            # Workers go from shop to shop; see inbox_rows.claim.
            models.Index(
                fields=["shop_id", "due_at", "id"], condition=models.Q(state="waiting"), name="inbox_turn"
            ),
            models.Index(
                fields=["program_id", "-received_at"], condition=models.Q(state="parked"), name="inbox_parked"
            ),
            models.Index(fields=["body_hash"], name="inbox_body"),
            # Rows come in the order of time, so a few pages of summary find the old ones.
            BrinIndex(fields=["received_at"], name="inbox_age"),
        ]

    @property
    def content(self) -> bytes:
        """The bytes as Shopify sent them."""
        return zlib.decompress(self.body) if self.packed else bytes(self.body)


class Gap(OfProgram):
    """An order whose news didn't reach us, or not all of it: found by asking Shopify."""

    class Kind(models.TextChoices):
        MISSING = "missing", "Never told"
        BEHIND = "behind", "A change was not told"
        DIFFERS = "differs", "Other points than it should have"
        CURRENCY = "currency", "In another currency"
        DELETED = "deleted", "Deleted in the shop"

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    # The order's id and name in the shop, and its last change there.
    external_id = models.BigIntegerField()
    name = models.CharField(max_length=60, blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    changed_at = models.DateTimeField()
    found_at = models.DateTimeField(db_default=Now())
    # Who asked for its repair, which a worker then does; and why that didn't work.
    asked_by = models.CharField(max_length=60, blank=True, db_default="")
    problem = models.TextField(blank=True, db_default="")
    healed_at = models.DateTimeField(null=True)
    healed_by = models.CharField(max_length=60, blank=True, db_default="")
    # What the repair changed.
    points = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id", "external_id"],
                condition=models.Q(healed_at=None),
                name="gap_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["program_id", "shop_id", "-healed_at"], name="gap_of_shop"),
        ]


class OrderCheck(OfProgram):
    """A look at the orders of a shop that changed in some time. It goes on where it stopped."""

    class State(models.TextChoices):
        WAITING = "waiting", "Under way"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    class Stage(models.TextChoices):
        """What is looked at, one after the other."""

        SHOWN = "shown", "Orders that the shop shows"
        KNOWN = "known", "Orders that are known here: are they still there?"
        CUSTOMERS = "customers", "Customers who aren't members yet"
        END = "end", "Nothing more"

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    # Whether what is found is settled at once, or shown to the merchant first.
    heals = models.BooleanField()
    author = models.CharField(max_length=60, blank=True, db_default="")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING, db_default=State.WAITING)
    due_at = models.DateTimeField(db_default=Now())
    problem = models.TextField(blank=True, db_default="")
    stage = models.CharField(max_length=9, choices=Stage, default=Stage.SHOWN, db_default=Stage.SHOWN)
    # How far it is: the moment of change up to which orders were compared, or the byte in the file; then
    # the last order that was asked for, and the last customer.
    expected = models.IntegerField(null=True)
    reached_at = models.DateTimeField(null=True)
    bulk_id = models.CharField(max_length=80, blank=True, db_default="")
    bulk_offset = models.BigIntegerField(default=0, db_default=0)
    # How often everything had to be collected anew.
    restarts = models.IntegerField(default=0, db_default=0)
    last_order = models.BigIntegerField(default=0, db_default=0)
    last_customer = models.BigIntegerField(default=0, db_default=0)
    looked_at = models.IntegerField(default=0, db_default=0)
    found = models.IntegerField(default=0, db_default=0)
    healed = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="check_waiting"),
            models.Index(fields=["program_id", "shop_id", "-id"], name="check_of_shop"),
        ]


class Backfill(OfProgram):
    """Orders from before the program: counted first, and posted when the merchant says so."""

    class State(models.TextChoices):
        WORKING = "working", "Under way"
        READY = "ready", "Counted"
        STOPPED = "stopped", "Stopped"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.WORKING, State.READY, State.STOPPED)

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    # Orders made from then on; null: all.
    since = models.DateTimeField(null=True)
    author = models.CharField(max_length=60)
    # Who had the counted points posted.
    confirmed_by = models.CharField(max_length=60, blank=True, db_default="")
    state = models.CharField(max_length=9, choices=State, default=State.WORKING, db_default=State.WORKING)
    due_at = models.DateTimeField(db_default=Now())
    problem = models.TextField(blank=True, db_default="")
    # The file of all orders, and the byte up to which it is counted, or posted.
    bulk_id = models.CharField(max_length=80, blank=True, db_default="")
    bulk_offset = models.BigIntegerField(default=0, db_default=0)
    restarts = models.IntegerField(default=0, db_default=0)
    expected = models.IntegerField(null=True)
    looked_at = models.IntegerField(default=0, db_default=0)
    # What was counted: orders that change something, their points and customers.
    orders = models.IntegerField(default=0, db_default=0)
    points = models.BigIntegerField(default=0, db_default=0)
    members = models.IntegerField(default=0, db_default=0)
    # What couldn't be settled.
    failed = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id"],
                condition=models.Q(state__in=["working", "ready", "stopped"]),
                name="backfill_one_at_a_time",
            ),
        ]


class DataRequest(OfProgram):
    """A customer asked the merchant what is stored; the merchant hands it over, within 30 days."""

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    # The request's own id in the shop, and the customer's.
    external_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=60, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id", "external_id"], name="data_request_once"
            ),
        ]


class Product(OfProgram):
    """What rules ask of a product, as Shopify told it when somebody last asked."""

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    external_id = models.BigIntegerField()
    # {"tags", "collections"}; null: to be read, since it is new here or has changed.
    facts = models.JSONField(null=True)
    # When somebody last began to read it, or heard of a change.
    read_at = models.DateTimeField()
    # What a change was last told with, as a digest: Shopify tells of every sale, too.
    told = models.CharField(max_length=64, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program_id", "shop_id", "external_id"], name="product_once"),
        ]


class CustomerTag(OfProgram):
    """A tag that a customer has, or shall have, for their tier. See `customer_tags`."""

    class State(models.TextChoices):
        ADD = "add", "To be put"
        HELD = "held", "Put by us"
        FOREIGN = "foreign", "Was there before"
        REFUSED = "refused", "Not possible"
        REMOVE = "remove", "To be taken away"

    program_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    tag = models.CharField(max_length=40)
    state = models.CharField(max_length=7, choices=State, default=State.ADD)
    # Shopify was asked to put it, whether or not we know what became of that.
    asked = models.BooleanField(default=False)
    attempts = models.IntegerField(default=0)
    # When it is to be told; null: nothing to do.
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id", "customer_id", "tag"], name="customer_tag_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["program_id", "shop_id", "due_at", "id"],
                condition=models.Q(due_at__isnull=False),
                name="customer_tag_due",
            ),
        ]


class Credit(OfProgram):
    """An amount on its way to a customer's store credit; gone when its outcome is known.

    See `issuers.store_credit`: it says who may ask Shopify, and what there was before.
    """

    program_id = models.BigIntegerField()
    # The primary key in the database is (program, redemption).
    redemption = models.OneToOneField(
        Redemption, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    shop_id = models.BigIntegerField()
    # As the account was called when its turn came; 0: a person who asked to be forgotten.
    customer_id = models.BigIntegerField()
    # The number of the account's newest transaction just before Shopify was asked; 0: there was none.
    after = models.BigIntegerField(default=0, db_default=0)
    asked_at = models.DateTimeField(null=True)
    # A person has to say whether it arrived; what can be seen of it: [{"id", "created_at", "expires_at"}].
    parked_at = models.DateTimeField(null=True)
    seen = models.JSONField(default=list, db_default=[])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "shop_id", "customer_id"],
                condition=models.Q(customer_id__gt=0),
                name="credit_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["program_id", "parked_at"],
                condition=models.Q(parked_at__isnull=False),
                name="credit_parked",
            ),
        ]


class BackfillCustomer(OfProgram):
    """A customer who was counted; deleted when the counting ends."""

    program_id = models.BigIntegerField()
    backfill = models.ForeignKey(Backfill, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program_id", "backfill", "customer_id"], name="backfill_customer_once"
            ),
        ]
