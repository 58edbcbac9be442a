"""Points equal orders: what was missing, what still differs, and a check of any time by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant.answers import Json, Unprocessable, admin_url, done, fetch, page, shown, typed
from rewards import dates
from shopify_bridge import checks, gaps, jobs
from shopify_bridge.auth import Staff
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Gap, OrderCheck, Shop

PATH = "/app/orders-check"
SHOWN = 50
HEALED_SHOWN = 25
RESULT_SECONDS = 2
REASONS = {
    Gap.Kind.MISSING: "Shopify never told the app about this order.",
    Gap.Kind.BEHIND: "The order changed, and Shopify didn't tell the app.",
    Gap.Kind.DIFFERS: "Its points aren't what the order earns by the rules of its day.",
    Gap.Kind.DELETED: "The order was deleted in the shop, and Shopify didn't tell the app.",
    Gap.Kind.CURRENCY: "It is in another currency than the program, so it earns nothing.",
}
HEALERS = {
    "reconcile": "by the app's own check",
    "delivery": "by a delivery that came late",
    "manage.py": "by a command of the operator",
}


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    shop = staff.shop
    opened = gaps.open_gaps(shop)
    today = _today(shop)
    context = {
        "open": [_row(shop, gap) for gap in opened.order_by("-changed_at")[:SHOWN]],
        "open_count": opened.count(),
        "repairable": opened.exclude(kind=Gap.Kind.CURRENCY).exists(),
        "under_repair": opened.exclude(asked_by="").exists(),
        "healed": [_row(shop, gap) for gap in _healed(shop)],
        "running": _progress(_running(shop)),
        "last": _last(shop),
        "report": shop.reconcile_report,
        "first_day": (today - timedelta(days=7)).isoformat(),
        "last_day": today.isoformat(),
        "window_days": None if _sees_all(shop) else checks.FULL_WINDOW.days,
    }
    return shown(request, staff, "merchant/orders_check.html", context)


@fetch
def begin(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Compare the orders of some days. What is found is listed first, and repaired when asked for."""
    since, until = _time(staff.shop, typed(request))
    if _running(staff.shop) is None:
        checks.begin(staff.shop, since, until, heals=False, author=staff.user_id)
    jobs.ring(jobs.check_orders)
    return done("", PATH)


@fetch
def progress(request: HttpRequest, staff: Staff) -> HttpResponse:
    """How far the check is that is under way; `busy` is false when there is none."""
    running = _progress(_running(staff.shop))
    repairs = gaps.open_gaps(staff.shop).exclude(asked_by="").exists()
    return JsonResponse({"ok": True, "busy": bool(running) or repairs, **(running or {})})


@fetch
def repair(request: HttpRequest, staff: Staff, gap_id: int) -> HttpResponse:
    gap = gaps.open_gaps(staff.shop).filter(pk=gap_id).first()
    if gap is None:
        raise Http404
    try:
        is_closed = gaps.repair(staff.shop, gap, staff.user_id)
    except (TryAgain, NeedsHuman) as problem:
        raise Unprocessable({"": f"Shopify can't be asked right now: {problem}."}) from problem
    return done("Repaired" if is_closed else "It could not be repaired; see the reason", PATH)


@fetch
def repair_all(request: HttpRequest, staff: Staff) -> HttpResponse:
    number = gaps.ask_for_repair(staff.shop, staff.user_id)
    jobs.ring(jobs.check_orders)
    return done(f"Repairing {number:,} ...", PATH, pause=RESULT_SECONDS)


def _row(shop: Shop, gap: Gap) -> Json:
    return {
        "gap": gap,
        "name": gap.name or f"Order {gap.external_id}",
        "reason": REASONS[Gap.Kind(gap.kind)],
        "url": admin_url(shop, f"/orders/{gap.external_id}"),
        "healer": HEALERS.get(gap.healed_by, f"by staff user {gap.healed_by}"),
        "repairable": gap.kind != Gap.Kind.CURRENCY,
    }


def _healed(shop: Shop) -> Any:
    rows = Gap.objects.filter(program_id=shop.program_id, shop_id=shop.pk, healed_at__isnull=False)
    return rows.order_by("-healed_at")[:HEALED_SHOWN]


def _of_staff(shop: Shop) -> Any:
    """The checks that staff have asked for; those of app and operator are nothing to wait for."""
    checks_of_shop = OrderCheck.objects.filter(program_id=shop.program_id, shop_id=shop.pk)
    return checks_of_shop.exclude(author__in=("", "manage.py")).order_by("-id")


def _running(shop: Shop) -> OrderCheck | None:
    found: OrderCheck | None = _of_staff(shop).filter(state=OrderCheck.State.WAITING).first()
    return found


def _last(shop: Shop) -> OrderCheck | None:
    found: OrderCheck | None = _of_staff(shop).exclude(state=OrderCheck.State.WAITING).first()
    return found


def _progress(check: OrderCheck | None) -> Json | None:
    if check is None:
        return None
    said = f"{check.looked_at:,} orders compared"
    if check.expected is None:
        said = "Waiting for a worker"
    elif check.looked_at < check.expected:
        said += f" of {'more than ' if check.bulk_id and not check.looked_at else ''}{check.expected:,}"
    return {"done": check.looked_at, "of": max(check.expected or 1, 1), "said": said, "why": check.problem}


def _sees_all(shop: Shop) -> bool:
    return "read_all_orders" in shop.scopes.split(",")


def _today(shop: Shop) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(shop.timezone)).date()


def _time(shop: Shop, given: Json) -> tuple[datetime, datetime]:
    errors: dict[str, str] = {}
    days: dict[str, date] = {}
    for name in ("from", "to"):
        try:
            days[name] = date.fromisoformat(str(given.get(name, "")))
        except ValueError:
            errors[name] = "Choose a day."
    today = _today(shop)
    if not errors and days["from"] > min(days["to"], today):
        errors["from"] = "This must not be after the last day, or after today."
    earliest = today - checks.FULL_WINDOW
    if not errors and days["from"] < earliest and not _sees_all(shop):
        errors["from"] = f"Shopify shows this app orders since {earliest.day} {earliest:%b %Y} only."
    if errors:
        raise Unprocessable(errors)
    zone = ZoneInfo(shop.timezone)
    return dates.start_of_day(days["from"], zone), dates.end_of_day(min(days["to"], today), zone)
