"""What earns nothing, and the most that can be earned: the exclusions and caps of the program."""

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import fields, forms, things
from loyalty_app.merchant.answers import Json, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import Reader
from rewards import documents, programs
from rewards.models import Program
from shopify_bridge.auth import Staff

SHOWN = ("excluded", "caps")
PATH = "earning."


@page
def limits(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    earning = programs.document(found)["earning"]
    titles = things.titles(staff.shop, things.named(earning["excluded"]))
    excluded, caps = _shape(found, earning, titles).groups
    return shown(request, staff, "merchant/limits.html", {"excluded": excluded, "caps": caps})


@fetch
def save(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    changed, readers, unreadable = _typed(found, given)
    forms.save(found, changed, staff.user_id, version, readers, unreadable, PATH)
    return done("Limits saved", "/app/earning")


def typed_document(request: HttpRequest, staff: Staff) -> tuple[Program, Json]:
    """The program with the limits that are typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    changed, readers, unreadable = _typed(found, given)
    return found, forms.checked(changed, found.currency, readers, unreadable, PATH)


def _typed(found: Program, given: Json) -> tuple[Json, dict[str, Reader], dict[str, str]]:
    document = programs.document(found)
    shape = _shape(found, document["earning"], things.Titles())
    earning, unreadable = fields.merged(shape, document["earning"], given)
    return {**document, "earning": earning}, shape.readers(), unreadable


def _shape(found: Program, earning: Json, titles: things.Titles) -> fields.Group:
    part = documents.schema()["properties"]["earning"]
    others = set(part["properties"]) - set(SHOWN)
    around = fields.Around.of(programs.document(found), found.currency, found.timezone, titles)
    return fields.group(part, earning, around, without=others)
