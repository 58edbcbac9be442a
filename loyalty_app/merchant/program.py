"""The page of the program: how points are called, earned, held and taken back."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import examples, forms, lapsing, versions
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import PROGRAM_FIELDS
from rewards import programs
from rewards.models import Program
from shopify_bridge import disputes
from shopify_bridge.auth import Staff
from shopify_bridge.errors import NeedsHuman, TryAgain

VERSIONS_SHOWN = 5
EXPIRY = {"policy": "never", "months": 12, "period": "year", "periods": 1, "notice_days": [30, 7]}
"""What the fields of expiry begin with, those of policies that aren't chosen included."""


@page
def program(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    newest = found.versions.order_by("-number")[:VERSIONS_SHOWN]
    context = {
        "examples": list(examples.of_program(document, found.currency)),
        "versions": versions.described(found, newest),
        "has_more": found.version > VERSIONS_SHOWN,
        "tags": ", ".join(document["earning"]["excluded_customer_tags"]),
        "expiry": {**EXPIRY, **document.get("expiry", {})},
        "disputes_told": disputes.are_told(staff.shop),
        "disputes_scope": disputes.SCOPE,
        "lapsing": lapsing.sentences(found, document, datetime.now(UTC)),
    }
    return shown(request, staff, "merchant/program.html", context)


@fetch
def save(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    document, unreadable = forms.merged(programs.document(found), PROGRAM_FIELDS, given)
    forms.of_one_policy(document, unreadable)
    forms.save(found, document, staff.user_id, version, PROGRAM_FIELDS, unreadable)
    return done("Program saved", "/app/program")


def typed_document(request: HttpRequest, staff: Staff) -> tuple[Program, Json]:
    """The program as it is typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    document, unreadable = forms.merged(programs.document(found), PROGRAM_FIELDS, given)
    forms.of_one_policy(document, unreadable)
    return found, forms.checked(document, found.currency, PROGRAM_FIELDS, unreadable)


@fetch
def example(request: HttpRequest, staff: Staff) -> HttpResponse:
    """What orders would earn by what is typed right now. Nothing is saved."""
    found, document = typed_document(request, staff)
    rows = [row.as_data() for row in examples.of_program(document, found.currency)]
    lapse = lapsing.sentences(found, document, datetime.now(UTC))
    return JsonResponse({"ok": True, "examples": rows, "lapsing": lapse})


@fetch
def disputes_changed(request: HttpRequest, staff: Staff) -> HttpResponse:
    """The merchant gave the permission, or took it back: Shopify is asked which it was."""
    try:
        disputes.permission_changed(staff.shop)
    except (TryAgain, NeedsHuman) as problem:
        raise Unprocessable(
            {"": "Shopify can't be asked right now. Please try again in a minute."}
        ) from problem
    told = disputes.are_told(staff.shop)
    return done("Lost chargebacks count" if told else "Chargebacks aren't counted", "/app/program")
