"""Addresses under /sandbox/ that stand for people and accidents; described in README.md."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from sandbox import (
    baskets,
    commerce,
    disputes,
    events,
    installation,
    money,
    payloads,
    store_credit,
    tokens,
    totals,
)
from sandbox.api.cost import Buckets
from sandbox.faults import Faults
from sandbox.model import Customer, GiftCard, Order
from sandbox.orders import Refused
from sandbox.seed import add_shop
from sandbox.webhooks import Outbox
from sandbox.world import ShopState, World

blueprint = Blueprint("driver", __name__, url_prefix="/sandbox")

SESSION_COOKIE = "sandbox_session"


def world() -> World:
    return current_app.extensions["world"]  # type: ignore[no-any-return]


def current_state() -> ShopState:
    """The shop named by Host; 404 is for the caller to answer."""
    state = world().shop_for_host(request.host)
    if state is None:
        raise NotFound("there is no such shop")
    return state


def form() -> dict[str, str]:
    """The parameters of a request, as JSON or as a form."""
    given = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    return given if isinstance(given, dict) else {}


@blueprint.post("/login")
def login() -> tuple[Response, int]:
    with world().change():
        state = current_state()
        session = world().session(state, request.cookies.get(SESSION_COOKIE)) or world().new_session(state)
        wanted = str(form().get("customer", ""))
        customer = commerce.sign_in(world(), state, session, int(wanted)) if wanted.isdecimal() else None
    if customer is None:
        return jsonify(error="there is no such customer"), 404
    answer = jsonify(customer=customer.id, name=customer.display_name)
    answer.set_cookie(SESSION_COOKIE, session.token, httponly=True, samesite="Lax")
    return answer, 200


@blueprint.post("/logout")
def logout() -> Response:
    with world().change():
        state = current_state()
        session = world().session(state, request.cookies.get(SESSION_COOKIE))
        if session is not None:
            commerce.sign_out(world(), state, session)
    return jsonify(customer=None)


# -- the app in the shop ---------------------------------------------------------------------------


@blueprint.post("/install")
def install() -> ResponseReturnValue:
    config, state = current_app.extensions["config"], current_state()
    with world().change():
        installation.install(world(), state, current_app.extensions["app_config"])
    status = installation.open_home(config, state)
    return jsonify(shop=state.domain, scopes=state.installation.scopes, app_status=status)


@blueprint.post("/uninstall")
def uninstall() -> ResponseReturnValue:
    with world().change():
        state = current_state()
        installation.uninstall(world(), state)
    return jsonify(shop=state.domain, installed=False)


@blueprint.get("/id-token")
def id_token() -> ResponseReturnValue:
    surface = request.args.get("surface", "admin")
    if surface not in ("admin", "pos", "checkout", "customer-account"):
        raise BadRequest("surface is one of admin, pos, checkout, customer-account")
    customer = request.args.get("customer")
    subject = f"gid://shopify/Customer/{customer}" if customer else request.args.get("user")
    token = tokens.sign_id_token(current_app.extensions["config"], current_state(), surface, subject)
    return jsonify(id_token=token)


@blueprint.get("/admin-token")
def admin_token() -> ResponseReturnValue:
    return jsonify(admin_token=current_app.extensions["admin_token"])


@blueprint.post("/privacy/<topic>")
def privacy(topic: str) -> ResponseReturnValue:
    """`data_request`, `customer_redact` (both with `customer`), `shop_redact`."""
    with world().change():
        state = current_state()
        if topic == "shop_redact":
            world().emit(state, "shop/redact", payloads.shop_redact(state))
            return jsonify(sent="shop/redact")
        customer = _customer(state)
        if topic == "data_request":
            world().emit(state, "customers/data_request", payloads.data_request(state, world(), customer))
            return jsonify(sent="customers/data_request")
        if topic == "customer_redact":
            world().emit(state, "customers/redact", payloads.customer_redact(state, customer))
            return jsonify(sent="customers/redact")
    raise NotFound("data_request, customer_redact or shop_redact")


def _customer(state: ShopState) -> Customer:
    wanted = str(form().get("customer", ""))
    found = state.customers.get(int(wanted)) if wanted.isdecimal() else None
    if found is None:
        raise NotFound("there is no such customer")
    return found


@blueprint.post("/scopes")
def scopes() -> ResponseReturnValue:
    """`grant` and `revoke`: lists of optional scopes, as the merchant would in the admin."""
    given: dict[str, Any] = dict(form())
    try:
        with world().change():
            state, app = current_state(), current_app.extensions["app_config"]
            installation.grant_scopes(world(), state, app, given.get("grant", []))
            if gone := given.get("revoke"):
                installation.revoke_scopes(world(), state, gone)
    except Refused as refused:
        raise BadRequest(refused.message) from refused
    return jsonify(scopes=state.installation.scopes)


# -- disputes --------------------------------------------------------------------------------------


@blueprint.post("/disputes")
def new_dispute() -> ResponseReturnValue:
    """`order`, and if wanted `amount` and `type`."""
    given: dict[str, Any] = dict(form())
    try:
        with world().change():
            state = current_state()
            order = state.orders.get(int(given.get("order", 0)))
            if order is None:
                raise NotFound("there is no such order")
            amount = money.to_minor(given["amount"], order.currency) if "amount" in given else None
            made = disputes.begin(world(), state, order, amount, given.get("type", "chargeback"))
    except (ArithmeticError, Refused, ValueError) as problem:
        raise BadRequest(str(problem)) from problem
    return jsonify(id=made.id, status=made.status), 201


@blueprint.post("/disputes/<int:dispute_id>")
def change_dispute(dispute_id: int) -> ResponseReturnValue:
    try:
        with world().change():
            state = current_state()
            found = state.disputes.get(dispute_id)
            if found is None:
                raise NotFound("there is no such dispute")
            disputes.change(world(), state, found, str(form().get("status", "")))
    except Refused as refused:
        raise BadRequest(refused.message) from refused
    return jsonify(id=found.id, status=found.status)


# -- shops -----------------------------------------------------------------------------------------


@blueprint.post("/shops")
def new_shop() -> ResponseReturnValue:
    """`domain` and, if wanted, name, currency, timezone, taxes_included, tax_rate: an empty shop."""
    given: dict[str, Any] = dict(form())
    domain = str(given.pop("domain", ""))
    if not domain.endswith(".myshopify.com") or domain in world().shops:
        raise BadRequest("domain must be a new one that ends in .myshopify.com")
    unknown = set(given) - {"name", "currency", "timezone", "taxes_included", "tax_rate"}
    if unknown:
        raise BadRequest(f"unknown: {', '.join(sorted(unknown))}")
    with world().change():
        state = add_shop(world(), domain, given.pop("name", domain.split(".")[0].title()), **given)
    return jsonify(id=state.shop.id, domain=domain), 201


SETTINGS = {
    "name", "currency", "timezone", "plan", "email", "tax_rate", "shipping_price", "sells_subscriptions",
    "store_credit",
}  # fmt: skip


@blueprint.post("/shop")
def change_shop() -> ResponseReturnValue:
    """Changes what SETTINGS names; sends shop/update."""
    given: dict[str, Any] = dict(form())
    unknown = set(given) - SETTINGS
    if unknown:
        raise BadRequest(f"unknown: {', '.join(sorted(unknown))}")
    if given.get("plan", "basic") not in ("basic", "advanced", "plus", "enterprise"):
        raise BadRequest("plan is one of basic, advanced, plus, enterprise")
    for name in ("sells_subscriptions", "store_credit"):
        if not isinstance(given.get(name, True), bool):
            raise BadRequest(f"{name} is true or false")
    with world().change():
        state = current_state()
        for name, value in given.items():
            setattr(state.shop, name, int(value) if name == "shipping_price" else value)
        state.shop.updated_at = world().now()
        world().save(state, state.shop)
        events.shop(world(), state, "shop/update")
    return jsonify(payloads.shop(state))


@blueprint.get("/bulk/<int:number>-<secret>.jsonl")
def bulk_result(number: int, secret: str) -> ResponseReturnValue:
    """The file of a bulk operation, or a part of it; whoever has its address may read it."""
    with world().change():
        operations = {i: op for s in world().shops.values() for i, op in s.bulk_operations.items()}
    operation = operations.get(number)
    if operation is None or operation.secret != secret or operation.result is None:
        raise NotFound("there is no such file")
    content = operation.result.encode()
    answer = Response(content, content_type="application/jsonl")
    return answer.make_conditional(request, accept_ranges=True, complete_length=len(content))


@blueprint.post("/bulk/expire")
def expire_bulk_results() -> ResponseReturnValue:
    """The files of this shop's bulk operations are gone, as they are after a week."""
    with world().change():
        state = current_state()
        for operation in state.bulk_operations.values():
            operation.result = None
            world().save(state, operation)
    return jsonify({"expired": len(state.bulk_operations)})


@blueprint.post("/orders")
def new_order() -> ResponseReturnValue:
    """A paid order with discounts on single lines, which the Admin API has no input for; see baskets.py.

    A list makes one after the other, up to the first that makes no sense.
    """
    given = request.get_json(force=True)
    try:
        made = [_sold(each) for each in (given if isinstance(given, list) else [given])]
    except (ArithmeticError, KeyError, ValueError) as error:
        raise BadRequest(f"{type(error).__name__}: {error}") from error
    return jsonify(made if isinstance(given, list) else made[0]), 201


def _sold(given: dict[str, Any]) -> dict[str, Any]:
    with world().change():
        order = baskets.sell(world(), current_state(), given)
    return {"id": order.id, "name": order.name, "lines": [line.id for line in order.lines]}


# -- accidents and deliveries ----------------------------------------------------------------------


@blueprint.route("/faults", methods=["GET", "POST"])
def faults() -> ResponseReturnValue:
    known: Faults = current_app.extensions["faults"]
    if request.method == "POST":
        try:
            known.configure(request.get_json(force=True))
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from error
    return jsonify(known.as_json())


@blueprint.get("/status")
def status() -> ResponseReturnValue:
    return jsonify(_status())


def _status() -> dict[str, Any]:
    outbox: Outbox = current_app.extensions["outbox"]
    buckets: Buckets = current_app.extensions["buckets"]
    return {
        "pending": outbox.pending(),
        "delivered": outbox.delivered,
        "given_up": outbox.given_up,
        "dropped": outbox.dropped,
        "duplicated": outbox.duplicated,
        "cost": {domain: buckets.of_app(domain) for domain in world().shops},
        "installed": {domain: s.installation.installed for domain, s in world().shops.items()},
        "subscriptions": {
            domain: [one.topic for one in s.hook_subscriptions.values()]
            for domain, s in world().shops.items()
        },
    }


@blueprint.post("/idle")
def idle() -> ResponseReturnValue:
    """Waits until nothing is under way, up to `seconds` (60); 503 when there still is."""
    end = time.monotonic() + float(form().get("seconds", 60))
    outbox: Outbox = current_app.extensions["outbox"]
    while outbox.pending() and time.monotonic() < end:
        time.sleep(0.05)
    now = _status()
    return jsonify(now), 503 if now["pending"] else 200


# -- the books -------------------------------------------------------------------------------------


@blueprint.get("/books")
def books() -> ResponseReturnValue:
    """What every order comes to, and what customers still have, reckoned by the sandbox alone; amounts in
    minor units.
    """
    with world().change():
        state = current_state()
        accounts = [store_credit.lapse(world(), state, one) for one in state.store_credit.values()]
        return jsonify(
            shop=state.domain,
            orders=[_book(order) for order in state.orders.values()],
            store_credit=[{"customer_id": one.customer_id, "balance": one.balance} for one in accounts],
            gift_cards=[_gift_card(card) for card in state.gift_cards.values()],
        )


def _gift_card(card: GiftCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "code": card.code,
        "customer_id": card.customer_id,
        "initial": card.initial,
        "balance": card.balance,
        "expires_on": card.expires_on,
        "enabled": card.deactivated_at is None,
    }


def _book(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "name": order.name,
        "customer_id": order.customer_id,
        "currency": order.currency,
        "test": order.test,
        "processed_at": order.processed_at.isoformat(),
        "cancelled": order.cancelled_at is not None,
        "financial_status": totals.financial_status(order),
        "fulfillment_status": totals.fulfillment_status(order),
        "taxes_included": order.taxes_included,
        "paid": totals.received(order),
        "refunded": totals.refunded(order),
        "total": totals.total(order),
        "current_total": totals.current_total(order),
        "current_subtotal": totals.current_subtotal(order),
        "refund_discrepancy": totals.refund_discrepancy(order),
        "discount_codes": [use.code for use in order.discount_codes],
        "gateways": sorted({one.gateway for one in order.transactions}),
        "lines": [
            {
                "id": line.id,
                "price": line.price,
                "quantity": line.quantity,
                "current_quantity": line.current_quantity,
                "discount": line.discount,
                "tax": line.tax,
                "gift_card": line.gift_card,
                "current_net": totals.current_net(line),
                "current_tax": totals.current_line_tax(line),
            }
            for line in order.lines
        ],
    }
