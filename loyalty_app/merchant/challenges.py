"""The challenges: what members are asked to do, and what they get for it."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import campaigns, fields, forms, risks, things, words
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.entries import CHALLENGES, NEW, ids
from rewards import clock, programs
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff

HOUSEKEEPING = ("id", "archived")
HOME = "/app/challenges"


@dataclass(frozen=True, slots=True)
class Row:
    """A challenge in the list."""

    challenge: Json
    sentence: str
    state: str
    tone: str


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    saying = _saying(staff, found, document, document["challenges"])
    moment, zone = clock.now(), ZoneInfo(found.timezone)
    rows = [
        Row(one, words.challenge(one, saying), *campaigns.state(one, moment, zone))
        for one in document["challenges"]
    ]
    context = {
        "open": [row for row in rows if not row.challenge["archived"]],
        "archived": [row for row in rows if row.challenge["archived"]],
        "risks": risks.sentences(found, document, "challenges."),
    }
    return shown(request, staff, "merchant/challenges.html", context)


@page
def new(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    return _form(request, staff, found, _draft(found), is_new=True)


@page
def one(request: HttpRequest, staff: Staff, challenge_id: str) -> HttpResponse:
    found = program_of(staff)
    challenge = CHALLENGES.one(programs.document(found), challenge_id)
    return _form(request, staff, found, challenge, is_new=False)


@fetch
def create(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    challenge, unreadable = fields.merged(_shape(found, _draft(found)), _draft(found), given)
    title = str(challenge.get("title", ""))
    challenge["id"] = forms.free_id(title, ids(programs.document(found)), "challenge")
    _save(found, challenge, staff, version, unreadable)
    return done("Challenge added", HOME)


@fetch
def save(request: HttpRequest, staff: Staff, challenge_id: str) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    before = CHALLENGES.one(programs.document(found), challenge_id)
    version = forms.version_in(given)
    challenge, unreadable = fields.merged(_shape(found, before), before, given)
    _save(found, challenge, staff, version, unreadable)
    return done("Challenge saved", HOME)


@fetch
def archive(request: HttpRequest, staff: Staff, challenge_id: str) -> HttpResponse:
    """Stop a challenge, or bring it back. What members got for it stays."""
    given, found = typed(request), program_of(staff)
    before = CHALLENGES.one(programs.document(found), challenge_id)
    version = forms.version_in(given)
    if not isinstance(given.get("archived"), bool):
        raise Unprocessable({"": "Say whether to archive it."})
    _save(found, {**before, "archived": given["archived"]}, staff, version, {})
    return done("Challenge archived" if given["archived"] else "Challenge is back", HOME)


@fetch
def example(request: HttpRequest, staff: Staff) -> HttpResponse:
    """A challenge as it is typed right now, as a sentence."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    shape = _shape(found, _draft(found))
    challenge, unreadable = fields.merged(shape, _draft(found), given)
    document, path = CHALLENGES.put(programs.document(found), challenge)
    document = forms.checked(document, found.currency, shape.readers(), unreadable, path)
    challenge = CHALLENGES.one(document, NEW)
    sentence = words.challenge(challenge, _saying(staff, found, document, challenge))
    warnings = risks.sentences(found, document, path)
    return JsonResponse({"ok": True, "sentence": sentence, "examples": [], "risks": warnings})


def _form(
    request: HttpRequest, staff: Staff, found: Program, challenge: Json, *, is_new: bool
) -> HttpResponse:
    saying = _saying(staff, found, programs.document(found), challenge)
    titles = things.titles(staff.shop, things.named(challenge))
    context = {
        "challenge": challenge,
        "is_new": is_new,
        "group": _shape(found, challenge, titles),
        "zone": found.timezone,
        "sentence": "" if is_new else words.challenge(challenge, saying),
    }
    return shown(request, staff, "merchant/challenge.html", context)


def _saying(staff: Staff, found: Program, document: Json, part: object) -> Saying:
    titles = things.titles(staff.shop, things.named(part))
    return Saying.of(document, found.currency, titles.in_sentences())


def _save(found: Program, challenge: Json, staff: Staff, version: int, unreadable: dict[str, str]) -> None:
    document, path = CHALLENGES.put(programs.document(found), challenge)
    readers = _shape(found, challenge).readers()
    forms.save(found, document, staff.user_id, version, readers, unreadable, path)


def _shape(found: Program, challenge: Json, titles: things.Titles | None = None) -> fields.Group:
    document = programs.document(found)
    around = fields.Around.of(document, found.currency, found.timezone, titles or things.Titles())
    return fields.group(CHALLENGES.part, challenge, around, without=HOUSEKEEPING)


def _draft(found: Program) -> Json:
    return CHALLENGES.draft(programs.document(found), "orders")
