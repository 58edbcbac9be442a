"""Redemptions become discount codes, and codes come to an end.

Our code is chosen and stored before Shopify is asked, so an unknown outcome is only a question: does
the code exist? What is due is worked through by the web process at once and by the worker afterwards;
two at the same time do no harm, since each change of state is conditional.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/discountCodeBasicCreate
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from rewards import clock, redemptions
from rewards.models import Redemption
from rewards.money import major
from rewards.orders import settle_orders
from rewards.redemptions import State
from shopify_bridge import catalogue, orders
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain, user_errors
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
LOOKS_APART = timedelta(minutes=15)
"""A code counts as never made after two look-ups this far apart."""
LONGEST_PAUSE = timedelta(minutes=15)
LEASE = redemptions.WAITED_FOR
"""So long whoever works on a redemption has it alone; if it died, somebody else goes on then."""
CODES_TRIED = 3
LOOKED_AT = 20
LONGEST_DUE = "SELECT program_id, id FROM rewards_redemption WHERE due_at <= %s ORDER BY due_at, id LIMIT %s"
Json = dict[str, Any]


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
    if shop is None or step is None or shop.state == Shop.State.UNINSTALLED:
        redemptions.at_rest(redemption)
        return redemption
    try:
        step(AdminClient(shop), redemption, within)
    except TryAgain as problem:
        _put_off(redemption, str(problem), problem.after)
    except NeedsHuman as problem:
        _not_allowed(redemption, problem)
    redemption.refresh_from_db()
    return redemption


def _make(client: AdminClient, redemption: Redemption, within: float) -> None:
    """reserved: make the code, or find that it was made."""
    if redemption.attempts:
        # An earlier try may have gone through.
        if found := _look_up(client, redemption, within):
            redemptions.issued(redemption.program_id, redemption.pk, found)
            return
        if _absent_for_long(redemption):
            redemptions.failed(redemption.program_id, redemption.pk, "Shopify never made the code.")
            return
        # Should this process die now, it is soon looked for again, and not after a quarter of an hour.
        redemptions.put_off(redemption, datetime.now(UTC) + LEASE, "looked for", absent=True)
        redemption.refresh_from_db()
    for _ in range(CODES_TRIED):
        if _created(client, redemption, within):
            return
        redemptions.choose_again(redemption)
        redemption.refresh_from_db()
    raise TryAgain("Shopify has other discounts with our codes")


def _created(client: AdminClient, redemption: Redemption, within: float) -> bool:
    """Ask Shopify to make the code, and note the outcome; False when another discount is seen to have it."""
    operation, field, discount = document_for(redemption, client.shop.currency)
    data = client.run(operation, {"discount": discount}, within=within)[field]
    errors = user_errors(data)
    if not errors:
        redemptions.issued(redemption.program_id, redemption.pk, data["codeDiscountNode"]["id"])
    elif any(error.get("code") == "TAKEN" for error in errors):
        return _adopted(client, redemption, within)
    else:
        reason = "; ".join(str(error["message"]) for error in errors)
        redemptions.failed(redemption.program_id, redemption.pk, f"Shopify refused the discount: {reason}")
    return True


def _adopted(client: AdminClient, redemption: Redemption, within: float) -> bool:
    """The code is taken: by a request of ours whose answer was lost, or (False) by another discount.

    While nobody is seen to have it, it may be ours: with another code there could be two in the end.
    """
    holder = _holder(client, redemption, within)
    if holder is None:
        raise TryAgain("Shopify says that the code is taken and doesn't show by what", sent=True)
    if not _is_ours(holder, redemption):
        return False
    redemptions.issued(redemption.program_id, redemption.pk, holder["id"])
    return True


def _end(client: AdminClient, redemption: Redemption, within: float) -> None:
    """ending: disable the code first, then ask whether an order carries it."""
    _deactivate(client, redemption.external_ref, within)
    if not _note_use(client, redemption):
        redemptions.ended(redemption.program_id, redemption.pk)


def _second_look(client: AdminClient, redemption: Redemption, within: float) -> None:
    """expired, cancelled or failed a while ago: a code that lives all the same is disabled, a use counts."""
    if found := _look_up(client, redemption, within):
        _deactivate(client, found, within)
    if not _note_use(client, redemption):
        redemptions.at_rest(redemption)


def _expire(client: AdminClient, redemption: Redemption, within: float) -> None:
    """issued, and its last day is over."""
    if redemption.expires_at is None or redemption.expires_at > clock.now():
        redemptions.at_rest(redemption)
        return
    redemptions.start_ending(redemption.program_id, redemption.pk, State.EXPIRED)


_STEPS = {
    State.RESERVED: _make,
    State.ISSUED: _expire,
    State.ENDING: _end,
    State.EXPIRED: _second_look,
    State.CANCELLED: _second_look,
    State.FAILED: _second_look,
}


def document_for(redemption: Redemption, currency: str) -> tuple[str, str, Json]:
    """(our document, the mutation's name in it, its input) for a redemption."""
    reward = redemption.reward
    combines = reward["combines_with"]
    discount: Json = {
        "title": title(redemption),
        "code": redemption.code,
        "startsAt": redemption.starts_at.isoformat(),
        "endsAt": redemption.expires_at.isoformat() if redemption.expires_at else None,
        "context": {"customers": {"add": [f"gid://shopify/Customer/{redemption.customer_id}"]}},
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "combinesWith": {
            "orderDiscounts": combines["order"],
            "productDiscounts": combines["product"],
            "shippingDiscounts": combines["shipping"] and reward["kind"] != "free_shipping",
        },
    }
    if reward["minimum_subtotal"]:
        minimum = {"greaterThanOrEqualToSubtotal": reward["minimum_subtotal"]}
        discount["minimumRequirement"] = {"subtotal": minimum}
    if reward["kind"] == "free_shipping":
        discount["destination"] = {"all": True}
        return "discount_free_shipping_create", "discountCodeFreeShippingCreate", discount
    discount["customerGets"] = {"value": _value(redemption, currency), "items": {"all": True}}
    return "discount_basic_create", "discountCodeBasicCreate", discount


def title(redemption: Redemption) -> str:
    """What the merchant sees in Shopify's list; its end tells us that a code is ours."""
    return f"{redemption.reward['title']} [loyalty {redemption.program_id}-{redemption.pk}]"


def _value(redemption: Redemption, currency: str) -> Json:
    if redemption.reward["kind"] == "percentage":
        return {"percentage": float(redemption.reward["percent"]) / 100}
    assert redemption.value is not None  # of the other kinds each has a value
    return {"discountAmount": {"amount": major(redemption.value, currency), "appliesOnEachItem": False}}


def _look_up(client: AdminClient, redemption: Redemption, within: float) -> str | None:
    """Shopify's id of the code, if it exists and is ours."""
    holder = _holder(client, redemption, within)
    return holder["id"] if holder is not None and _is_ours(holder, redemption) else None


def _holder(client: AdminClient, redemption: Redemption, within: float) -> Json | None:
    """The discount that has the code, whosever it is."""
    data = client.run("discount_by_code", {"code": redemption.code}, within=within)
    found: Json | None = data["codeDiscountNodeByCode"]
    return found


def _is_ours(holder: Json, redemption: Redemption) -> bool:
    return bool(holder["codeDiscount"].get("title") == title(redemption))


def _deactivate(client: AdminClient, external_ref: str, within: float) -> None:
    data = client.run("discount_deactivate", {"id": external_ref}, within=within)
    if errors := user_errors(data["discountCodeDeactivate"]):
        # The merchant deleted it: it can't be used either.
        log.info("code was gone already", extra={"why": errors[0].get("code")})


def _note_use(client: AdminClient, redemption: Redemption) -> bool:
    """Settle the orders that carry the code; whether there was one."""
    used = False
    for order_id, _, _ in orders.changed(client.shop, f"discount_code:{redemption.code}"):
        found = orders.fetch(client.shop, order_id)
        if found is not None:
            products = catalogue.complete(client.shop, redemption.program, [found])
            settle_orders(redemption.program, [found], catalogue=products)
            used = used or redemption.code in {code.upper() for code in found.fact.codes}
    return used


def _absent_for_long(redemption: Redemption) -> bool:
    since = redemption.absent_since
    return since is not None and clock.now() - since >= LOOKS_APART


def _not_allowed(redemption: Redemption, problem: NeedsHuman) -> None:
    """Shopify refuses us. At the first try nothing was made, so the points are free at once."""
    if redemption.state == State.RESERVED and not redemption.attempts:
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
