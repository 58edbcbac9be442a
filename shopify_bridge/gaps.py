"""Gaps between Shopify's orders and ours: found by comparing, listed for the merchant, and healed."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from rewards import facts
from rewards.facts import FetchedOrder, OrderFact, OrderRef
from rewards.models import Order, Program, Redemption
from rewards.orders import deserves_other_points, settle_deleted, settle_orders
from shopify_bridge import catalogue, orders
from shopify_bridge.catalogue import Catalogue
from shopify_bridge.inbox import DEFECTS
from shopify_bridge.models import Gap, Shop
from shopify_bridge.payloads import BadPayload

log = logging.getLogger(__name__)

NO_LONGER_SHOWN = "Shopify no longer shows this order."
MANY = "So many orders are gone at once that a person has to look first."
ASKED_AT_ONCE = 250
"""As many ids as Shopify takes in one question."""
FEW = 25
"""More deleted orders than this, and more than a tenth of those asked for, are no usual day."""
SHOWN_FOR_SURE = timedelta(days=30)
"""Half of the time that Shopify shows an order: dates of processing needn't be those of making."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An order as Shopify showed it: always when it changed, and what it is where that was asked."""

    external_id: int
    name: str
    updated_at: datetime
    order: FetchedOrder | None = None
    # It isn't shown, though it would be if it was still there.
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """How many orders were compared, not as they should be, and healed."""

    looked_at: int = 0
    found: int = 0
    healed: int = 0


def compare(shop: Shop, seen: Sequence[Seen], *, heals: bool, by: str) -> Compared:
    """Note which of these orders aren't known as they are; settle them when asked to.

    Raises TryAgain and NeedsHuman when an order has to be fetched and can't be.
    """
    program = Program.objects.get(pk=shop.program_id)
    known = _known(shop, seen)
    kinds = {one.external_id: _kind(program, one, known.get(one.external_id)) for one in seen}
    _close_known(shop, [external_id for external_id, kind in kinds.items() if kind is None])
    found = [(one, kind) for one in seen if (kind := kinds[one.external_id])]
    _note(shop, program, found)
    behind = [one for one, _ in found]
    healed = _heal(shop, program, behind, by) if heals else 0
    return Compared(len(seen), len(behind), healed)


def counting(shop: Shop, since: datetime, until: datetime, after: int) -> list[Order]:
    """A part of the orders that changed in this time and have points or used a code, from this id on."""
    used = Redemption.objects.filter(
        program_id=shop.program_id, order=OuterRef("pk"), state=Redemption.State.USED
    )
    found = Order.objects.filter(
        Q(points__gt=0) | Exists(used),
        program_id=shop.program_id,
        source_id=shop.pk,
        external_id__gt=after,
        facts_at__gte=since,
        facts_at__lte=until,
        facts__cancelled=False,
    )
    return list(found.order_by("external_id")[:ASKED_AT_ONCE])


def compare_known(shop: Shop, known: Sequence[Order], *, heals: bool, by: str) -> Compared:
    """Note which of these orders were deleted in the shop; settle them as such when asked to.

    An order that isn't shown may just be too old for that. It was deleted if one that is older is shown, or
    if it is of the last days. Raises TryAgain and NeedsHuman.
    """
    absent = orders.absent(shop, [order.external_id for order in known])
    oldest = orders.oldest(shop) if absent else None
    recent = datetime.now(UTC) - SHOWN_FOR_SURE
    gone = [
        order
        for order in known
        if order.external_id in absent
        and ((oldest is not None and order.external_id > oldest) or _fact(order).processed_at > recent)
    ]
    program = Program.objects.get(pk=shop.program_id)
    seen = [
        Seen(order.external_id, _fact(order).name, _fact(order).updated_at, deleted=True) for order in gone
    ]
    _note(shop, program, [(one, Gap.Kind.DELETED) for one in seen])
    if len(gone) > FEW and len(gone) > len(known) / 10:
        open_gaps(shop).filter(external_id__in=[one.external_id for one in seen]).update(problem=MANY)
        return Compared(0, len(seen), 0)
    return Compared(0, len(seen), _heal(shop, program, seen, by) if heals else 0)


def _fact(order: Order) -> OrderFact:
    assert order.facts is not None  # it is an order that counts
    return facts.from_data(order.facts)


def repair(shop: Shop, gap: Gap, by: str) -> bool:
    """Fetch one order and settle it; whether the gap is closed. Raises TryAgain and NeedsHuman."""
    program = Program.objects.get(pk=shop.program_id)
    deleted = gap.kind == Gap.Kind.DELETED
    _heal(shop, program, [Seen(gap.external_id, gap.name, gap.changed_at, deleted=deleted)], by)
    gap.refresh_from_db()
    return gap.healed_at is not None


def ask_for_repair(shop: Shop, by: str) -> int:
    """All open gaps that a repair can close are to be repaired by a worker; returns how many."""
    return open_gaps(shop).exclude(kind=Gap.Kind.CURRENCY).update(asked_by=by, problem="")


def open_gaps(shop: Shop) -> models.QuerySet[Gap]:
    """What is not as it should be right now."""
    return Gap.objects.filter(program_id=shop.program_id, shop_id=shop.pk, healed_at=None)


def _known(shop: Shop, seen: Iterable[Seen]) -> dict[int, Order]:
    rows = Order.objects.filter(
        program_id=shop.program_id, source_id=shop.pk, external_id__in=[one.external_id for one in seen]
    )
    return {order.external_id: order for order in rows}


def _kind(program: Program, seen: Seen, order: Order | None) -> Gap.Kind | None:
    """What is wrong with an order that Shopify shows; None: nothing."""
    if order is None or order.facts_at is None:
        return Gap.Kind.MISSING
    if order.facts_at < seen.updated_at:
        return Gap.Kind.BEHIND
    if order.blocked == "currency":
        return Gap.Kind.CURRENCY
    if order.facts_at == seen.updated_at and seen.order:
        return Gap.Kind.DIFFERS if deserves_other_points(program, order, seen.order.fact) else None
    return None


def _close_known(shop: Shop, external_ids: list[int]) -> None:
    """The delivery came late, after the gap was found."""
    open_gaps(shop).filter(external_id__in=external_ids).update(
        healed_at=datetime.now(UTC), healed_by="delivery", asked_by="", problem=""
    )


def _note(shop: Shop, program: Program, found: list[tuple[Seen, Gap.Kind]]) -> None:
    Gap.objects.bulk_create(
        [
            Gap(
                program_id=program.pk,
                shop_id=shop.pk,
                external_id=seen.external_id,
                name=seen.name,
                kind=kind,
                changed_at=seen.updated_at,
            )
            for seen, kind in found
        ],
        # Found before and still open: its first discovery stays.
        ignore_conflicts=True,
    )
    if found:
        log.warning("orders were behind", extra={"shop": shop.domain, "orders": len(found)})


def _heal(shop: Shop, program: Program, behind: Sequence[Seen], by: str) -> int:
    """Settle these orders and close their gaps; returns how many could be."""
    before = {order.external_id: order.points for order in _known(shop, behind).values()}
    states: list[FetchedOrder] = []
    problems: dict[int, str] = {}
    for one in behind:
        try:
            state = one.order or orders.fetch(shop, one.external_id, spare=orders.spare_for_news(shop))
        except BadPayload as problem:
            problems[one.external_id] = f"What Shopify shows can't be understood: {problem}"
            continue
        if state is not None:
            states.append(state)
        else:
            problems[one.external_id] = NO_LONGER_SHOWN
            if one.deleted:
                with transaction.atomic():
                    settle_deleted(program, OrderRef(shop.pk, one.external_id), at=datetime.now(UTC))
    products = catalogue.complete(shop, program, states, spare=orders.spare_for_news)
    problems |= settle(program, states, products)
    return _close(shop, behind, before, problems, by)


def settle(program: Program, states: list[FetchedOrder], products: Catalogue) -> dict[int, str]:
    """Settle all at once; where that fails, one by one, with what each failed of."""
    if not states:
        return {}
    try:
        with transaction.atomic():
            settle_orders(program, states, catalogue=products)
    except DEFECTS as problem:
        if len(states) == 1:
            return {states[0].fact.external_id: f"{type(problem).__name__}: {problem}"[:400]}
        return {key: why for state in states for key, why in settle(program, [state], products).items()}
    return {}


def _close(
    shop: Shop, behind: Sequence[Seen], before: dict[int, int], problems: dict[int, str], by: str
) -> int:
    after, now = _known(shop, behind), datetime.now(UTC)
    closing = list(open_gaps(shop).filter(external_id__in=[one.external_id for one in behind]))
    for gap in closing:
        order = after.get(gap.external_id)
        gap.asked_by, gap.problem = "", problems.get(gap.external_id, "")
        if order and order.blocked == "currency":
            gap.kind = Gap.Kind.CURRENCY
        elif gap.problem == NO_LONGER_SHOWN or (order and not gap.problem):
            gap.healed_at, gap.healed_by = now, by
            gap.points = order.points - before.get(gap.external_id, 0) if order else 0
    Gap.objects.filter(program_id=shop.program_id).bulk_update(
        closing, ["asked_by", "problem", "kind", "healed_at", "healed_by", "points"]
    )
    return sum(gap.healed_at is not None for gap in closing)
