"""Promo codes in bulk: made for a campaign, handed out by the merchant, tracked by their orders."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import forms, giving
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
from loyalty_app.merchant.forms import Reader, Unreadable
from rewards import dates, kinds, programs, promotions
from rewards.models import Order, Program, PromoCode, Promotion
from rewards.promotions import CODES_MAX, Plan
from rewards.rules import Saying
from shopify_bridge.auth import Staff

HOME = "/app/promotions"
SHOWN = 50
FAILURES_SHOWN = 20
USES_SHOWN = 20
NAME_LENGTH_MAX = 80
KINDS = {
    "fixed": ("Amount off", "value"),
    "percentage": ("Percentage off", "percent"),
    "free_shipping": ("Free shipping", ""),
}
TONES = {
    Promotion.State.MAKING: "info",
    Promotion.State.READY: "success",
    Promotion.State.FAILED: "critical",
    Promotion.State.ENDING: "info",
}
REST: dict[str, Reader] = {"minimum_subtotal": forms.optional(forms.decimal)}


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign, with what became of its codes."""

    promotion: Promotion
    gives: str
    counts: dict[str, int]

    @property
    def is_over(self) -> bool:
        ends_at = self.promotion.ends_at
        is_ready = self.promotion.state == Promotion.State.READY
        return bool(is_ready and ends_at and ends_at <= datetime.now(UTC))

    @property
    def state(self) -> str:
        return "Over" if self.is_over else self.promotion.get_state_display()

    @property
    def tone(self) -> str:
        return "neutral" if self.is_over else TONES.get(Promotion.State(self.promotion.state), "neutral")

    @property
    def number(self) -> int:
        return sum(self.counts[state] for state in PromoCode.State.values)


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    newest = list(Promotion.objects.filter(program=found).order_by("-pk")[:SHOWN])
    counts = promotions.counts_of(found.pk, [one.pk for one in newest])
    context = {
        "rows": [_row(one, found, counts[one.pk]) for one in newest],
        "kinds": [(kind, label) for kind, (label, _) in KINDS.items()],
        "most": CODES_MAX,
        "prefix": programs.document(found)["code_prefix"],
    }
    return shown(request, staff, "merchant/promotions.html", context)


@page
def one(request: HttpRequest, staff: Staff, promotion_id: int) -> HttpResponse:
    found, promotion = program_of(staff), _promotion(staff, promotion_id)
    codes = PromoCode.objects.filter(program=found, promotion=promotion)
    failures = codes.filter(state=PromoCode.State.FAILED).order_by("pk")[:FAILURES_SHOWN]
    context = {
        "row": _row(promotion, found, promotions.counts(promotion)),
        "promotion": promotion,
        "failures": failures,
        "uses": list(_uses(staff, promotion)),
        "can_end": promotion.state in (Promotion.State.MAKING, Promotion.State.READY),
    }
    return shown(request, staff, "merchant/promotion.html", context)


@fetch
def create(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    plan, errors = _plan(staff, found, given)
    try:
        reward = _reward(found, given)
    except Unprocessable as problem:
        raise Unprocessable({**problem.errors, **errors}) from problem
    if errors:
        raise Unprocessable(errors)
    promotion = promotions.start(found, Plan(reward=reward, **plan))
    return done(f"{plan['number']:,} codes are being made", f"{HOME}/{promotion.pk}")


@fetch
def end(request: HttpRequest, staff: Staff, promotion_id: int) -> HttpResponse:
    """From now on nobody is to use its codes."""
    promotion = _promotion(staff, promotion_id)
    if not promotions.end(promotion.program_id, promotion.pk):
        raise Unprocessable({"": "This campaign has ended already. Reload the page."})
    return done("The codes are being disabled in Shopify", f"{HOME}/{promotion.pk}")


@fetch
def download(request: HttpRequest, staff: Staff, promotion_id: int) -> HttpResponse:
    """All codes that can be used, and those that can't, as a table."""
    promotion = _promotion(staff, promotion_id)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["code", "state", "used in order", "used at", "problem"])
    codes = PromoCode.objects.filter(program_id=promotion.program_id, promotion=promotion).order_by("pk")
    names = _order_names(promotion)
    for code in codes.iterator(chunk_size=2000):
        state = "used" if code.order_id else code.state
        used_at = code.used_at.isoformat() if code.used_at else ""
        order = names.get(code.order_id, "") if code.order_id else ""
        writer.writerow([code.code, state, _plain(order), used_at, _plain(code.reason)])
    return HttpResponse(table.getvalue(), content_type="text/csv; charset=utf-8")


def of_code(program_id: int, words: str) -> PromoCode | None:
    """The promo code that is called like this."""
    rows = PromoCode.objects.filter(program_id=program_id, code=words.upper())
    return rows.filter(promotion__program_id=program_id).select_related("promotion").first()


def _plain(text: str) -> str:
    """Nothing that a spreadsheet would reckon with."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _plan(staff: Staff, found: Program, given: Json) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed besides the discount, and what is wrong with it."""
    readers: dict[str, Reader] = {
        "name": _name,
        "number": _number,
        "prefix": _prefix,
        "ends": lambda value: _ends_at(value, ZoneInfo(found.timezone)),
    }
    said: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field, read in readers.items():
        try:
            said[field] = read(given.get(field, ""))
        except Unreadable as problem:
            errors[field] = str(problem)
    ends_at = said.pop("ends", None)
    return {**said, "ends_at": ends_at, "source_id": staff.shop.pk, "author": staff.user_id}, errors


def _name(value: object) -> str:
    name = forms.text(value)
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        raise Unreadable(f"Write a name of at most {NAME_LENGTH_MAX} characters.")
    return name


def _number(value: object) -> int:
    number = forms.whole(value)
    if not 0 < number <= CODES_MAX:
        raise Unreadable(f"Write a number from 1 to {CODES_MAX:,}.")
    return number


def _prefix(value: object) -> str:
    prefix = forms.text(value).upper()
    if len(prefix) > 10 or not (prefix.isascii() and (prefix.isalnum() or not prefix)):
        raise Unreadable("Use at most 10 letters and digits.")
    return prefix


def _ends_at(value: object, zone: ZoneInfo) -> datetime | None:
    day = forms.text(value)
    if not day:
        return None
    try:
        ends_at = dates.end_of_day(date.fromisoformat(day), zone)
    except (ValueError, OverflowError) as problem:
        raise Unreadable("Choose a day, or none.") from problem
    if ends_at <= datetime.now(UTC):
        raise Unreadable("Choose a day that hasn't passed.")
    return ends_at


def _reward(found: Program, given: Json) -> Json:
    kind = str(given.get("kind", ""))
    if kind not in KINDS:
        raise Unprocessable({"kind": "Choose what the codes give."})
    least = given.get("minimum_subtotal", "")
    return giving.one_off(found, kind, KINDS[kind][1], given.get("amount", ""), REST, minimum_subtotal=least)


def _promotion(staff: Staff, promotion_id: int) -> Promotion:
    found = Promotion.objects.filter(program_id=staff.shop.program_id, pk=promotion_id).first()
    if found is None:
        raise Http404
    return found


def _row(promotion: Promotion, found: Program, counts: dict[str, int]) -> Row:
    saying = Saying.of(programs.document(found), found.currency)
    gives = kinds.of(promotion.reward).gives(promotion.reward, saying)
    if least := promotion.reward.get("minimum_subtotal"):
        gives += f" of at least {saying.money(least)}"
    return Row(promotion, gives, counts)


def _uses(staff: Staff, promotion: Promotion) -> Iterator[Json]:
    """The codes that were used last, with their orders."""
    codes = PromoCode.objects.filter(
        program_id=promotion.program_id, promotion=promotion, order__isnull=False
    )
    newest = list(codes.order_by("-used_at", "-pk")[:USES_SHOWN])
    ids = [code.order_id for code in newest if code.order_id]
    orders = Order.objects.filter(program_id=promotion.program_id, pk__in=ids).in_bulk()
    for code in newest:
        order = orders[code.order_id or 0]
        is_here = order.source_id == staff.shop.pk
        yield {
            "code": code,
            "name": (order.facts or {}).get("name") or str(order.external_id),
            "url": admin_url(staff.shop, f"/orders/{order.external_id}") if is_here else "",
        }


def _order_names(promotion: Promotion) -> dict[int, str]:
    codes = PromoCode.objects.filter(program_id=promotion.program_id, promotion=promotion)
    used = codes.exclude(order=None).values("order_id")
    rows = Order.objects.filter(program_id=promotion.program_id, pk__in=used)
    return {
        id: name or str(number) for id, name, number in rows.values_list("id", "facts__name", "external_id")
    }
