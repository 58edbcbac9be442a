"""Sign-in by picking a customer, the account, and orders."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import commerce, events, store_credit
from sandbox.model import Customer, Order
from sandbox.storefront.cart import safe_path
from sandbox.storefront.rendering import page
from sandbox.storefront.sums import sums_of_order
from sandbox.storefront.visit import Visit, visit

account = Blueprint("account", __name__)

SHOWN_PEOPLE = 24


@account.get("/account")
def show() -> AnyResponse:
    here = visit()
    if here.customer is None:
        return redirect("/account/login", 302)
    with here.world.change():
        credit = store_credit.balance_of(here.world, here.state, here.customer.id)
    orders = commerce.orders_of(here.state, here.customer)
    return page("account", "customers/account", orders=orders, credit=credit)


@account.get("/account/login")
def login_form() -> Response:
    return _login_form("", 200)


def _login_form(error: str, status: int) -> Response:
    people = list(visit().state.customers.values())[:SHOWN_PEOPLE]
    return_to = safe_path(request.values.get("return_to") or request.values.get("return_url") or "/account")
    return page("login", "customers/login", status=status, people=people, error=error, return_to=return_to)


@account.post("/account/login")
def login() -> AnyResponse:
    here = visit()
    wanted = request.form.get("customer", "")
    session = here.known_session()
    with here.world.change():
        found = commerce.sign_in(here.world, here.state, session, int(wanted)) if wanted.isdecimal() else None
    if found is None:
        return _login_form("There is no such customer.", 422)
    return redirect(safe_path(request.form.get("return_to", "/account")), 303)


@account.post("/account/register")
def register() -> AnyResponse:
    here = visit()
    email = request.form.get("email", "").strip()
    first, last = request.form.get("first_name", "").strip(), request.form.get("last_name", "").strip()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+[.][^@\s]+", email):
        return _login_form("Enter an e-mail address such as someone@example.com.", 422)
    if any((person.email or "").lower() == email.lower() for person in here.state.customers.values()):
        return _login_form("There is a customer with this e-mail address already: pick them above.", 422)
    session = here.known_session()
    with here.world.change():
        person = _new_customer(here, email, first, last)
        commerce.sign_in(here.world, here.state, session, person.id)
    return redirect(safe_path(request.form.get("return_to", "/account")), 303)


def _new_customer(here: Visit, email: str, first: str, last: str) -> Customer:
    now = here.world.now()
    person = Customer(here.world.new_id(), email, first or None, last or None, None, now, now)
    here.world.save(here.state, person)
    events.customer(here.world, here.state, person, "customers/create")
    return person


@account.post("/account/logout")
def logout() -> AnyResponse:
    here = visit()
    if here.session is not None:
        with here.world.change():
            commerce.sign_out(here.world, here.state, here.session)
    return redirect("/", 303)


@account.get("/account/orders/<int:order_id>")
def order(order_id: int) -> Response:
    return _order_page(order_id, thanks=False)


@account.get("/orders/<int:order_id>/thanks")
def thanks(order_id: int) -> Response:
    """Ids are hard to guess, and this is a sandbox: a guest may see the order just made."""
    return _order_page(order_id, thanks=True)


def _order_page(order_id: int, thanks: bool) -> Response:
    here = visit()
    found: Order = here.state.orders.get(order_id) or abort(404)
    is_own = here.customer is not None and found.customer_id == here.customer.id
    if not is_own and not (thanks and found.customer_id is None):
        abort(404)
    refunded = sum(refund.money for refund in found.refunds)
    return page(
        "order",
        "customers/order",
        order=found,
        thanks=thanks,
        sums=sums_of_order(here.state, found),
        refunded=refunded,
    )
