"""Addresses under /sandbox/ that stand for people and accidents; described in README.md."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import commerce
from sandbox.world import ShopState, World

blueprint = Blueprint("driver", __name__, url_prefix="/sandbox")

SESSION_COOKIE = "sandbox_session"


def world() -> World:
    return current_app.extensions["world"]  # type: ignore[no-any-return]


def current_state() -> ShopState:
    """The shop named by Host; 404 is for the caller to answer."""
    state = world().shop_for_host(request.host)
    if state is None:
        from werkzeug.exceptions import NotFound

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
