"""Store credit and gift cards: what they take of the shop, and credits of which a person has to say whether
they arrived.
"""

from collections.abc import Container
from datetime import datetime
from typing import NamedTuple

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant.answers import Json, Unprocessable, admin_url, done, fetch, page, program_of, shown
from rewards import documents, kinds, programs
from rewards.money import major
from shopify_bridge import credits, permissions, store_credit
from shopify_bridge.auth import Staff
from shopify_bridge.client import AdminClient
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Credit, Shop

PATH = "/app/store-credit"
SHOWN = 50
PATIENCE_SECONDS = 2.0
"""So long the page waits for Shopify before it is shown without an answer."""


class Permission(NamedTuple):
    """What a kind of reward takes of the shop: scopes, and those it hasn't given."""

    kind: str
    label: str
    scopes: list[str]
    missing: list[str]


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    open_ones = list(credits.parked(staff.shop)[:SHOWN])
    context = {
        "parked": [_shown(credit, staff.shop) for credit in open_ones],
        "permissions": asked_for(staff.shop),
        "is_off": _is_off(staff.shop),
    }
    return shown(request, staff, "merchant/store_credit.html", context)


@fetch
def permission_changed(request: HttpRequest, staff: Staff) -> HttpResponse:
    """The merchant gave a permission, or took it back: Shopify is asked which it was."""
    try:
        permissions.learn(staff.shop)
    except (TryAgain, NeedsHuman) as problem:
        raise Unprocessable(
            {"": "Shopify can't be asked right now. Please try again in a minute."}
        ) from problem
    return done("Permissions read", PATH)


@fetch
def arrived(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    credits.arrived(_parked(staff, redemption_id))
    return done("Noted: the shopper has it", PATH)


@fetch
def never_arrived(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    credits.never_arrived(_parked(staff, redemption_id), staff.user_id)
    points = programs.document(program_of(staff))["points"]["many"]
    return done(f"The {points} are back", PATH)


def asked_for(shop: Shop) -> list[Permission]:
    """The kinds of rewards that take a permission of their own."""
    return [
        Permission(name, label(name), list(kind.scopes), permissions.missing(shop, kind.scopes))
        for name, kind in kinds.KINDS.items()
        if kind.scopes
    ]


def missing(shop: Shop, of: Container[str]) -> list[Permission]:
    """Which of these kinds of rewards can't be had for want of a permission."""
    return [permission for permission in asked_for(shop) if permission.missing and permission.kind in of]


def label(kind: str) -> str:
    """What a kind of reward is called."""
    title: str = documents.schema()["$defs"][kind]["title"]
    return title


def _shown(credit: Credit, shop: Shop) -> Json:
    redemption = credit.redemption
    assert redemption.value is not None  # every store credit has a value
    currency = redemption.program.currency
    return {
        "id": redemption.pk,
        "member_id": redemption.member_id,
        "title": redemption.reward["title"],
        "amount": f"{major(redemption.value, currency)} {currency}",
        "points": redemption.points,
        "asked_at": credit.asked_at,
        "seen": [_transaction(seen) for seen in credit.seen],
        "customer": admin_url(shop, f"/customers/{credit.customer_id}") if credit.customer_id else "",
    }


def _transaction(seen: Json) -> Json:
    ends = seen["expires_at"]
    return {
        "number": seen["id"].rpartition("/")[2],
        "at": datetime.fromisoformat(seen["created_at"]),
        "ends": datetime.fromisoformat(ends) if ends else None,
    }


def _is_off(shop: Shop) -> bool:
    """Whether Shopify says that shoppers can't pay with store credit; nobody knows: they may."""
    if permissions.missing(shop, kinds.KINDS["store_credit"].scopes):
        return False
    try:
        return not store_credit.is_on(AdminClient(shop), PATIENCE_SECONDS)
    except (TryAgain, NeedsHuman):
        return False


def _parked(staff: Staff, redemption_id: int) -> Credit:
    found = credits.parked(staff.shop).filter(redemption_id=redemption_id).first()
    if found is None:
        raise Http404
    return found
