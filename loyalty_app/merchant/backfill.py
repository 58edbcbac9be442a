"""Points for orders from before the program: counted first, posted when the merchant says so."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import words
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from rewards import cashback, offers, programs
from rewards.models import Program
from shopify_bridge import backfill, checks, jobs
from shopify_bridge.auth import Staff
from shopify_bridge.models import Backfill, Shop

PATH = "/app/backfill"
State = Backfill.State
STEPS: dict[str, tuple[Callable[[Backfill, str], None], str]] = {
    "post": (backfill.confirm, "Posting ..."),
    "stop": (lambda row, _: backfill.stop(row), "Stopped"),
    "resume": (lambda row, _: backfill.resume(row), "Going on ..."),
    "cancel": (lambda row, _: backfill.cancel(row), "Ended"),
}
"""What staff can do with a back-fill, and what they are told."""


@page
def shown_page(request: HttpRequest, staff: Staff) -> HttpResponse:
    program, row = program_of(staff), _latest(staff.shop)
    is_open = row is not None and row.state in Backfill.OPEN
    context = {
        "row": row,
        "is_open": is_open,
        "progress": _progress(row) if row and row.state == State.WORKING else None,
        "worth": _worth(program, row.points) if row else "",
        "window_days": checks.FULL_WINDOW.days,
        "sees_all": _sees_all(staff.shop),
        "expires": programs.document(program).get("expiry", {}).get("policy", "never") != "never",
    }
    return shown(request, staff, "merchant/backfill.html", context)


@fetch
def begin(request: HttpRequest, staff: Staff) -> HttpResponse:
    span = typed(request).get("span")
    if span != "window" and not (span == "all" and _sees_all(staff.shop)):
        raise Unprocessable({"span": "Choose which orders."})
    since = None if span == "all" else datetime.now(UTC) - checks.FULL_WINDOW
    try:
        backfill.begin(staff.shop, since, staff.user_id)
    except backfill.NotNow as problem:
        raise Unprocessable({"": str(problem)}) from problem
    jobs.ring(jobs.back_fill)
    return done("", PATH)


@fetch
def change(request: HttpRequest, staff: Staff, step: str) -> HttpResponse:
    row = _latest(staff.shop)
    if row is None or step not in STEPS:
        raise Http404
    act, said = STEPS[step]
    try:
        act(row, staff.user_id)
    except backfill.NotNow as problem:
        raise Unprocessable({"": str(problem)}) from problem
    jobs.ring(jobs.back_fill)
    return done(said, PATH)


@fetch
def progress(request: HttpRequest, staff: Staff) -> HttpResponse:
    """How far it is; `busy` is false when there is nothing to wait for."""
    row = _latest(staff.shop)
    if row is None or row.state != State.WORKING:
        return JsonResponse({"ok": True, "busy": False})
    return JsonResponse({"ok": True, "busy": True, **_progress(row)})


def _latest(shop: Shop) -> Backfill | None:
    rows: Any = Backfill.objects.filter(program_id=shop.program_id, shop_id=shop.pk)
    found: Backfill | None = rows.order_by("-id").first()
    return found


def _progress(row: Backfill) -> Json:
    verb = "posted" if row.confirmed_by else "counted"
    said = f"{row.looked_at:,} orders {verb}"
    if row.expected is None:
        said = "Shopify collects the orders"
    elif row.looked_at < row.expected:
        said = f"{row.looked_at:,} of {row.expected:,} orders {verb}"
    return {"done": row.looked_at, "of": max(row.expected or 1, 1), "said": said, "why": row.problem}


def _worth(program: Program, points: int) -> str:
    """By the most generous reward on offer."""
    document = programs.document(program)
    rewards = [*programs.on_offer(document), *cashback.as_reward(document, program.currency)]
    worth = offers.worth(points, rewards, program.currency)
    return "" if worth is None else words.money_of(worth, program.currency)


def _sees_all(shop: Shop) -> bool:
    return "read_all_orders" in shop.scopes.split(",")
