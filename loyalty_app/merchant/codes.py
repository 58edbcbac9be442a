"""The register of codes: every reward that somebody got, what became of it, and what staff do about it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import customers, forms, promotions
from loyalty_app.merchant.answers import (
    Json,
    Unprocessable,
    admin_url,
    done,
    fetch,
    page,
    program_of,
    shown,
    typed,
)
from loyalty_app.merchant.forms import Unreadable
from rewards import dates, programs, redemption_care
from rewards.models import Member, Order, Program, Redemption
from rewards.money import major
from rewards.redemption_care import EndingWith, NotNow, Reason
from shopify_bridge import issuing, jobs, orders
from shopify_bridge.auth import Staff
from shopify_bridge.client import NeedsHuman, TryAgain

PAGE = 25
HOME = "/app/codes"
ORDERS_FOUND_MAX = 10
NOTE_LENGTH_MAX = 200
PATIENCE_SECONDS = 3.0
State = Redemption.State
TONES = {
    State.RESERVED: "info",
    State.ISSUED: "success",
    State.USED: "neutral",
    State.FAILED: "critical",
    State.ENDING: "info",
}
TOASTS = {
    EndingWith.POINTS: "Cancelled",
    EndingWith.NOTHING: "Cancelled",
    EndingWith.NEW_CODE: "A new code is being made",
}


def tone(redemption: Redemption) -> str:
    """Of the badge that says its state."""
    return TONES.get(State(redemption.state), "neutral")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the register."""

    redemption: Redemption
    name: str
    order: Json | None

    @property
    def tone(self) -> str:
        return tone(self.redemption)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for."""

    words: str
    state: str
    reward: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Asked":
        words, state, reward = (forms.text(request.GET.get(name, ""))[:200] for name in FILTERS)
        return cls(words, state if state in State.values else "", reward)

    @property
    def is_anything(self) -> bool:
        return bool(self.words or self.state or self.reward)

    def address(self, **rest: str) -> str:
        said = zip(FILTERS, (self.words, self.state, self.reward), strict=True)
        return f"{HOME}?{urlencode({**{name: value for name, value in said if value}, **rest})}"


FILTERS = ("q", "state", "reward")


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found, asked = program_of(staff), Asked.of(request)
    problem, promo = "", promotions.of_code(found.pk, asked.words) if asked.words else None
    try:
        rows = Redemption.objects.none() if promo else _sought(staff, found, asked)
    except customers.CantAsk:
        rows = Redemption.objects.none()
        problem = "Shopify can't be asked right now. Search by code or customer number, or try again soon."
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    part = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "rows": _rows(staff, part[:PAGE]),
        "asked": asked,
        "promo": promo,
        "promo_order": _name_of(found.pk, promo.order_id) if promo and promo.order_id else "",
        "problem": problem,
        "states": State.choices,
        "rewards": [(one["id"], one["title"]) for one in programs.document(found)["rewards"]],
        "newest": asked.address() if before else "",
        "older": asked.address(before=str(part[PAGE - 1].pk)) if len(part) > PAGE else "",
    }
    return shown(request, staff, "merchant/codes.html", context)


@page
def one(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    found = program_of(staff)
    redemption = _redemption(staff, redemption_id)
    (row,) = _rows(staff, [redemption])
    context = {
        "row": row,
        "redemption": redemption,
        "value": redemption.value is not None
        and f"{major(redemption.value, found.currency)} {found.currency}",
        "history": list(_history(redemption, ZoneInfo(found.timezone))),
        "can_change": redemption.state == State.ISSUED and redemption.extends_to is None,
        "note_most": NOTE_LENGTH_MAX,
    }
    return shown(request, staff, "merchant/code.html", context)


@fetch
def cancel(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    """End it: with its points back, or not."""
    given = typed(request)
    ending_with = EndingWith.NOTHING if given.get("points") == "stay" else EndingWith.POINTS
    return _end(staff, redemption_id, ending_with, given)


@fetch
def reissue(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    """End it, and make another one for the same points."""
    return _end(staff, redemption_id, EndingWith.NEW_CODE, typed(request))


@fetch
def extend(request: HttpRequest, staff: Staff, redemption_id: int) -> HttpResponse:
    """Let it live through a later day."""
    given, redemption = typed(request), _redemption(staff, redemption_id)
    reason = _reason(staff, given)
    try:
        day = date.fromisoformat(forms.text(given.get("until", "")))
        until = dates.end_of_day(day, ZoneInfo(program_of(staff).timezone))
    except (Unreadable, ValueError, OverflowError) as problem:
        raise Unprocessable({"until": "Choose a day."}) from problem
    with _said_at("until"):
        redemption = redemption_care.extend(redemption.program_id, redemption.pk, until, reason)
    return _worked_on(redemption, "The new end is set")


def _end(staff: Staff, redemption_id: int, ending_with: EndingWith, given: Json) -> HttpResponse:
    redemption = _redemption(staff, redemption_id)
    reason = _reason(staff, given)
    with _said_at(""):
        redemption = redemption_care.end(redemption.program_id, redemption.pk, ending_with, reason)
    return _worked_on(redemption, TOASTS[ending_with])


def _worked_on(redemption: Redemption, toast: str) -> HttpResponse:
    """Shopify's part is done at once where it answers, otherwise soon."""
    redemption = issuing.work_on(redemption, within=PATIENCE_SECONDS)
    jobs.ring(jobs.redeem)
    jobs.ring(jobs.publish)
    if redemption.extends_to is not None or redemption.state == State.ENDING:
        toast = "Shopify hasn't answered yet. It is asked again until it has."
    return done(toast, f"{HOME}/{redemption.pk}")


def _reason(staff: Staff, given: Json) -> Reason:
    try:
        note = forms.text(given.get("note", ""))
    except Unreadable as problem:
        raise Unprocessable({"note": str(problem)}) from problem
    if not note:
        raise Unprocessable({"note": "Say why. Only your staff read this."})
    if len(note) > NOTE_LENGTH_MAX:
        raise Unprocessable({"note": f"Use at most {NOTE_LENGTH_MAX} characters."})
    return Reason(staff.user_id, note)


@contextmanager
def _said_at(field: str) -> Iterator[None]:
    try:
        yield
    except NotNow as problem:
        raise Unprocessable({field: f"{problem} Reload the page."}) from problem


def _redemption(staff: Staff, redemption_id: int) -> Redemption:
    own = Redemption.objects.filter(program_id=staff.shop.program_id, pk=redemption_id)
    found = own.first()
    if found is None:
        raise Http404
    return found


# -- looking for codes ------------------------------------------------------------------------------------


def _sought(staff: Staff, found: Program, asked: Asked) -> QuerySet[Redemption]:
    """The redemptions that are looked for. Raises CantAsk."""
    rows = Redemption.objects.filter(program_id=found.pk)
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.reward:
        rows = rows.alias(reward_id=KT("reward__id")).filter(reward_id=asked.reward)
    return _by_words(staff, rows, asked.words) if asked.words else rows


def _by_words(staff: Staff, rows: QuerySet[Redemption], words: str) -> QuerySet[Redemption]:
    """A code first; then what Shopify finds: an order by its name, or customers. Raises CantAsk."""
    by_code = rows.filter(code=words.upper())
    if by_code.exists():
        return by_code
    if words.startswith("#"):
        return rows.filter(order_id__in=_orders_named(staff, words))
    return rows.filter(member_id__in=[member.pk for member in customers.search(staff.shop, words)])


def _orders_named(staff: Staff, name: str) -> list[int]:
    plain = "".join(sign for sign in name if sign.isalnum() or sign in "#-_./")
    try:
        asked = orders.changed(staff.shop, f'name:"{plain}"')
        external_ids = [id for id, *_ in islice(asked, ORDERS_FOUND_MAX)]
    except (TryAgain, NeedsHuman) as problem:
        raise customers.CantAsk(str(problem)) from problem
    mine = Order.objects.filter(program_id=staff.shop.program_id, source_id=staff.shop.pk)
    return list(mine.filter(external_id__in=external_ids).values_list("pk", flat=True))


# -- what is shown of them --------------------------------------------------------------------------------


def _rows(staff: Staff, part: Sequence[Redemption]) -> list[Row]:
    program_id = staff.shop.program_id
    members = Member.objects.filter(program_id=program_id, pk__in={one.member_id for one in part})
    names = customers.names_of(staff.shop, members)
    used = {one.order_id for one in part if one.order_id}
    known = {order.pk: order for order in Order.objects.filter(program_id=program_id, pk__in=used)}
    return [
        Row(one, names[one.member_id], _order(staff, known[one.order_id]) if one.order_id else None)
        for one in part
    ]


def _name_of(program_id: int, order_id: int) -> str:
    order = Order.objects.get(program_id=program_id, pk=order_id)
    return (order.facts or {}).get("name") or str(order.external_id)


def _order(staff: Staff, order: Order) -> Json:
    """Its name, and its page in Shopify, if it is this shop's."""
    is_here = order.source_id == staff.shop.pk
    url = admin_url(staff.shop, f"/orders/{order.external_id}") if is_here else ""
    return {"name": (order.facts or {}).get("name") or str(order.external_id), "url": url}


def _history(redemption: Redemption, zone: ZoneInfo) -> Iterator[Json]:
    """What happened to it, the newest first, in words."""
    for said in reversed(redemption.history):
        words = _HAPPENED.get(said["what"], said["what"])
        yield {
            "at": datetime.fromisoformat(said["at"]),
            "text": words.format(**_words(said, zone)),
            "why": said.get("why", ""),
            "note": said.get("note", ""),
            "by": said.get("by", ""),
            "other": said["old"] if said["what"] == "replaces" else said.get("new"),
            "is_about_another": said["what"] in ("replace", "replaces"),
        }
    if not redemption.history or redemption.history[0]["what"] not in ("given", "replaces"):
        yield {"at": redemption.created_at, "text": "The customer asked for it."}


def _words(said: Json, zone: ZoneInfo) -> dict[str, str]:
    if said["what"] == redemption_care.EXTEND:
        moments = (datetime.fromisoformat(said[name]).astimezone(zone) for name in ("old", "new"))
        old, new = (f"{moment.day} {moment:%b %Y}" for moment in moments)
        return {"old": old, "new": new}
    return {"new": _GOES.get(str(said.get("new")), "")}


_GOES = {
    EndingWith.POINTS.value: "its points go back",
    EndingWith.NOTHING.value: "its points stay spent",
}
_HAPPENED = {
    "given": "Given without points.",
    "replaces": "Made in place of another code.",
    "issue": "The code was made in Shopify.",
    "deliver": "It was handed over.",
    "give_back": "It couldn't be had, so the points came back.",
    "fail": "The code could not be made.",
    "use": "It was used in an order.",
    "return": "The order that used it was undone.",
    "expired": "It ended unused.",
    "cancelled": "It was disabled in Shopify and cancelled.",
    "replace": "It was disabled in Shopify, and another code is in its place.",
    redemption_care.CANCEL: "To be cancelled: {new}.",
    redemption_care.REISSUE: "To be replaced by a new code.",
    redemption_care.TAKE_BACK: "To be taken back.",
    redemption_care.EXTEND: "To end on {new} instead of {old}.",
    "extended": "Shopify has the new end.",
    "not_extended": "Shopify refused the new end, so the old one holds.",
}
