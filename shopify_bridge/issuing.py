"""Redemptions become what they promise, and come to an end.

Who makes a kind of reward is told by `issuers`. What is due is worked through by the web process at once and
by the worker afterwards; two at the same time do no harm, since each change of state is conditional.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from rewards import clock, kinds, redemptions
from rewards.models import Redemption
from rewards.redemptions import State
from shopify_bridge import goods, issuers
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.issuers import Refused
from shopify_bridge.models import Shop

PATIENCE_SECONDS = 10.0
LOOKS_APART = timedelta(minutes=15)
"""A code counts as never made after two look-ups this far apart."""
LONGEST_PAUSE = timedelta(minutes=15)
WHILE_AWAY = timedelta(hours=1)
AWAY = "The shop has uninstalled the app."
LEASE = redemptions.WAITED_FOR
"""So long whoever works on a redemption has it alone; if it died, somebody else goes on then."""
CODES_TRIED = 3
LOOKED_AT = 20
DENIED = "access_denied"
"""What a call is refused with whose permission the app lacks."""
LONGEST_DUE = "SELECT program_id, id FROM rewards_redemption WHERE due_at <= %s ORDER BY due_at, id LIMIT %s"


def work_due() -> int:
    """Go on with every redemption that is due; returns how many were looked at."""
    seen = 0
    while redemption := _claim_one():
        work_on(redemption)
        seen += 1
    return seen


def work_on(redemption: Redemption, *, within: float = PATIENCE_SECONDS) -> Redemption:
    """One step for one redemption; the redemption as it is afterwards."""
    shop = Shop.objects.filter(pk=redemption.source_id).first()
    step = _STEPS.get(State(redemption.state))
    if step is None:
        redemptions.at_rest(redemption)
        return redemption
    is_erased = shop is None or shop.program_id != redemption.program_id
    if shop is None or is_erased or shop.state == Shop.State.UNINSTALLED:
        _while_away(redemption, is_erased=is_erased)
        redemption.refresh_from_db()
        return redemption
    try:
        step(AdminClient(shop), redemption, within)
    except TryAgain as problem:
        _put_off(redemption, str(problem), problem.after)
    except NeedsHuman as problem:
        _not_allowed(redemption, problem)
    redemption.refresh_from_db()
    return redemption


def _while_away(redemption: Redemption, *, is_erased: bool) -> None:
    """The shop has left. What was begun goes on when it is back; of one that was erased nobody can ask."""
    if redemption.state == State.RESERVED and not redemption.attempts:
        # Nothing was asked for yet, and nobody is there to be asked: gifts by rule come on their day.
        redemptions.failed(redemption.program_id, redemption.pk, AWAY)
    elif is_erased:
        redemptions.at_rest(redemption)
    else:
        is_absent = redemption.absent_since is not None
        redemptions.put_off(redemption, datetime.now(UTC) + WHILE_AWAY, AWAY, absent=is_absent)


def _make(client: AdminClient, redemption: Redemption, within: float) -> None:
    """reserved: make it, or find that it was made."""
    issuer = issuers.of(redemption)
    if issuer.was_asked(redemption):
        if found := issuer.find(client, redemption, within):
            _made(redemption, found)
            return
        if _absent_for_long(redemption):
            redemptions.failed(redemption.program_id, redemption.pk, "Shopify never made it.")
            return
        # Should this process die now, it is soon looked for again, and not after a quarter of an hour.
        redemptions.put_off(redemption, datetime.now(UTC) + LEASE, "looked for", absent=True)
        redemption.refresh_from_db()
    for _ in range(CODES_TRIED):
        try:
            made = issuer.create(client, redemption, within)
        except Refused as refusal:
            redemptions.failed(redemption.program_id, redemption.pk, str(refusal))
            goods.refused(client, redemption, within)
            return
        if made is not None:
            _made(redemption, made)
            return
        redemptions.choose_again(redemption)
        redemption.refresh_from_db()
    raise TryAgain("Shopify has other discounts with our codes")


def _made(redemption: Redemption, external_ref: str) -> None:
    """It is there: to be used, or the shopper's own already."""
    is_theirs = kinds.of(redemption.reward).handed_over
    note = redemptions.delivered if is_theirs else redemptions.issued
    note(redemption.program_id, redemption.pk, external_ref)


def _end(client: AdminClient, redemption: Redemption, within: float) -> None:
    """ending: take it back first, then ask whether it was used."""
    issuer = issuers.of(redemption)
    issuer.take_back(client, redemption.external_ref, within)
    if not issuer.note_use(client, redemption):
        redemptions.ended(redemption.program_id, redemption.pk)


def _second_look(client: AdminClient, redemption: Redemption, within: float) -> None:
    """expired, cancelled or failed a while ago: what lives all the same is taken back, a use counts."""
    issuer = issuers.of(redemption)
    if found := issuer.find(client, redemption, within):
        issuer.take_back(client, found, within)
    if not issuer.note_use(client, redemption):
        redemptions.at_rest(redemption)


def _disable(client: AdminClient, redemption: Redemption, within: float) -> None:
    """returned: the points are back, so nobody is to use it a second time."""
    issuer = issuers.of(redemption)
    if made := redemption.external_ref or issuer.find(client, redemption, within):
        issuer.take_back(client, made, within)
    redemptions.at_rest(redemption)


def _live_on_or_expire(client: AdminClient, redemption: Redemption, within: float) -> None:
    """issued: staff gave it a later end, or its last day is over."""
    if redemption.extends_to is not None:
        try:
            issuers.of(redemption).extend(client, redemption, redemption.extends_to, within)
        except Refused as refusal:
            redemptions.not_extended(redemption.program_id, redemption.pk, str(refusal))
            return
        redemptions.extended(redemption.program_id, redemption.pk)
        return
    if redemption.expires_at is None or redemption.expires_at > clock.now():
        redemptions.at_rest(redemption)
        return
    redemptions.start_ending(redemption.program_id, redemption.pk, State.EXPIRED)


_STEPS = {
    State.RESERVED: _make,
    State.ISSUED: _live_on_or_expire,
    State.ENDING: _end,
    State.EXPIRED: _second_look,
    State.CANCELLED: _second_look,
    State.FAILED: _second_look,
    State.RETURNED: _disable,
}


def _absent_for_long(redemption: Redemption) -> bool:
    since = redemption.absent_since
    return since is not None and clock.now() - since >= LOOKS_APART


def _not_allowed(redemption: Redemption, problem: NeedsHuman) -> None:
    """Shopify refuses us. Where it was never asked before, nothing was made: the points are free at once."""
    if problem.code == DENIED:
        why = f"A permission is missing. Open the app and agree to what it asks for. Shopify says: {problem}"
        goods.withhold(redemption.program_id, redemption.reward["id"], goods.PERMISSION, why)
    if redemption.state == State.RESERVED and not issuers.of(redemption).was_asked(redemption):
        redemptions.failed(redemption.program_id, redemption.pk, str(problem))
    else:
        _put_off(redemption, str(problem), LONGEST_PAUSE.total_seconds())


def _put_off(redemption: Redemption, reason: str, after: float | None) -> None:
    """An unknown outcome is no state: the question is asked again."""
    pause = min(timedelta(seconds=after or 2 ** min(redemption.attempts + 1, 10)), LONGEST_PAUSE)
    redemptions.put_off(
        redemption, datetime.now(UTC) + pause, reason, absent=redemption.absent_since is not None
    )


def _claim_one() -> Redemption | None:
    """The redemption that is due for longest, leased. One, since each may take as long as Shopify does."""
    now = datetime.now(UTC)
    while due := _longest_due(now):
        for program_id, redemption_id in due:
            one = Redemption.objects.filter(program_id=program_id, pk=redemption_id)
            # Whoever changes the row first has it; the others look at the next one.
            if one.filter(due_at__lte=now).update(due_at=now + LEASE):
                return one.get()
    return None


def _longest_due(now: datetime) -> list[tuple[int, int]]:
    """Some of those that are due, in all programs; nothing is locked by looking."""
    with connection.cursor() as cursor:
        cursor.execute(LONGEST_DUE, [now, LOOKED_AT])
        return list(cursor.fetchall())
