"""The first page: what happened, whether all is well, and what to do next."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Func, JSONField, Q, Value
from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import data_requests, store_credit
from loyalty_app.merchant.answers import (
    Unprocessable,
    admin_url,
    done,
    fetch,
    page,
    program_of,
    shown,
    typed,
)
from loyalty_app.merchant.chart import chart
from rewards import programs, reports
from rewards.models import Order, Program
from rewards.reports import Figures
from shopify_bridge import credits, gaps
from shopify_bridge.auth import Staff
from shopify_bridge.models import UNKNOWN_PROGRAM, InboxRow, Shop

CHART_DAYS = 30
EMBED_BLOCK = "loyalty-embed"
STEPS = ("embed", "rates", "widget")
ORDERS_CHECK = "/app/orders-check"
SLOW = timedelta(minutes=2)
"""A delivery that waits longer than this is worth a word."""
LATEST_ROWS = 50_000
LATEST_ORDERS = 500


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, the same of the week before, and a remark."""

    label: str
    now: int
    before: int
    remark: str = ""

    @property
    def trend(self) -> str:
        if self.now == self.before:
            return "as the week before"
        if not self.before:
            return "none the week before"
        return f"{self.before:,} the week before"

    @property
    def direction(self) -> str:
        return "same" if self.now == self.before else "up" if self.now > self.before else "down"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the health list."""

    tone: str
    label: str
    text: str
    moment: datetime | None = None
    go: str = ""

    @property
    def leaves_app(self) -> bool:
        return not self.go.startswith("/app/")

    @property
    def icon(self) -> str:
        return {"success": "check-circle", "info": "clock"}.get(self.tone, "alert-triangle")


@page
def home(request: HttpRequest, staff: Staff) -> HttpResponse:
    program, now = program_of(staff), datetime.now(UTC)
    this, before = reports.week(program, now)
    today = now.astimezone(ZoneInfo(program.timezone)).date()
    context = {
        "figures": _figures(this, before, programs.document(program)["points"]["many"]),
        "chart": chart(reports.days(program, today, CHART_DAYS)),
        "checks": list(_checks(staff.shop, program, now)),
        "steps": [step for step in STEPS if step not in staff.shop.steps_dismissed],
        "alarm": _alarm(staff.shop) or _foreign_orders(program),
        "embed_url": _embed_url(staff.shop),
        "storefront": settings.SHOPIFY_SANDBOX or f"https://{staff.shop.domain}",
        "embed_block": EMBED_BLOCK,
    }
    return shown(request, staff, "merchant/home.html", context)


@fetch
def step(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Put one of the first steps away."""
    name = typed(request).get("step")
    if name not in STEPS:
        raise Unprocessable({"": "There is no such step."})
    Shop.objects.filter(pk=staff.shop.pk).exclude(steps_dismissed__contains=[name]).update(
        steps_dismissed=Func(
            F("steps_dismissed"),
            Value([name], JSONField()),
            template="%(expressions)s",
            arg_joiner=" || ",
            output_field=JSONField(),
        )
    )
    return done()


@fetch
def embed(request: HttpRequest, staff: Staff) -> HttpResponse:
    """App Bridge in the merchant's browser knows whether the app embed is on; the server can't ask."""
    active = typed(request).get("active")
    if not isinstance(active, bool):
        raise Unprocessable({"active": "Say true or false."})
    Shop.objects.filter(pk=staff.shop.pk).update(embed_active=active, embed_seen_at=datetime.now(UTC))
    return done()


def inbox_of(shop: Shop) -> Any:
    """The shop's deliveries, with those that came before the app knew it."""
    mine = Q(program_id=shop.program_id, shop_id=shop.pk)
    return InboxRow.objects.filter(mine | Q(program_id=UNKNOWN_PROGRAM, shop_domain=shop.domain))


def _embed_url(shop: Shop) -> str:
    """The theme editor, with our app embed at hand.

    https://shopify.dev/docs/apps/build/online-store/theme-app-extensions/configuration
    """
    block = f"{settings.SHOPIFY_API_KEY}/{EMBED_BLOCK}"
    return admin_url(shop, f"/themes/current/editor?context=apps&template=index&activateAppId={block}")


def _figures(this: Figures, before: Figures, points: str) -> list[Figure]:
    name = points[:1].upper() + points[1:]
    return [
        Figure("Members joined", this.joined, before.joined),
        Figure(f"Orders with {points}", this.orders, before.orders),
        Figure(f"{name} earned", this.earned, before.earned, _back(this.taken_back, "taken back by refunds")),
        Figure(f"{name} spent", this.spent, before.spent, _back(this.returned, "came back unused")),
        Figure("Rewards redeemed", this.redemptions, before.redemptions),
    ]


def _back(points: int, what: str) -> str:
    return f"{points:,} {what}" if points else ""


def _alarm(shop: Shop) -> dict[str, str] | None:
    """The one thing that can't wait. Never two banners at once."""
    if shop.state == Shop.State.PAUSED:
        return {
            "tone": "critical",
            "heading": "The app can't talk to Shopify",
            "text": f"{shop.state_reason} Points of new orders are counted when Shopify answers again.",
        }
    if shop.state == Shop.State.REOPEN:
        return {
            "tone": "critical",
            "heading": "Open the app again",
            "text": "Its permission to act for this shop has run out. Reloading this page renews it.",
        }
    if shop.state_reason:
        return {"tone": "warning", "heading": "Some permissions are missing", "text": shop.state_reason}
    return None


def _foreign_orders(program: Program) -> dict[str, str] | None:
    """First awards stop when a shop changes its currency: nothing is converted silently."""
    latest = Order.objects.filter(program=program).order_by("-id").values_list("blocked", flat=True)
    blocked = sum(why == "currency" for why in latest[:LATEST_ORDERS])
    if not blocked:
        return None
    return {
        "tone": "warning",
        "heading": "Orders in another currency earn nothing",
        "text": f"The program counts in {program.currency}; {blocked:,} of the latest orders don't.",
    }


def _checks(shop: Shop, program: Program, now: datetime) -> Any:
    yield _check_orders(shop)
    yield _check_ledger(program)
    yield from _check_inbox(shop, now)
    if unsure := credits.parked(shop).count():
        text = (
            "1 credit may have arrived: have a look."
            if unsure == 1
            else f"{unsure:,} may have arrived: have a look."
        )
        yield Check("warning", "Store credit", text, None, store_credit.PATH)
    if asking := data_requests.of_shop(shop).filter(answered_at=None).count():
        who = "1 customer asks" if asking == 1 else f"{asking:,} customers ask"
        text = f"{who} what is stored about them."
        yield Check("warning", "Data requests", text, None, data_requests.PATH)
    yield _check_embed(shop)


def _check_orders(shop: Shop) -> Check:
    label = "Points equal orders"
    if shop.reconciled_at is None:
        return Check("info", label, "The first comparison with Shopify's orders is still to come.")
    if found := gaps.open_gaps(shop).count():
        text = "1 order differs." if found == 1 else f"{found:,} orders differ."
        return Check("warning", label, text, shop.reconciled_at, ORDERS_CHECK)
    healed = (shop.reconcile_report or {}).get("healed", 0)
    text = (
        "All orders were known." if not healed else f"{healed:,} had not been told to the app and were added."
    )
    return Check("success", label, text, shop.reconciled_at, ORDERS_CHECK)


def _check_ledger(program: Program) -> Check:
    label = "Every point accounted for"
    if program.audited_at is None:
        return Check("info", label, "Being checked.")
    if program.broken_promises:
        return Check("critical", label, "The check found differences.", program.audited_at, "/app/settings")
    return Check("success", label, "Every balance equals its movements.", program.audited_at)


def _check_inbox(shop: Shop, now: datetime) -> Any:
    rows = inbox_of(shop)
    parked = rows.filter(state=InboxRow.State.PARKED).count()
    if parked:
        text = "1 waits for you." if parked == 1 else f"{parked:,} wait for you."
        yield Check("warning", "Parked deliveries", text, None, "/app/inbox")
    waiting = rows.filter(state=InboxRow.State.WAITING)
    late = waiting.filter(received_at__lt=now - SLOW).count()
    label = "News from Shopify"
    heard = _last_heard(shop)
    if late:
        yield Check("warning", label, f"{late:,} still being worked on. Last heard", heard, "/app/inbox")
    elif heard:
        yield Check("success", label, "Everything is handled. Last heard", heard)
    else:
        yield Check("info", label, "Nothing heard lately.")


def _last_heard(shop: Shop) -> datetime | None:
    """Among the latest deliveries of all shops, so that a quiet shop never costs a scan of everything."""
    newest = InboxRow.objects.order_by("-id").values_list("id", flat=True).first() or 0
    rows = InboxRow.objects.filter(id__gt=newest - LATEST_ROWS, program_id=shop.program_id, shop_id=shop.pk)
    return rows.order_by("-id").values_list("received_at", flat=True).first()


def _check_embed(shop: Shop) -> Check:
    label, editor = "Widget in the theme", _embed_url(shop)
    if shop.embed_active is None:
        return Check("info", label, "Not known yet.", None, editor)
    if shop.embed_active:
        return Check("success", label, "The app embed is on.", shop.embed_seen_at, editor)
    text = "The app embed is off: shoppers don't see their points."
    return Check("warning", label, text, shop.embed_seen_at, editor)
