"""Orders, customers and discounts: playing the merchant."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import money, orders, refunds, store_credit, totals
from sandbox.admin.shared import page, paged, state, world
from sandbox.model import Order
from sandbox.storefront.sums import sums_of_order

books = Blueprint("books", __name__)


@books.get("/orders")
def order_list() -> Response:
    with world().lock:
        found = sorted(state().orders.values(), key=lambda order: order.number, reverse=True)
    rows = paged(found)
    return page("orders", "orders", orders=rows["rows"], people=state().customers, **rows)


@books.get("/orders/<int:order_id>")
def order_page(order_id: int) -> Response:
    return _order(order_id, "", 200)


def _order(order_id: int, problem: str, status: int) -> Response:
    order = state().orders.get(order_id) or abort(404)
    is_open = order.cancelled_at is None
    paid = totals.received(order) - totals.refunded(order)
    return page(
        "order",
        "orders",
        status=status,
        problem=problem,
        order=order,
        person=state().customers.get(order.customer_id or 0),
        sums=sums_of_order(state(), order),
        refunded=totals.refunded(order),
        can_pay=is_open and totals.outstanding(order) > 0,
        can_fulfil=is_open and any(orders.open_pieces(line) for line in order.lines),
        can_refund=is_open and paid > 0,
    )


def _act(order_id: int, action: Callable[[Order], object]) -> AnyResponse:
    """Do it inside the world's change; a rule that says no is shown on the order's page."""
    order = state().orders.get(order_id) or abort(404)
    try:
        with world().change():
            action(order)
    except orders.Refused as refusal:
        return _order(order_id, refusal.message, 422)
    return redirect(f"/admin/orders/{order_id}", 303)


@books.post("/orders/<int:order_id>/pay")
def pay(order_id: int) -> AnyResponse:
    return _act(order_id, lambda order: orders.mark_as_paid(world(), state(), order))


@books.post("/orders/<int:order_id>/fulfil")
def fulfil(order_id: int) -> AnyResponse:
    return _act(order_id, lambda order: orders.fulfill(world(), state(), order))


@books.post("/orders/<int:order_id>/cancel")
def cancel(order_id: int) -> AnyResponse:
    def action(order: Order) -> None:
        refunds.cancel(world(), state(), order, "customer", give_back=True, restock=True)

    return _act(order_id, action)


@books.post("/orders/<int:order_id>/refund")
def refund(order_id: int) -> AnyResponse:
    order = state().orders.get(order_id) or abort(404)
    amount = request.form.get("amount", "").strip()
    if amount:
        if not re.fullmatch(r"\d{1,12}([.]\d{1,3})?", amount):
            return _order(order_id, "The amount must be a number such as 12.50.", 422)
        wanted = refunds.Wanted(money=refunds.sources(order, money.to_minor(amount, order.currency)))
    else:
        lines = _pieces(order)
        if not lines:
            return _order(order_id, "Choose at least one piece to refund.", 422)
        wanted = refunds.Wanted(lines=lines, money=refunds.sources(order, _worth(order, lines)))
    return _act(order_id, lambda found: refunds.refund(world(), state(), found, wanted))


def _pieces(order: Order) -> list[tuple[int, int, str]]:
    given = [(line.id, request.form.get(f"line-{line.id}", "0")) for line in order.lines]
    return [(line_id, int(text), "return") for line_id, text in given if text.isdecimal() and int(text)]


def _worth(order: Order, pieces: list[tuple[int, int, str]]) -> int:
    lines = {line.id: line for line in order.lines}
    worths = [totals.worth(lines[line_id], count) for line_id, count, _ in pieces]
    return sum(subtotal + (0 if order.taxes_included else tax) for subtotal, tax in worths)


@books.get("/customers")
def customers() -> Response:
    with world().lock:
        found = sorted(state().customers.values(), key=lambda person: person.id, reverse=True)
        rows = paged(found)
        counts = {person.id: len(state().orders_of(person.id)) for person in rows["rows"]}
    return page("customers", "customers", people=rows["rows"], order_counts=counts, **rows)


@books.get("/customers/<int:customer_id>")
def customer(customer_id: int) -> Response:
    person = state().customers.get(customer_id) or abort(404)
    with world().lock:
        found = state().orders_of(customer_id)
    with world().change():
        credit = store_credit.balance_of(world(), state(), customer_id)
    cards = [card for card in state().gift_cards.values() if card.customer_id == customer_id]
    return page("customer", "customers", person=person, orders=found, credit=credit, cards=cards)


@books.get("/gift-cards")
def gift_cards() -> Response:
    with world().lock:
        found = sorted(state().gift_cards.values(), key=lambda card: card.id, reverse=True)
    rows = paged(found)
    return page("gift_cards", "gift_cards", cards=rows["rows"], people=state().customers, **rows)


@books.get("/discounts")
def discounts() -> Response:
    with world().lock:
        found = sorted(state().discounts.values(), key=lambda one: one.id, reverse=True)
    rows = paged(found)
    return page("discounts", "discounts", discounts=rows["rows"], people=state().customers, **rows)
