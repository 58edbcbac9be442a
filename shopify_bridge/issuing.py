"""Redemptions become what they promise, and come to an end.

Who makes a kind of reward is told by `issuers`. What is due is worked through by the web process at once and
by the worker afterwards; two at the same time do no harm, since each change of state is conditional.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection

from rewards import clock, kinds, redemptions
from rewards.models import Redemption
from rewards.redemptions import State
from shopify_bridge import goods, issuers, waiting
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.issuers import Refused
from shopify_bridge.models import Shop

Step = Callable[[AdminClient, Redemption, float], Redemption | None]
"""What is done in one state; the redemption as it is afterwards, where that is known at once."""
PATIENCE_SECONDS = 10.0
DENIED = "access_denied"
"""What a call is refused with whose permission the app lacks."""
LONGEST_DUE = "SELECT program_id, id FROM rewards_redemption WHERE due_at <= %s ORDER BY due_at, id LIMIT %s"


def work_due() -> int:
    """Go on with every redemption that is due; returns how many were looked at."""
    seen = 0
    for redemption in waiting.leased(Redemption, LONGEST_DUE):
        work_on(redemption)
        seen += 1
    return seen


def work_on(redemption: Redemption, *, within: float = PATIENCE_SECONDS) -> Redemption:
    """One step for one redemption; the redemption as it is afterwards."""
    shop = _shop(redemption.source_id)
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
        if changed := step(AdminClient(shop), redemption, within):
            return changed
    except TryAgain as problem:
        _put_off(redemption, waiting.after_failure(redemption.attempts, problem.after), str(problem))
    except NeedsHuman as problem:
        _not_allowed(redemption, problem)
    redemption.refresh_from_db()
    return redemption


def _shop(shop_id: int) -> Shop | None:
    """The shop, with what a call needs of it."""
    with connection.cursor() as cursor:
        cursor.execute(CALLED, [shop_id])
        row = cursor.fetchone()
    return None if row is None else Shop.from_db(connection.alias, OF_SHOP, row)


OF_SHOP = (
    *("id", "program_id", "domain", "currency", "state", "state_reason"),
    *("access_token", "access_token_expires_at"),
)
CALLED = f"SELECT {', '.join(OF_SHOP)} FROM shopify_bridge_shop WHERE id = %s"  # noqa: S608


def _while_away(redemption: Redemption, *, is_erased: bool) -> None:
    """The shop has left. What was begun goes on when it is back; of one that was erased nobody can ask."""
    if redemption.state == State.RESERVED and not redemption.attempts:
        # Nothing was asked for yet, and nobody is there to be asked: gifts by rule come on their day.
        redemptions.failed(redemption.program_id, redemption.pk, waiting.AWAY)
    elif is_erased:
        redemptions.at_rest(redemption)
    else:
        _put_off(redemption, waiting.while_away(), waiting.AWAY)


def _make(client: AdminClient, redemption: Redemption, within: float) -> Redemption | None:
    """reserved: make it, or find that it was made."""
    issuer, program_id, id = issuers.of(redemption), redemption.program_id, redemption.pk

    def refused(why: str) -> Redemption | None:
        failed = redemptions.failed(program_id, id, why)
        goods.refused(client, redemption.reward["id"], redemption.reward, within)
        return failed

    steps = waiting.Steps(
        find=lambda: issuer.find(client, redemption, within),
        create=lambda: issuer.create(client, redemption, within),
        made=lambda external_ref: _made(redemption, external_ref),
        never_made=lambda why: redemptions.failed(program_id, id, why),
        refused=refused,
    )
    return waiting.make(redemption, redemptions, steps, was_asked=issuer.was_asked(redemption))


def _made(redemption: Redemption, external_ref: str) -> Redemption | None:
    """It is there: to be used, or the shopper's own already."""
    is_theirs = kinds.of(redemption.reward).handed_over
    note = redemptions.delivered if is_theirs else redemptions.issued
    return note(redemption.program_id, redemption.pk, external_ref)


def _end(client: AdminClient, redemption: Redemption, within: float) -> Redemption | None:
    """ending: take it back first, then ask whether it was used."""
    issuer = issuers.of(redemption)
    issuer.take_back(client, redemption.external_ref, within)
    if issuer.note_use(client, redemption):
        return None
    return redemptions.ended(redemption.program_id, redemption.pk)


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


_STEPS: dict[State, Step] = {
    State.RESERVED: _make,
    State.ISSUED: _live_on_or_expire,
    State.ENDING: _end,
    State.EXPIRED: _second_look,
    State.CANCELLED: _second_look,
    State.FAILED: _second_look,
    State.RETURNED: _disable,
}


def _not_allowed(redemption: Redemption, problem: NeedsHuman) -> None:
    """Shopify refuses us. Where it was never asked before, nothing was made: the points are free at once."""
    if problem.code == DENIED:
        why = f"A permission is missing. Open the app and agree to what it asks for. Shopify says: {problem}"
        goods.withhold(redemption.program_id, redemption.reward["id"], goods.PERMISSION, why)
    if redemption.state == State.RESERVED and not issuers.of(redemption).was_asked(redemption):
        redemptions.failed(redemption.program_id, redemption.pk, str(problem))
    else:
        _put_off(redemption, datetime.now(UTC) + waiting.LONGEST_PAUSE, str(problem))


def _put_off(redemption: Redemption, until: datetime, reason: str) -> None:
    """An unknown outcome is no state: the question is asked again."""
    redemptions.put_off(redemption, until, reason, absent=redemption.absent_since is not None)
