"""Checkout in one step with pretend money, and the page that says thank you.

No app block and no embed renders here, as in Shopify's own checkout.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import commerce, gift_cards, store_credit
from sandbox.discounts import Claim
from sandbox.model import GiftCard, Session
from sandbox.storefront.cart import set_codes
from sandbox.storefront.rendering import cart_totals, theme_values
from sandbox.storefront.sums import sums_of_cart
from sandbox.storefront.visit import Visit, visit

checkout = Blueprint("checkout", __name__)

COUNTRIES = {
    "AE": "United Arab Emirates", "CA": "Canada", "CH": "Switzerland", "DE": "Germany", "FR": "France",
    "GB": "United Kingdom", "JP": "Japan", "US": "United States",
}  # fmt: skip


@checkout.get("/checkout")
def show() -> AnyResponse:
    return _form(visit(), refusals=[], status=200)


@checkout.post("/checkout/discount")
def use_code() -> AnyResponse:
    """`code` goes beside those there, `remove` takes one away. A code that doesn't apply isn't kept: what is
    shown is what will be paid.
    """
    here = visit()
    code, gone = request.form.get("code", "").strip(), request.form.get("remove", "").upper()
    others = [known for known in here.codes if known.upper() not in (code.upper(), gone)]
    set_codes(here, [*others, code])
    with here.world.lock:
        refused = cart_totals(here, with_shipping=True).refused
    if code not in refused:
        return redirect("/checkout", 303)
    set_codes(here, others)
    return _form(here, refusals=[refused[code]], status=422)


@checkout.post("/checkout/country")
def choose_country() -> AnyResponse:
    here = visit()
    wanted = request.form.get("country", "")
    if wanted in COUNTRIES:
        session = here.known_session()
        with here.world.change():
            session.country = wanted
            here.world.save(here.state, session)
    return redirect("/checkout", 303)


@checkout.post("/checkout/gift-card")
def use_gift_card() -> AnyResponse:
    """`code` is used beside the cards there, `remove` takes one away by its id."""
    here = visit()
    session = here.known_session()
    gone = request.form.get("remove", "")
    with here.world.change():
        if gone:
            session.gift_card_ids = [one for one in session.gift_card_ids if str(one) != gone]
            here.world.save(here.state, session)
            return redirect("/checkout", 303)
        reason = commerce.add_gift_card(here.world, here.state, session, request.form.get("code", ""))
    return _form(here, refusals=[reason], status=422) if reason else redirect("/checkout", 303)


@checkout.post("/checkout/store-credit")
def use_store_credit() -> AnyResponse:
    """`use` says whether; guests and customers without credit have none to use."""
    here = visit()
    session = here.known_session()
    with here.world.change():
        session.uses_store_credit = request.form.get("use") == "1" and here.customer is not None
        here.world.save(here.state, session)
    return redirect("/checkout", 303)


@checkout.post("/checkout/pay")
def pay() -> AnyResponse:
    here = visit()
    if here.session is None or not here.session.cart:
        return redirect("/cart", 303)
    try:
        with here.world.change():
            order = commerce.checkout(here.world, here.state, here.session)
    except commerce.CheckoutRefused as refusal:
        return _form(here, refusals=[str(refusal)], status=422)
    return redirect(f"/orders/{order.id}/thanks", 303)


def _form(here: Visit, refusals: list[str], status: int) -> AnyResponse:
    if here.session is None or not here.session.cart:
        return redirect("/cart", 303)
    with here.world.change():
        totals = cart_totals(here, with_shipping=True)
        # A code that came along from the cart but doesn't apply is named once and left out.
        if totals.refused:
            refusals = list(dict.fromkeys([*refusals, *totals.refused.values()]))
            set_codes(here, [use.code for use in totals.applied])
            totals = cart_totals(here, with_shipping=True)
        cards, problems = _cards_of(here, here.session)
        refusals = list(dict.fromkeys([*refusals, *problems]))
        body = render_template(
            "store/checkout.html",
            **theme_values(here),
            totals=totals,
            sums=sums_of_cart(here.state, totals, with_shipping=True),
            codes=here.codes,
            refusals=refusals,
            own_codes=_codes_of(here),
            payments=commerce.payments(here.world, here.state, here.session, totals.total),
            gift_cards=cards,
            credit=_credit_of(here),
            uses_credit=here.session.uses_store_credit,
            countries=COUNTRIES,
            country=here.session.country or here.state.shop.country,
        )
    answer: Response = make_response(body, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _cards_of(here: Visit, session: Session) -> tuple[list[GiftCard], list[str]]:
    """The gift cards that will be used; those that can't be any more are left out, with the reason."""
    cards = gift_cards.usable(here.world, here.state, session.gift_card_ids)
    known = [here.state.gift_cards.get(one) for one in session.gift_card_ids]
    problems = [gift_cards.problem(here.world, here.state, card) for card in known]
    session.gift_card_ids = [card.id for card in cards]
    here.world.save(here.state, session)
    return cards, [problem for problem in problems if problem]


def _credit_of(here: Visit) -> int:
    """What there is to spend, in a shop that lets it be spent."""
    if here.customer is None or not here.state.shop.store_credit:
        return 0
    return store_credit.balance_of(here.world, here.state, here.customer.id)


def _codes_of(here: Visit) -> list[Claim]:
    """Codes made for this customer that can still be used, newest first."""
    customer = here.customer
    if customer is None:
        return []
    lines = here.session.cart if here.session else []
    own = [one for one in here.state.discounts.values() if customer.id in (one.customer_ids or [])]
    claims = [Claim(one, code) for one in own for code in here.state.codes_of(one)]
    usable = [
        claim
        for claim in claims
        if commerce.applicability(here.world, here.state, claim.code.code, lines, customer).ok
    ]
    return sorted(usable, key=lambda claim: claim.code.id, reverse=True)
