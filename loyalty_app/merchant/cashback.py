"""Cashback: points that become store credit by themselves, and what that takes of the shop."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import fields, forms, store_credit, words
from loyalty_app.merchant.answers import Json, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import Reader
from rewards import documents, programs
from rewards.cashback import Cashback
from rewards.models import Member, Program
from shopify_bridge.auth import Staff

NAME = "cashback"


@page
def cashback(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    asked_for = {permission.kind: permission for permission in store_credit.asked_for(staff.shop)}
    context = {
        "group": _shape(found, document),
        "waiting": _waiting(found, document),
        "item": asked_for["store_credit"],
    }
    return shown(request, staff, "merchant/cashback.html", context)


@fetch
def save(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    changed, readers, unreadable = _typed(found, given)
    forms.save(found, changed, staff.user_id, version, readers, unreadable)
    return done("Cashback saved", "/app/cashback")


def typed_document(request: HttpRequest, staff: Staff) -> tuple[Program, Json]:
    """The program with the cashback that is typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    changed, readers, unreadable = _typed(found, given)
    return found, forms.checked(changed, found.currency, readers, unreadable)


def _typed(found: Program, given: Json) -> tuple[Json, dict[str, Reader], dict[str, str]]:
    document = programs.document(found)
    shape = _shape(found, document)
    changed, unreadable = fields.merged(shape, document, given)
    return changed, shape.readers(), unreadable


def _shape(found: Program, document: Json) -> fields.Group:
    others = set(documents.schema()["properties"]) - {NAME}
    around = fields.Around.of(document, found.currency, found.timezone)
    return fields.group(documents.schema(), document, around, without=others)


def _waiting(found: Program, document: Json) -> Json:
    """What members have now: points, and the money that these are worth where cashback is given."""
    points = Member.objects.filter(program=found).aggregate(points=Sum("available"))["points"] or 0
    terms = Cashback.of(document, found.currency)
    worth = words.money_of(points * terms.of_a_point, found.currency) if terms else ""
    return {"points": words.counted(points, document["points"]), "worth": worth}
