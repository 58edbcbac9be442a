"""Orders after they were made: payment, refunds, cancellation, fulfilment, deletion."""

from __future__ import annotations

import json
import uuid
from typing import Any

from graphql import GraphQLError

from sandbox import money, orders, refunds, totals
from sandbox.api.context import number
from sandbox.api.customer_mutations import clean_tags
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.order_part_views import FulfillmentView, RefundView, TransactionView
from sandbox.api.order_views import OrderView
from sandbox.model import Order, Repeated
from sandbox.orders import Refused
from sandbox.refunds import Wanted

Input = dict[str, Any]


class OrderMutations(MutationSet):
    @mutation()
    def order_update(self, input: Input) -> Payload:
        order = self.context.must_order(input["id"], ["id"])
        for name in ("email", "phone", "note"):
            if name in input:
                setattr(order, name, input[name])
        if input.get("tags") is not None:
            order.tags = clean_tags(input["tags"])
        orders.changed(self.world, self.here, order)
        return {"order": OrderView(self.context, order)}

    @mutation()
    def order_mark_as_paid(self, input: Input) -> Payload:
        order = self.context.must_order(input["id"], ["id"])
        orders.mark_as_paid(self.world, self.here, order)
        return {"order": OrderView(self.context, order)}

    @mutation()
    def order_capture(self, input: Input) -> Payload:
        order = self.context.must_order(input["id"], ["id"])
        amount = money.to_minor(input["amount"], order.currency)
        if totals.financial_status(order) not in ("authorized", "partially_paid") or not totals.authorized(
            order
        ):
            raise Refused("Order cannot be captured.", ["id"])
        if not 0 < amount <= totals.authorized(order) - totals.received(order):
            raise Refused("Amount is more than was authorized", ["amount"])
        made = orders.capture(self.world, self.here, order, amount)
        return {"transaction": TransactionView(self.context, order, made)}

    @mutation(errors="orderCancelUserErrors")
    def order_cancel(
        self,
        order_id: str,
        reason: str,
        restock: bool,
        refund: bool | None = None,
        refund_method: Input | None = None,
        notify_customer: bool | None = None,
        staff_note: str | None = None,
    ) -> Payload:
        order = self.context.must_order(order_id, ["orderId"])
        give_back = bool(refund or (refund_method or {}).get("originalPaymentMethodsRefund"))
        refunds.cancel(self.world, self.here, order, reason.lower(), give_back, restock)
        return {"job": {"id": f"gid://shopify/Job/{uuid.uuid4()}", "done": True}}

    @mutation()
    def order_delete(self, order_id: str) -> Payload:
        order = self.context.must_order(order_id, ["orderId"])
        if totals.received(order) > totals.refunded(order) and not order.test and not order.cancelled_at:
            raise Refused("Order cannot be deleted", ["orderId"], "INVALID")
        orders.delete(self.world, self.here, order)
        return {"deletedId": order_id}

    @mutation()
    def order_customer_set(self, order_id: str, customer_id: str) -> Payload:
        order = self.context.must_order(order_id, ["orderId"])
        customer = self.context.must_customer(customer_id, ["customerId"])
        orders.set_customer(self.world, self.here, order, customer.id)
        return {"order": OrderView(self.context, order)}

    @mutation()
    def order_customer_remove(self, order_id: str) -> Payload:
        order = self.context.must_order(order_id, ["orderId"])
        orders.set_customer(self.world, self.here, order, None)
        return {"order": OrderView(self.context, order)}

    # -- refunds -------------------------------------------------------------------------------------

    @mutation()
    def refund_create(self, input: Input) -> Payload:
        key = self.context.services["idempotency_key"]
        if key is None:
            raise GraphQLError(
                "The @idempotent directive is required for this mutation but was not provided.",
                extensions={"code": "BAD_REQUEST"},
            )
        order = self.context.must_order(input["orderId"], ["orderId"])
        fingerprint = json.dumps(input, sort_keys=True, default=str)
        known = self.here.repeated.get(key)
        if known is not None and known.fingerprint != fingerprint:
            raise Refused(
                "The idempotency key was used with other parameters", None, "IDEMPOTENCY_KEY_MISMATCH"
            )
        if known is not None:
            made = next(refund for refund in order.refunds if refund.id == known.result_id)
        else:
            made = refunds.refund(self.world, self.here, order, self._wanted(order, input))
            self.world.save(self.here, Repeated(self.world.new_id(), key, fingerprint, made.id))
        return {
            "refund": RefundView(self.context, order, made),
            "order": OrderView(self.context, order),
        }

    def _wanted(self, order: Order, input: Input) -> Wanted:
        return Wanted(
            lines=[
                (number(line["lineItemId"], "LineItem"), line["quantity"], _restock(line.get("restockType")))
                for line in input.get("refundLineItems") or []
            ],
            shipping=self._refund_shipping(order, input.get("shipping")),
            money=[self._refund_money(order, given) for given in input.get("transactions") or []],
            note=input.get("note"),
            over_refunding=bool(input.get("allowOverRefunding")),
            processed_at=input.get("processedAt"),
        )

    def _refund_shipping(self, order: Order, given: Input | None) -> int | None:
        if not given:
            return None
        if given.get("fullRefund"):
            return totals.current_shipping(order)
        return money.to_minor(given["amount"], order.currency) if given.get("amount") is not None else None

    def _refund_money(self, order: Order, given: Input) -> tuple[int, int | None, str]:
        if given["kind"] != "REFUND":
            raise Refused("Kind must be refund", ["transactions", "0", "kind"])
        if number(given["orderId"], "Order") != order.id:
            raise Refused("Order must be the refund's", ["transactions", "0", "orderId"])
        parent = number(given["parentId"], "OrderTransaction") if given.get("parentId") else None
        return money.to_minor(given["amount"], order.currency), parent, given["gateway"]

    # -- fulfilment ----------------------------------------------------------------------------------

    @mutation()
    def fulfillment_create(self, fulfillment: Input) -> Payload:
        return self._fulfill(fulfillment)

    @mutation()
    def fulfillment_create_v2(self, fulfillment: Input) -> Payload:
        return self._fulfill(fulfillment)

    def _fulfill(self, fulfillment: Input) -> Payload:
        groups = fulfillment["lineItemsByFulfillmentOrder"]
        if len(groups) != 1:
            raise Refused("All fulfillment orders must belong to the same order.", ["fulfillment"])
        order = self.here.orders.get(number(groups[0]["fulfillmentOrderId"], "FulfillmentOrder"))
        if order is None:
            raise Refused("Fulfillment order does not exist.", ["fulfillment"])
        pieces = {
            number(line["id"], "FulfillmentOrderLineItem"): line["quantity"]
            for line in groups[0].get("fulfillmentOrderLineItems") or []
        }
        made = orders.fulfill(self.world, self.here, order, pieces or None)
        return {"fulfillment": FulfillmentView(self.context, order, made)}


def _restock(given: str | None) -> str:
    return (given or "NO_RESTOCK").lower()
