"""Rewards that are store credit: an amount added to the customer's account.

Shopify has no key that makes this once, and what it makes bears no mark of ours. So it is never asked twice:

- Of one customer's account there is at most one open `Credit`, by a unique index; others wait their turn.
- Before Shopify is asked, the newest transaction and the moment are committed, by an update that hits the row
  only while nobody has asked. Whoever hits it asks, once. Only when the request is known not to have been
  carried out - never sent, throttled, refused - the turn ends, and the redemption may begin anew.
- After an unknown outcome nobody asks again. What is newer than that transaction is looked at: one of the
  amount, the end and the time that we asked for is ours. None: it is looked for again a quarter of an hour
  later, and then the points are free; a quarter of an hour after that, once more, and what came so late takes
  the points again. All that time the turn is kept, so nothing else of ours can be taken for it.
- Whatever doesn't fit - two that could be ours, one with another end or moment, a customer who is gone - is
  parked, and a person says whether it arrived.

So a shopper has both, the amount and the points, only if Shopify carries out after half an hour what we gave
up after seconds. https://shopify.dev/docs/api/admin-graphql/latest/mutations/storeCreditAccountCredit
"""

from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic

from rewards import redemptions
from rewards.models import Redemption
from rewards.money import major
from shopify_bridge import credits, store_credit
from shopify_bridge.client import PATIENCE_SECONDS, AdminClient, NeedsHuman, TryAgain
from shopify_bridge.issuers.base import Issuer, Refused
from shopify_bridge.models import Credit
from shopify_bridge.store_credit import NoCustomer, Rejected, Transaction

SOON = timedelta(minutes=10)
"""A request that nobody waits for any more is carried out within this, by either clock."""
TURN_SECONDS = 30.0
"""So long a redemption waits before it asks again whether it is its turn."""
LOOK_SECONDS = 900.0
NOT_DONE = ("access_denied", "paused", "reopen")
"""Refusals with which Shopify ends a request before anything is done."""


class StoreCreditIssuer(Issuer):
    def was_asked(self, redemption: Redemption) -> bool:
        credit = credits.of(redemption)
        return credit is not None and credit.asked_at is not None

    def find(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        credit = credits.of(redemption)
        if credit is None or credit.asked_at is None:
            return None
        if credit.parked_at is None:
            could_be = _could_be(client, redemption, credit, within)
            if could_be == []:
                return None
            if could_be and len(could_be) == 1 and _fits(could_be[0], redemption, credit):
                return could_be[0].id
            credits.park(credit, could_be or [])
        raise TryAgain("a person has to say whether it arrived", LOOK_SECONDS)

    def create(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        started = monotonic()
        if not redemption.customer_id:
            raise Refused("The customer asked to be forgotten.")
        credit = credits.turn(redemption)
        if credit is None:
            raise TryAgain("another credit of this customer is on its way", TURN_SECONDS)
        if credit.asked_at is not None:
            raise TryAgain("asked for, and not to be seen yet", LOOK_SECONDS, sent=True)
        try:
            seen = store_credit.lately(client, redemption.customer_id, redemption.program.currency, within)
            if not credits.begin(credit, seen.newest):
                raise TryAgain("somebody else asks right now", LOOK_SECONDS, sent=True)
            return _ask(client, redemption, credit, within - (monotonic() - started))
        except (NoCustomer, Rejected) as problem:
            raise Refused(f"Shopify refused the store credit: {problem}") from problem

    def take_back(self, client: AdminClient, external_ref: str, within: float) -> None:
        """What arrived is the shopper's."""

    def note_use(self, client: AdminClient, redemption: Redemption) -> bool:
        """It was given up. It may have arrived all the same."""
        found = self.find(client, redemption, PATIENCE_SECONDS)
        return bool(found and redemptions.delivered(redemption.program_id, redemption.pk, found))


def _ask(client: AdminClient, redemption: Redemption, credit: Credit, within: float) -> str:
    """The one request. The turn ends where Shopify is known to have added nothing."""
    amount, ends = _amount(redemption), _ends(redemption)
    customer_id, currency = redemption.customer_id, redemption.program.currency
    try:
        return store_credit.add(client, customer_id, amount, currency, ends, within)
    except (TryAgain, NeedsHuman, Rejected) as problem:
        if _is_undone(problem):
            credits.give_back(credit)
        raise


def _is_undone(problem: TryAgain | NeedsHuman | Rejected) -> bool:
    if isinstance(problem, TryAgain):
        return not problem.sent
    return isinstance(problem, Rejected) or problem.code in NOT_DONE


def _could_be(
    client: AdminClient, redemption: Redemption, credit: Credit, within: float
) -> list[Transaction] | None:
    """What was added of the amount since we asked; None: that can't be seen."""
    try:
        seen = store_credit.lately(client, credit.customer_id, redemption.program.currency, within)
    except NoCustomer:
        return None
    newer = seen.newer_than(credit.after)
    return newer and [one for one in newer if one.amount == _amount(redemption)]


def _fits(one: Transaction, redemption: Redemption, credit: Credit) -> bool:
    """Whether it has the end that we asked for, and came when we asked."""
    assert credit.asked_at is not None
    return one.expires_at == _ends(redemption) and abs(one.created_at - credit.asked_at) <= SOON


def _amount(redemption: Redemption) -> Decimal:
    assert redemption.value is not None  # every store credit has a value
    return Decimal(major(redemption.value, redemption.program.currency))


def _ends(redemption: Redemption) -> datetime | None:
    """In whole seconds, as Shopify keeps it."""
    return redemption.expires_at and redemption.expires_at.replace(microsecond=0)
