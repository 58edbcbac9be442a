"""Amounts on their way to customers' store credit: whose turn it is, and what a person has to decide.

A turn begins before Shopify is asked and ends when the outcome is known; `issuers.store_credit` says why.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet

from rewards import clock, redemptions
from rewards.models import Redemption
from shopify_bridge.models import Credit, Shop
from shopify_bridge.store_credit import Transaction

FORGET_DONE = """
    DELETE FROM shopify_bridge_credit c WHERE (
        SELECT r.due_at IS NULL AND r.state <> 'reserved' FROM rewards_redemption r
        WHERE r.program_id = c.program_id AND r.id = c.redemption_id
    )
"""
"""A redemption at rest needs no turn any more."""
FORGET_DONE_OF_CUSTOMER = f"{FORGET_DONE} AND c.program_id = %s AND c.shop_id = %s AND c.customer_id = %s"
TAKE_TURN = """
    INSERT INTO shopify_bridge_credit (program_id, redemption_id, shop_id, customer_id)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def of(redemption: Redemption) -> Credit | None:
    """Its turn, if it has one."""
    return Credit.objects.filter(program_id=redemption.program_id, redemption_id=redemption.pk).first()


def turn(redemption: Redemption) -> Credit | None:
    """Its turn in the customer's account, from now on if need be; None: another one has it."""
    account = [redemption.source_id, redemption.customer_id]
    with connection.cursor() as cursor:
        cursor.execute(FORGET_DONE_OF_CUSTOMER, [redemption.program_id, *account])
        cursor.execute(TAKE_TURN, [redemption.program_id, redemption.pk, *account])
    return of(redemption)


def begin(credit: Credit, newest: int) -> bool:
    """Say, before it is done, that Shopify is being asked; False: somebody else has said so."""
    asked_at = clock.now()
    if not _rows(credit).update(after=newest, asked_at=asked_at):
        return False
    credit.after, credit.asked_at = newest, asked_at
    return True


def give_back(credit: Credit) -> None:
    """End a turn: Shopify has done nothing in it, or its outcome is known."""
    _rows(credit).delete()


def park(credit: Credit, seen: Sequence[Transaction]) -> None:
    """Let a person say whether it arrived, and show what could be it."""
    _rows(credit).update(parked_at=clock.now(), seen=[one.as_data() for one in seen])


def parked(shop: Shop) -> "QuerySet[Credit]":
    """What a person has to decide, oldest first."""
    mine = Credit.objects.filter(program_id=shop.program_id, shop_id=shop.pk, parked_at__isnull=False)
    return mine.select_related("redemption").order_by("parked_at")


def arrived(credit: Credit) -> None:
    """A person has seen it: the shopper has it, and its points are spent."""
    refs = [seen["id"] for seen in credit.seen]
    redemptions.delivered(credit.program_id, credit.redemption_id, refs[0] if len(refs) == 1 else "")
    give_back(credit)


def never_arrived(credit: Credit, author: str) -> None:
    """A person has looked, and it isn't there: the points are free. `author` is kept with it."""
    redemptions.failed(credit.program_id, credit.redemption_id, f"It never arrived, said {author}.")
    give_back(credit)


def forget_customer(program_id: int, shop_id: int, customer_id: int) -> None:
    """The customer asked to be forgotten. What is open is for a person to decide."""
    Credit.objects.filter(program_id=program_id, shop_id=shop_id, customer_id=customer_id).update(
        customer_id=0
    )


def forget_done() -> None:
    """For the clock: the turns that are over."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_DONE)


def _rows(credit: Credit) -> "QuerySet[Credit]":
    """The turn, unless somebody has asked Shopify in it since it was looked at."""
    mine = Credit.objects.filter(program_id=credit.program_id, redemption_id=credit.redemption_id)
    return mine.filter(asked_at=credit.asked_at)
