"""Friends' rewards become discount codes, as redemptions do, and come to an end. No points are at stake.

Who is signed in has a code of their own; a guest's is for whoever has it, once.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from rewards import claims, clock
from rewards.claims import State
from rewards.models import Claim
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.issuers import Refused, discount
from shopify_bridge.issuers.terms import Terms
from shopify_bridge.issuing import (
    AWAY,
    CODES_TRIED,
    LEASE,
    LONGEST_PAUSE,
    LOOKED_AT,
    LOOKS_APART,
    PATIENCE_SECONDS,
    WHILE_AWAY,
)
from shopify_bridge.models import Shop

LONGEST_DUE = "SELECT program_id, id FROM rewards_claim WHERE due_at <= %s ORDER BY due_at, id LIMIT %s"


def work_due() -> int:
    """Go on with every claim that is due; returns how many were looked at."""
    seen = 0
    while claim := _leased():
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
        is_absent = claim.absent_since is not None
        claims.put_off(claim, datetime.now(UTC) + WHILE_AWAY, AWAY, absent=is_absent)
        return claim
    try:
        step(AdminClient(shop), claim, within)
    except TryAgain as problem:
        _put_off(claim, str(problem), problem.after)
    except NeedsHuman as problem:
        _put_off(claim, str(problem), LONGEST_PAUSE.total_seconds())
    claim.refresh_from_db()
    return claim


def title(claim: Claim) -> str:
    """What the merchant sees in Shopify's list; its end tells us that a code is ours."""
    return f"{claim.reward['title']} [loyalty friend {claim.program_id}-{claim.pk}]"


def _make(client: AdminClient, claim: Claim, within: float) -> None:
    """reserved: make it, or find that it was made."""
    if claim.attempts:
        # An earlier try may have gone through.
        if found := _found(client, claim, within):
            claims.issued(claim, found)
            return
        if claim.absent_since and clock.now() - claim.absent_since >= LOOKS_APART:
            claims.failed(claim, "Shopify never made the code.")
            return
        claims.put_off(claim, datetime.now(UTC) + LEASE, "looked for", absent=True)
        claim.refresh_from_db()
    for _ in range(CODES_TRIED):
        try:
            made = discount.created(client, _terms(claim, client.shop.currency), within)
        except Refused as refusal:
            claims.failed(claim, str(refusal))
            return
        if made is not None:
            claims.issued(claim, made)
            return
        claims.choose_again(claim)
        claim.refresh_from_db()
    raise TryAgain("Shopify has other discounts with our codes")


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


def _put_off(claim: Claim, note: str, after: float | None) -> None:
    """An unknown outcome is no state: the question is asked again."""
    pause = min(timedelta(seconds=after or 2 ** min(claim.attempts + 1, 10)), LONGEST_PAUSE)
    claims.put_off(claim, datetime.now(UTC) + pause, note, absent=claim.absent_since is not None)


def _leased() -> Claim | None:
    """The claim that is due for longest. One, since each may take as long as Shopify does."""
    now = datetime.now(UTC)
    while due := _longest_due(now):
        for program_id, claim_id in due:
            one = Claim.objects.filter(program_id=program_id, pk=claim_id)
            # Whoever changes the row first has it; the others look at the next one.
            if one.filter(due_at__lte=now).update(due_at=now + LEASE):
                return one.get()
    return None


def _longest_due(now: datetime) -> list[tuple[int, int]]:
    """Some of those that are due, in all programs; nothing is locked by looking."""
    with connection.cursor() as cursor:
        cursor.execute(LONGEST_DUE, [now, LOOKED_AT])
        return list(cursor.fetchall())
