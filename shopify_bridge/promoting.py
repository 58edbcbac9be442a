"""Promotions become one discount with many codes, 250 a call, and come to an end.

The codes are chosen before; what was asked for and not answered is asked for again, and a code that is there
by then is ours where it belongs to our discount. Shopify adds them in its own time, so each part is asked
after until it is done.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/discountRedeemCodeBulkAdd
"""

import logging
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.db.models import QuerySet

from rewards import promotions
from rewards.models import PromoCode, Promotion
from shopify_bridge import waiting
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain
from shopify_bridge.database import alone
from shopify_bridge.issuers.base import Refused
from shopify_bridge.issuers.discount import created, deactivate, refuse_errors
from shopify_bridge.issuers.terms import Terms
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

Json = dict[str, Any]
State = Promotion.State
CodeState = PromoCode.State
PART = 250
STEP_SECONDS = 20.0
WITHIN = 10.0
LOOK_AGAIN = timedelta(seconds=2)


def work_due(seconds: float = STEP_SECONDS) -> None:
    """Go on with what is due, as long as the time lasts; what is left goes on next time."""
    deadline = monotonic() + seconds
    for promotion in Promotion.objects.filter(due_at__lte=datetime.now(UTC)).order_by("due_at"):
        go_on(promotion, deadline)


def go_on(promotion: Promotion, deadline: float) -> None:
    """Work on one until it is done, has to wait, or the time is up; nobody else does meanwhile."""
    with alone(f"promotion:{promotion.pk}") as nobody_else:
        promotion.refresh_from_db()
        if not nobody_else or promotion.due_at is None:
            return
        shop = Shop.objects.filter(pk=promotion.source_id).first()
        if shop is None or shop.program_id != promotion.program_id:
            _note(promotion, due_at=None)
            return
        if shop.state == Shop.State.UNINSTALLED:
            _note(promotion, due_at=waiting.while_away(), problem=waiting.AWAY)
            return
        try:
            _work(AdminClient(shop), promotion, deadline)
        except Refused as refusal:
            _note(promotion, state=State.FAILED, due_at=None, problem=str(refusal))
        except (TryAgain, NeedsHuman) as problem:
            after = problem.after if isinstance(problem, TryAgain) else waiting.LONGEST_PAUSE.total_seconds()
            _note(
                promotion,
                due_at=waiting.after_failure(promotion.attempts, after),
                attempts=promotion.attempts + 1,
                problem=str(problem),
            )


def _work(client: AdminClient, promotion: Promotion, deadline: float) -> None:
    if promotion.state == State.ENDING:
        if promotion.external_ref:
            deactivate(client, promotion.external_ref, WITHIN)
        _note(promotion, state=State.ENDED, due_at=None, problem="")
        return
    if not promotion.external_ref and not _made(client, promotion):
        raise TryAgain("Shopify has another discount with the code")
    while monotonic() < deadline:
        if _codes(promotion, CodeState.ASKED).exists():
            if not _looked_after(client, promotion):
                _note(promotion, due_at=datetime.now(UTC) + LOOK_AGAIN, problem="")
                return
        elif not _asked_for_more(client, promotion):
            # Unless somebody ended it meanwhile.
            mine = Promotion.objects.filter(program_id=promotion.program_id, pk=promotion.pk)
            mine.filter(state=State.MAKING).update(state=State.READY, due_at=None, problem="", attempts=0)
            return


def _made(client: AdminClient, promotion: Promotion) -> bool:
    """The discount, with the first of the codes; False: another discount has that code."""
    first = promotions.first_code(promotion)
    made = created(client, _terms(promotion, first.code, client.shop.currency), WITHIN)
    if made is None:
        promotions.choose_again(first)
        return False
    _note(promotion, external_ref=made, attempts=0, problem="")
    _codes(promotion).filter(pk=first.pk).update(state=CodeState.READY)
    return True


def _asked_for_more(client: AdminClient, promotion: Promotion) -> bool:
    """Ask for the next part; False when there is none."""
    part = list(_codes(promotion, CodeState.WAITING).order_by("pk")[:PART])
    if not part:
        return False
    variables = {"id": promotion.external_ref, "codes": [{"code": one.code} for one in part]}
    data = client.run("redeem_codes_add", variables, within=WITHIN)["discountRedeemCodeBulkAdd"]
    refuse_errors(data)
    ids = [one.pk for one in part]
    _codes(promotion).filter(pk__in=ids).update(state=CodeState.ASKED, part=data["bulkCreation"]["id"])
    return True


def _looked_after(client: AdminClient, promotion: Promotion) -> bool:
    """What became of the parts that were asked for; False while Shopify works on one."""
    asked = _codes(promotion, CodeState.ASKED)
    for part in sorted(set(asked.values_list("part", flat=True))):
        found = client.run("redeem_codes_added", {"id": part}, within=WITHIN)[
            "discountRedeemCodeBulkCreation"
        ]
        if found is None:
            # It is kept for a while only: what came of it shows when it is asked for again.
            asked.filter(part=part).update(state=CodeState.WAITING, part="")
        elif not found["done"]:
            return False
        else:
            _note_part(client, promotion, asked.filter(part=part), found["codes"]["nodes"])
    return True


def _note_part(
    client: AdminClient, promotion: Promotion, asked: QuerySet[PromoCode], nodes: list[Json]
) -> None:
    problems = {node["code"]: _problem(node) for node in nodes if node["errors"]}
    for code, problem in problems.items():
        if _is_there(client, promotion, code):
            continue  # an earlier call, whose answer was lost, has added it
        asked.filter(code=code).update(state=CodeState.FAILED, reason=problem[:300])
    asked.filter(state=CodeState.ASKED).update(state=CodeState.READY)


def _problem(node: Json) -> str:
    return "; ".join(str(error["message"]) for error in node["errors"])


def _is_there(client: AdminClient, promotion: Promotion, code: str) -> bool:
    holder = client.run("discount_by_code", {"code": code}, within=WITHIN)["codeDiscountNodeByCode"]
    return holder is not None and holder["id"] == promotion.external_ref


def _terms(promotion: Promotion, code: str, currency: str) -> Terms:
    return Terms(
        reward=promotion.reward,
        title=f"{promotion.name} [loyalty promotion {promotion.program_id}-{promotion.pk}]",
        code=code,
        value=promotion.value,
        currency=currency,
        starts_at=promotion.starts_at,
        ends_at=promotion.ends_at,
        customer_id=None,
    )


def _codes(promotion: Promotion, state: CodeState | None = None) -> QuerySet[PromoCode]:
    rows = PromoCode.objects.filter(program_id=promotion.program_id, promotion=promotion)
    return rows if state is None else rows.filter(state=state)


def _note(promotion: Promotion, **news: Any) -> None:
    Promotion.objects.filter(program_id=promotion.program_id, pk=promotion.pk).update(**news)
    promotion.refresh_from_db()
