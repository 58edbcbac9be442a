"""The pages of the members: the list, one member with everything that happened, changes by hand."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from loyalty_app.merchant import codes, customers, forms, giving, standing, words
from loyalty_app.merchant.answers import (
    Json,
    Unprocessable,
    admin_url,
    done,
    fetch,
    member_of,
    page,
    program_of,
    shown,
    typed,
)
from loyalty_app.merchant.forms import Unreadable, text, whole
from rewards import birthdays, challenges, expiry, ledger, personal, programs, timeline
from rewards.ledger import MemberMerged, Overdrawn
from rewards.models import Bucket, Identity, Lot, Member, Movement, Order, Program, Redemption
from shopify_bridge.auth import Staff

PAGE = 25
EVENTS = 15
NEWEST_SHOWN = 10
ADJUST_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    member: Member
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a long list, with where the parts before and after it begin."""

    members: list[Member]
    newer: str
    older: str


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    asked = " ".join(request.GET.get("q", "").split())[:200]
    sort = "points" if request.GET.get("sort") == "points" else "newest"
    problem = ""
    if asked:
        try:
            part = Page(customers.search(staff.shop, asked), "", "")
        except customers.CantAsk:
            part = Page([], "", "")
            problem = "Shopify can't be asked right now. Search by customer number, or try again in a minute."
    else:
        part = _part(_of_shop(staff), sort, request.GET.get("after", ""), request.GET.get("before", ""))
    names = customers.names_of(staff.shop, part.members)
    context = {
        "rows": [Row(member, names[member.pk]) for member in part.members],
        "asked": asked,
        "sort": sort,
        "problem": problem,
        "newer": part.newer and _address(sort, before=part.newer),
        "older": part.older and _address(sort, after=part.older),
    }
    return shown(request, staff, "merchant/members.html", context)


@page
def one(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    member = member_of(staff, member_id)
    if member.merged_into_id:
        return _survivor(request, member.merged_into_id)
    found = program_of(staff)
    before = request.GET.get("before", "")
    events, older = timeline.events(
        found,
        member.pk,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
        limit=EVENTS,
        all=True,
    )
    identities = list(Identity.objects.filter(program=found, member=member).order_by("id"))
    here = next((who.external_id for who in identities if who.source_id == staff.shop.pk), None)
    context = {
        "member": member,
        "name": customers.names_of(staff.shop, [member])[member.pk],
        "customer_ids": [who.external_id for who in identities],
        "customer_url": admin_url(staff.shop, f"/customers/{here}") if here else "",
        "events": events,
        "older": older,
        "is_later_page": bool(before),
        "debt": _debt(found, member),
        "next_release": _next_release(found, member),
        "next_lapse": _next_lapse(found, member),
        "redemptions": _redemptions(found, member),
        "orders": _orders(found, member),
        "standing": standing.standing(found, member),
        "badges": challenges.badges(found.pk, member.pk),
        "birthday": _birthday(member),
        "adjust_most": ADJUST_MOST,
        "gifts": giving.choices(found),
    }
    return shown(request, staff, "merchant/member.html", context)


@fetch
def adjust(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """Points by hand, once for each key: a double click sends the same one twice."""
    member = member_of(staff, member_id)
    given = typed(request)
    points, reason, note, key = _adjustment(given)
    if member.redacted_at:
        raise Unprocessable({"": "This customer was erased; nothing can be given to them."})
    try:
        ledger.adjust(
            member.program_id,
            member.pk,
            points,
            key=f"{member.pk}:{key}",
            reason=reason,
            note=note,
            author=staff.user_id,
        )
    except Overdrawn as problem:
        message = f"Only {problem.available:,} are available, so no more than that can be taken."
        raise Unprocessable({"points": message}) from problem
    except MemberMerged as problem:
        raise Unprocessable({"": "This customer was merged into another. Reload the page."}) from problem
    names = programs.document(program_of(staff))["points"]
    verb = "given" if points > 0 else "taken"
    return done(f"{words.counted(abs(points), names)} {verb}", f"/app/members/{member.pk}")


@fetch
def data(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """All that is stored of a member, for a customer who asks for it."""
    member = member_of(staff, member_id)
    return JsonResponse(personal.stored(member), json_dumps_params={"indent": 2})


def _of_shop(staff: Staff) -> QuerySet[Member]:
    return Member.objects.filter(program_id=staff.shop.program_id, merged_into=None, redacted_at=None)


def _part(members: QuerySet[Member], sort: str, after: str, before: str) -> Page:
    """By keys, not by counting: the thousandth page is as quick as the first."""
    mark = _mark(after or before)
    if mark:
        members = members.filter(_beyond(sort, mark, down=bool(after)))
    order = ["-available", "-id"] if sort == "points" else ["-id"]
    if before and mark:
        order = [name.removeprefix("-") for name in order]
    found = list(members.order_by(*order)[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    if before and mark:
        found.reverse()
        return Page(found, _key(found[0]) if more else "", _key(found[-1]) if found else "")
    return Page(found, _key(found[0]) if mark and found else "", _key(found[-1]) if more else "")


def _beyond(sort: str, mark: tuple[int, int], *, down: bool) -> Q:
    points, id = mark
    side = "lt" if down else "gt"
    if sort != "points":
        return Q(**{f"id__{side}": id})
    return Q(**{f"available__{side}": points}) | Q(**{"available": points, f"id__{side}": id})


def _key(member: Member) -> str:
    return f"{member.available}.{member.pk}"


def _mark(text: str) -> tuple[int, int] | None:
    points, _, id = text.partition(".")
    if points.isdecimal() and id.isdecimal() and len(points) < 19 and len(id) < 19:
        return int(points), int(id)
    return None


def _address(sort: str, **rest: str) -> str:
    return f"/app/members?{urlencode({'sort': sort, **rest})}"


def _survivor(request: HttpRequest, member_id: int) -> HttpResponse:
    """The page of who they became, with the token that this page was opened with."""
    return redirect(f"/app/members/{member_id}?{request.META.get('QUERY_STRING', '')}")


def _adjustment(given: Json) -> tuple[int, str, str, str]:
    errors: dict[str, str] = {}
    try:
        points = whole(given.get("points", ""))
    except Unreadable:
        points = 0
        errors["points"] = "Write a whole number, such as 50 or -50."
    if not errors and not 0 < abs(points) <= ADJUST_MOST:
        errors["points"] = f"Write a number other than 0, up to {ADJUST_MOST:,}."
    reason, note = (str(given.get(name, "")).strip() for name in ("reason", "note"))
    if not reason:
        errors["reason"] = "Say why: the customer reads this."
    for name, value in (("reason", reason), ("note", note)):
        if len(value) > 200:
            errors[name] = "Use at most 200 characters."
    key = given.get("key", "")
    if not forms.is_key(key):
        errors[""] = "The page is out of date. Reload it."
    if errors:
        raise Unprocessable(errors)
    return points, text(reason), text(note), key


def _birthday(member: Member) -> date | None:
    """Its day, in a year that has all of them."""
    told = birthdays.of(member)
    return date(2024, told["month"], told["day"]) if told else None


def _debt(found: Program, member: Member) -> Json | None:
    """What is owed, and the latest movement that says why."""
    if not member.debt:
        return None
    last = Movement.objects.filter(program=found, member=member, source=Bucket.DEBT).latest("id")
    return {
        "points": -member.debt,
        "order": last.explanation.get("order"),
        "moment": last.happened_at,
    }


def _next_release(found: Program, member: Member) -> datetime | None:
    """When the first points on hold can be spent."""
    on_hold = Lot.objects.filter(program=found, member=member, pending__gt=0).order_by("available_at")
    return on_hold.values_list("available_at", flat=True).first()


def _next_lapse(found: Program, member: Member) -> Json | None:
    """The points that lapse next, and the last day they can be spent."""
    soonest = expiry.soonest(found, [member.pk]).get(member.pk)
    return soonest and {"points": soonest["points"], "on": date.fromisoformat(soonest["on"])}


def _redemptions(found: Program, member: Member) -> list[Json]:
    rows = Redemption.objects.filter(program=found, member=member).order_by("-id")[:NEWEST_SHOWN]
    return [{"row": row, "tone": codes.tone(row)} for row in rows]


def _orders(found: Program, member: Member) -> list[Order]:
    return list(Order.objects.filter(program=found, member=member).order_by("-id")[:NEWEST_SHOWN])
