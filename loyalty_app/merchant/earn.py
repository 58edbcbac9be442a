"""The ways to earn: all of them as sentences, and one form for rules of every kind, made from the schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import campaigns, examples, fields, forms, risks, things, words
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.entries import RULES, ids
from rewards import clock, documents, programs, rules
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff

HOUSEKEEPING = ("id", "kind", "archived")
"""Settings of a rule that its form doesn't show."""
DATES = ("starts", "ends")
HOME = "/app/earning"


@dataclass(frozen=True, slots=True)
class Row:
    """A rule in the list."""

    id: str
    title: str
    sentence: str
    kind: str
    state: str
    tone: str


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    named = things.titles(staff.shop, things.named(document["earning"]))
    saying = Saying.of(document, found.currency, named.in_sentences())
    moment, zone = clock.now(), ZoneInfo(found.timezone)
    rows: dict[str, list[Row]] = {"always": [], "campaigns": [], "archived": []}
    for rule in RULES.of(document):
        place = "archived" if rule["archived"] else "campaigns" if campaigns.is_campaign(rule) else "always"
        rows[place].append(_row(rule, saying, moment, zone))
    context = {
        **rows,
        "rate": words.rate(document, found.currency),
        "limits": list(words.limits(document, saying)),
        "kinds": _kinds(),
        "risks": risks.sentences(found, document, "earning."),
        "zone": found.timezone,
    }
    return shown(request, staff, "merchant/earning.html", context)


@page
def new(request: HttpRequest, staff: Staff, rule_kind: str) -> HttpResponse:
    found = program_of(staff)
    return _form(request, staff, found, _draft(found, rule_kind), is_new=True)


@page
def one(request: HttpRequest, staff: Staff, rule_id: str) -> HttpResponse:
    found = program_of(staff)
    return _form(request, staff, found, RULES.one(programs.document(found), rule_id), is_new=False)


@fetch
def create(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version, kind = forms.version_in(given), given.pop("kind", "")
    if kind not in rules.KINDS:
        raise Unprocessable({"": "There is no such kind of rule."})
    rule, unreadable = fields.merged(_shape(found, kind), _draft(found, kind), given)
    rule["id"] = forms.free_id(rule["title"] or kind, ids(programs.document(found)), "rule")
    _save(found, rule, staff, version, unreadable)
    return done("Rule added", HOME)


@fetch
def save(request: HttpRequest, staff: Staff, rule_id: str) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    before = RULES.one(programs.document(found), rule_id)
    version = forms.version_in(given)
    rule, unreadable = fields.merged(_shape(found, before["kind"]), before, given)
    _save(found, rule, staff, version, unreadable)
    return done("Rule saved", HOME)


@fetch
def archive(request: HttpRequest, staff: Staff, rule_id: str) -> HttpResponse:
    """Stop a rule, or bring it back. Points that it gave stay, and so do the rules of older orders."""
    given, found = typed(request), program_of(staff)
    before = RULES.one(programs.document(found), rule_id)
    version = forms.version_in(given)
    if not isinstance(given.get("archived"), bool):
        raise Unprocessable({"": "Say whether to archive it."})
    rule = {**before, "archived": given["archived"]}
    _save(found, rule, staff, version, {})
    return done("Rule archived" if given["archived"] else "Rule is back", HOME)


def typed_rule(request: HttpRequest, staff: Staff, rule_id: str) -> tuple[Program, Json]:
    """The program with a rule as it is typed right now."""
    found = program_of(staff)
    return _typed(request, found, RULES.one(programs.document(found), rule_id))


def typed_new(request: HttpRequest, staff: Staff, rule_kind: str) -> tuple[Program, Json]:
    """The program with a new rule."""
    found = program_of(staff)
    return _typed(request, found, _draft(found, rule_kind))


def _typed(request: HttpRequest, found: Program, before: Json) -> tuple[Program, Json]:
    given = typed(request)
    for name in ("version", "kind"):
        given.pop(name, None)
    shape = _shape(found, before["kind"])
    rule, unreadable = fields.merged(shape, before, given)
    document, path = RULES.put(programs.document(found), rule)
    return found, forms.checked(document, found.currency, shape.readers(), unreadable, path)


@fetch
def example(request: HttpRequest, staff: Staff, rule_kind: str) -> HttpResponse:
    """A rule as it is typed right now: as a sentence, and what an order would earn by it."""
    if rule_kind not in rules.KINDS:
        raise Http404
    given, found = typed(request), program_of(staff)
    for name in ("version", "kind"):
        given.pop(name, None)
    shape = _shape(found, rule_kind)
    rule, unreadable = fields.merged(shape, _draft(found, rule_kind), given)
    document, path = RULES.put(programs.document(found), {**rule, "archived": False})
    document = forms.checked(document, found.currency, shape.readers(), unreadable, path)
    said = _said(RULES.one(document, rule["id"]), document, found, staff)
    return JsonResponse({"ok": True, **said})


def _form(request: HttpRequest, staff: Staff, found: Program, rule: Json, *, is_new: bool) -> HttpResponse:
    document = programs.document(found)
    shape = fields.group(RULES.part, rule, _around(found, document, staff, rule), without=HOUSEKEEPING)
    of_kind = documents.schema()["$defs"][rule["kind"]]["properties"]
    context = {
        "rule": rule,
        "is_new": is_new,
        "kind_label": _label(rule["kind"]),
        "own": [fields.only(shape, of_kind), fields.only(shape, ("title",))],
        "own_groups": [group for group in shape.groups if group.path in of_kind],
        "dates": fields.only(shape, DATES),
        "groups": [group for group in shape.groups if group.path not in of_kind],
        "zone": found.timezone,
        "preview": f"{HOME}/{'new/' + rule['kind'] if is_new else rule['id']}/preview",
        "said": None if is_new else _said(rule, document, found, staff),
    }
    return shown(request, staff, "merchant/rule.html", context)


def _said(rule: Json, document: Json, found: Program, staff: Staff) -> Json:
    titles = things.titles(staff.shop, things.named(rule))
    saying = Saying.of(document, found.currency, titles.in_sentences())
    return {
        "sentence": rules.sentence(rule, saying),
        "examples": [row.as_data() for row in examples.of_rule(rule, document, found.currency)],
        "risks": risks.sentences(found, document, RULES.path_of(document, rule["id"])),
    }


def _save(found: Program, rule: Json, staff: Staff, version: int, unreadable: dict[str, str]) -> None:
    document, path = RULES.put(programs.document(found), rule)
    readers = _shape(found, rule["kind"]).readers()
    forms.save(found, document, staff.user_id, version, readers, unreadable, path)


def _shape(found: Program, kind: str) -> fields.Group:
    """The fields of a kind, without what things are called."""
    document = programs.document(found)
    around = fields.Around.of(document, found.currency, found.timezone, things.Titles())
    return fields.group(RULES.part, _draft(found, kind), around, without=HOUSEKEEPING)


def _around(found: Program, document: Json, staff: Staff, part: Json) -> fields.Around:
    titles = things.titles(staff.shop, things.named(part))
    return fields.Around.of(document, found.currency, found.timezone, titles)


def _draft(found: Program, kind: str) -> Json:
    if kind not in rules.KINDS:
        raise Http404
    return RULES.draft(programs.document(found), kind)


def _row(rule: Json, saying: Saying, now: datetime, zone: ZoneInfo) -> Row:
    state, tone = campaigns.state(rule, now, zone)
    return Row(rule["id"], rule["title"], rules.sentence(rule, saying), _label(rule["kind"]), state, tone)


def _label(kind: str) -> str:
    title: str = documents.schema()["$defs"][kind]["title"]
    return title


def _kinds() -> Iterator[dict[str, Any]]:
    """What can be added: for orders, and for what is no order."""
    for heading, of_orders in (("For orders", True), ("For other things", False)):
        kinds = [(kind, _label(kind)) for kind, rule in rules.KINDS.items() if rule.of_orders is of_orders]
        yield {"heading": heading, "kinds": kinds}
