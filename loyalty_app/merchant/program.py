"""The page of the program: how points are called, earned, held and taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import forms, lapsing, words
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import PROGRAM_FIELDS
from rewards import programs, timeline
from rewards.earning import Rules, TooManyPoints, target
from rewards.facts import Line, OrderFact
from rewards.money import exponent, major
from shopify_bridge import disputes
from shopify_bridge.auth import Staff
from shopify_bridge.errors import NeedsHuman, TryAgain

VERSIONS_SHOWN = 10
SAMPLE = Decimal("29.90")
EXPIRY = {"policy": "never", "months": 12, "period": "year", "periods": 1, "notice_days": [30, 7]}
"""What the fields of expiry begin with, those of policies that aren't chosen included."""
AUTHORS = {"start": "The app, at the start", "manage.py": "A command of the operator"}


@dataclass(frozen=True, slots=True)
class Example:
    """An order in words, what it earns by these rules, and the whole calculation."""

    order: str
    points: str
    why: str


@page
def program(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    versions = list(found.versions.order_by("-number")[:VERSIONS_SHOWN])
    context = {
        "examples": list(examples(document, found.currency)),
        "versions": [_version(row.number, row.author, row.effective_from) for row in versions],
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


@fetch
def example(request: HttpRequest, staff: Staff) -> HttpResponse:
    """What orders would earn by what is typed right now. Nothing is saved."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    document, unreadable = forms.merged(programs.document(found), PROGRAM_FIELDS, given)
    forms.of_one_policy(document, unreadable)
    document = forms.checked(document, found.currency, PROGRAM_FIELDS, unreadable)
    rows = [
        {"order": row.order, "points": row.points, "why": row.why}
        for row in examples(document, found.currency)
    ]
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


def examples(document: Json, currency: str) -> Iterator[Example]:
    """A few orders, judged by the code that judges real ones."""
    rules = Rules.of(document, 0, currency)
    # 29.90 dollars, 2990 yen: an everyday order in either.
    goods = int(SAMPLE * 10 ** (exponent(currency) or 2))
    tenth, shipping, tax = goods // 10, goods // 6, goods // 5
    cases = [
        (f"Goods for {major(goods, currency)}", Line(1, goods, 1, 1), 0),
        (f"… with a discount of {major(tenth, currency)}", Line(1, goods, 1, 1, discount=tenth), 0),
        (f"… with shipping for {major(shipping, currency)}", Line(1, goods, 1, 1), shipping),
        (f"… with {major(tax, currency)} tax on top", Line(1, goods, 1, 1, tax=tax), 0),
        (f"A gift card of {major(goods, currency)}", Line(1, goods, 1, 1, gift_card=True), 0),
    ]
    for said, line, paid_shipping in cases:
        yield _example(said, line, paid_shipping, rules, document, currency)


def _example(order: str, line: Line, shipping: int, rules: Rules, document: Json, currency: str) -> Example:
    now = datetime.now(UTC)
    fact = OrderFact(0, 0, now, now, currency, lines=(line,), paid=True, shipping=shipping)
    try:
        goal = target(fact, rules)
    except TooManyPoints:
        return Example(order, "Too many", "More points than can be counted: such an order would be refused.")
    said = timeline.sentence({**goal.explanation, "order": "", "before": 0}, goal.points, document["points"])
    return Example(order, words.counted(goal.points, document["points"]), said.partition(": ")[2])


def _version(number: int, author: str, moment: datetime) -> Json:
    who = AUTHORS.get(author) or (f"Staff user {author}" if author.isdigit() else author)
    return {"number": number, "author": who, "moment": moment if moment > programs.BEGINNING else None}
