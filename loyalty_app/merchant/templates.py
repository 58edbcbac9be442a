"""Templates to start with: what each would change is read before it is used."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import fields, forms, risks
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from rewards import differences, documents, programs
from rewards.documents import BadProgram
from rewards.models import Program
from rewards.templates import TEMPLATES
from shopify_bridge.auth import Staff


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    return shown(request, staff, "merchant/templates.html", {"templates": TEMPLATES.items()})


@page
def one(request: HttpRequest, staff: Staff, template: str) -> HttpResponse:
    if template not in TEMPLATES:
        raise Http404
    chosen, found = TEMPLATES[template], program_of(staff)
    said = None if chosen.needs_product else _said(found, _wanted(found, template, {}))
    context = {"template": chosen, "name": template, "said": said, "product": _product_field()}
    return shown(request, staff, "merchant/template.html", context)


@fetch
def example(request: HttpRequest, staff: Staff, template: str) -> HttpResponse:
    """What the template would change, with the product that is chosen right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    return JsonResponse({"ok": True, **_said(found, _wanted(found, template, given))})


@fetch
def use(request: HttpRequest, staff: Staff, template: str) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    wanted = _wanted(found, template, given)
    forms.save(found, wanted, staff.user_id, forms.version_in(given), {}, {})
    return done("Template in use", "/app/program")


def _wanted(found: Program, template: str, given: Json) -> Json:
    """The complete document as the template would make it."""
    if template not in TEMPLATES:
        raise Http404
    chosen, product = TEMPLATES[template], 0
    if chosen.needs_product:
        try:
            product = fields.one_id(given.get("product", ""))
        except forms.Unreadable as problem:
            raise Unprocessable({"product": str(problem)}) from problem
    document = chosen.apply(programs.document(found), found.currency, product)
    try:
        return documents.checked(document, found.currency)
    except BadProgram as problem:
        why = "This doesn't go together with what your program says already"
        raise Unprocessable({"": f"{why}: {problem}"}) from problem


def _said(found: Program, wanted: Json) -> Json:
    return {
        "changes": differences.differences(programs.document(found), wanted, found.currency),
        "risks": risks.sentences(found, wanted, ""),
    }


def _product_field() -> fields.Field:
    return fields.Field(
        path="product",
        label="Product",
        control="things",
        read=fields.one_id,
        value=[],
        thing="product",
        most=1,
    )
