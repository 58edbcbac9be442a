"""A buyer's bank questions a payment. Told of by Shopify Payments, to apps with a permission of its own."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sandbox import money, totals
from sandbox.model import Dispute, Order
from sandbox.orders import Refused
from sandbox.payloads import Json, time_text
from sandbox.world import ShopState, World

STATUSES = ("needs_response", "under_review", "accepted", "won", "lost", "charge_refunded", "prevented")
KINDS = ("inquiry", "chargeback")
ANSWER_WITHIN = timedelta(days=9)


def begin(world: World, state: ShopState, order: Order, amount: int | None, kind: str) -> Dispute:
    """`amount`: in minor units of the order; None: all that was paid."""
    paid = totals.received(order)
    wanted = paid if amount is None else amount
    if kind not in KINDS:
        raise Refused(f"type is one of {', '.join(KINDS)}")
    if not 0 < wanted <= paid:
        raise Refused("amount is more than was paid, or nothing")
    made = Dispute(world.new_id(), order.id, kind, wanted, order.currency, "needs_response", world.now())
    _tell(world, state, made, "disputes/create")
    return made


def change(world: World, state: ShopState, dispute: Dispute, status: str) -> None:
    if status not in STATUSES:
        raise Refused(f"status is one of {', '.join(STATUSES)}")
    dispute.status = status
    is_open = status in ("needs_response", "under_review")
    dispute.finalized_at = None if is_open else world.now()
    _tell(world, state, dispute, "disputes/update")


def _tell(world: World, state: ShopState, dispute: Dispute, topic: str) -> None:
    world.save(state, dispute)
    world.emit(state, topic, payload(state, dispute))


def payload(state: ShopState, dispute: Dispute) -> Json:
    """The REST shape. The moment of a change stands in the delivery's header only."""
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": dispute.id,
        "order_id": dispute.order_id,
        "type": dispute.kind,
        "amount": money.to_text(dispute.amount, dispute.currency),
        "currency": dispute.currency,
        "reason": "fraudulent",
        "network_reason_code": "4827",
        "status": dispute.status,
        "evidence_due_by": time_text(dispute.initiated_at + ANSWER_WITHIN, zone),
        "evidence_sent_on": None,
        "finalized_on": time_text(dispute.finalized_at, zone),
        "initiated_at": time_text(dispute.initiated_at, zone),
    }
