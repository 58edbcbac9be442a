"""The one list of recurring work. `manage.py clock` runs it; it needs no queue."""

from collections.abc import Callable
from functools import partial

from rewards import (
    advocates,
    audit,
    birthdays,
    draws,
    expiry,
    gift_rounds,
    holds,
    referrals,
    tiers,
    waits,
)
from shopify_bridge import (
    backfill,
    checks,
    credits,
    customer_tags,
    disputes,
    friend_codes,
    inbox,
    install,
    issuing,
    metafields,
    payouts,
    promoting,
    reconcile,
)

WORK: list[tuple[str, float, Callable[[], object]]] = [
    # (name, every so many seconds, function)
    # The first three do what nobody rang for: Redis may be away, or have forgotten.
    ("drain the inbox", 5, inbox.drain),
    ("publish standings", 5, metafields.publish),
    ("tag customers", 5, customer_tags.work),
    ("go on with redemptions", 5, issuing.work_due),
    ("go on with friends' codes", 5, friend_codes.work_due),
    ("go on with promotions", 5, promoting.work_due),
    ("pay cashback", 10, payouts.begin_due),
    ("forget credits that are done", 60, credits.forget_done),
    ("go on with checks of orders", 5, checks.work),
    ("go on with back-fills", 5, backfill.work),
    ("enrol the customers of new shops", 10, reconcile.welcome_new_shops),
    ("knock at paused shops", 60, install.knock),
    ("ask to be told of disputes", 10, disputes.subscribe_due),
    ("release holds", 60, holds.release_due),
    ("pay for referrals", 10, referrals.work_due),
    # At each shop's own midnight, and soon after a change of its tiers.
    ("review tiers", 60, partial(tiers.review_due, hands=2)),
    ("tell who is next in line", 30, waits.tell_due),
    ("return entries of draws called off", 10, draws.return_entries),
    ("audit the ledgers", 2, audit.audit_due),
    ("lapse points", 300, expiry.lapse_due),
    ("give for birthdays", 900, birthdays.give_due),
    ("give what a day brings", 900, gift_rounds.give_due),
    ("note what lapses soon", 3600, expiry.note_expiring),
    ("erase old addresses", 3600, advocates.forget_old),
    ("reconcile what changed", 600, reconcile.recent),
    ("renew tokens of idle shops", 3600, install.refresh_idle),
    ("delete old deliveries", 3600, inbox.purge),
    ("delete old checks", 3600, checks.purge),
    # Once a day for each shop; a clock that is started again doesn't begin anew.
    ("reconcile everything", 3600, reconcile.everything),
]
