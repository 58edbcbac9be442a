"""Deliveries that could not be handled, each with its reason. Nothing personal is shown."""

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant.answers import done, fetch, page, shown
from loyalty_app.merchant.home import inbox_of
from shopify_bridge import inbox, jobs
from shopify_bridge.auth import Staff
from shopify_bridge.models import InboxRow

SHOWN = 50
REPLAYED_MOST = 1000


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    rows = inbox_of(staff.shop)
    parked = rows.filter(state=InboxRow.State.PARKED)
    waiting = rows.filter(state=InboxRow.State.WAITING)
    context = {
        "parked": list(parked.defer("body", "body_hash").order_by("-received_at")[:SHOWN]),
        "parked_count": parked.count(),
        "waiting": list(waiting.defer("body", "body_hash").order_by("received_at")[:SHOWN]),
        "waiting_count": waiting.count(),
    }
    return shown(request, staff, "merchant/inbox.html", context)


@fetch
def replay(request: HttpRequest, staff: Staff, row_id: int) -> HttpResponse:
    row = inbox_of(staff.shop).filter(pk=row_id).first()
    if row is None:
        raise Http404
    inbox.replay([row])
    jobs.ring(jobs.drain)
    return done("The delivery is being handled again", "/app/inbox")


@fetch
def replay_all(request: HttpRequest, staff: Staff) -> HttpResponse:
    rows = inbox_of(staff.shop).filter(state=InboxRow.State.PARKED).order_by("received_at")
    number = inbox.replay(rows.defer("body", "body_hash")[:REPLAYED_MOST])
    jobs.ring(jobs.drain)
    return done(f"{number:,} deliveries are being handled again", "/app/inbox")
