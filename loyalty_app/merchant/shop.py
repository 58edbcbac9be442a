"""The page of the shop itself: what the app knows of it, and the checks one can start by hand."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant.answers import done, fetch, page, shown
from rewards.models import Program
from shopify_bridge import checks, gaps, install
from shopify_bridge.auth import Staff
from shopify_bridge.models import Shop

RESULT_SECONDS = 3
"""After this the page is shown again, normally with the result."""
TONES = {
    Shop.State.ACTIVE: "success",
    Shop.State.REOPEN: "critical",
    Shop.State.PAUSED: "critical",
    Shop.State.UNINSTALLED: "neutral",
}


@page
def settings_page(request: HttpRequest, staff: Staff) -> HttpResponse:
    shop = staff.shop
    granted = _names(shop.scopes)
    context = {
        "state_tone": TONES[Shop.State(shop.state)],
        "missing_scopes": sorted(_names(install.needed_scopes()) - granted - _implied(granted)),
        "granted_scopes": sorted(granted),
        "api_version": settings.SHOPIFY_API_VERSION,
        "report": shop.reconcile_report,
        "window_days": checks.FULL_WINDOW.days,
        "gaps": gaps.open_gaps(shop).count(),
        "shares": Shop.objects.filter(program_id=shop.program_id).exclude(pk=shop.pk).count(),
    }
    return shown(request, staff, "merchant/settings.html", context)


@fetch
def audit(request: HttpRequest, staff: Staff) -> HttpResponse:
    Program.objects.filter(pk=staff.shop.program_id).update(audited_at=None)
    return done("Checking every point ...", "/app/settings", pause=RESULT_SECONDS)


def _names(scopes: str) -> set[str]:
    return {name.strip() for name in scopes.split(",") if name.strip()}


def _implied(granted: set[str]) -> set[str]:
    """Who may write may read."""
    return {f"read_{name.removeprefix('write_')}" for name in granted if name.startswith("write_")}
