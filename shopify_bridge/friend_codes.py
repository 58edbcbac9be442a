"""Friends' rewards become discount codes, as redemptions do, and come to an end. No points are at stake.

Who is signed in has a code of their own; a guest's is for whoever has it, once.
"""

from datetime import UTC, datetime

from rewards import claims, clock, programs
from rewards.claims import State
from rewards.models import Claim
from shopify_bridge import goods, waiting
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.issuers import discount
from shopify_bridge.issuers.terms import Terms
from shopify_bridge.issuing import PATIENCE_SECONDS
from shopify_bridge.models import Shop

LONGEST_DUE = "SELECT program_id, id FROM rewards_claim WHERE due_at <= %s ORDER BY due_at, id LIMIT %s"


def work_due() -> int:
    """Go on with every claim that is due; returns how many were looked at."""
    seen = 0
    for claim in waiting.leased(Claim, LONGEST_DUE):
        work_on(claim)
        seen += 1
    return seen


def work_on(claim: Claim, *, within: float = PATIENCE_SECONDS) -> Claim:
    """One step for one claim; the claim as it is afterwards."""
    shop = Shop.objects.filter(pk=claim.source_id).first()
    step = _STEPS.get(State(claim.state))
    if shop is None or shop.program_id != claim.program_id or step is None:
        claims.at_rest(claim)
        return claim
    if shop.state == Shop.State.UNINSTALLED:
        _put_off(claim, waiting.while_away(), waiting.AWAY)
        return claim
    try:
        step(AdminClient(shop), claim, within)
    except TryAgain as problem:
        _put_off(claim, waiting.after_failure(claim.attempts, problem.after), str(problem))
    except NeedsHuman as problem:
        _put_off(claim, datetime.now(UTC) + waiting.LONGEST_PAUSE, str(problem))
    claim.refresh_from_db()
    return claim


def title(claim: Claim) -> str:
    """What the merchant sees in Shopify's list; its end tells us that a code is ours."""
    return f"{claim.reward['title']} [loyalty friend {claim.program_id}-{claim.pk}]"


def _make(client: AdminClient, claim: Claim, within: float) -> None:
    """reserved: make it, or find that it was made."""

    def refused(why: str) -> None:
        claims.failed(claim, why)
        goods.refused(client, programs.FRIENDS, claim.reward, within)

    steps = waiting.Steps(
        find=lambda: _found(client, claim, within),
        create=lambda: discount.created(client, _terms(claim, client.shop.currency), within),
        made=lambda external_ref: claims.issued(claim, external_ref),
        never_made=lambda why: claims.failed(claim, why),
        refused=refused,
    )
    waiting.make(claim, claims, steps, was_asked=claim.attempts > 0)


def _end(client: AdminClient, claim: Claim, within: float) -> None:
    """issued, and its last day is over."""
    if claim.expires_at is None or claim.expires_at > clock.now():
        claims.at_rest(claim)
        return
    discount.deactivate(client, claim.external_ref, within)
    claims.ended(claim)


def _second_look(client: AdminClient, claim: Claim, within: float) -> None:
    """failed a while ago: a code that lives all the same is disabled."""
    if found := _found(client, claim, within):
        discount.deactivate(client, found, within)
    claims.at_rest(claim)


_STEPS = {State.RESERVED: _make, State.ISSUED: _end, State.FAILED: _second_look}


def _terms(claim: Claim, currency: str) -> Terms:
    return Terms(
        reward=claim.reward,
        title=title(claim),
        code=claim.code or "",
        value=claim.value,
        currency=currency,
        starts_at=claim.created_at,
        ends_at=claim.expires_at,
        customer_id=claim.customer_id or None,
    )


def _found(client: AdminClient, claim: Claim, within: float) -> str | None:
    return discount.found(client, claim.code or "", title(claim), within)


def _put_off(claim: Claim, until: datetime, note: str) -> None:
    """An unknown outcome is no state: the question is asked again."""
    claims.put_off(claim, until, note, absent=claim.absent_since is not None)
