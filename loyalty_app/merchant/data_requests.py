"""Customers who asked what is stored about them: a file to hand over, and a note that it was.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant.answers import done, fetch, page, shown
from rewards import people, personal
from rewards.models import Member
from shopify_bridge import customer_tags
from shopify_bridge.auth import Staff
from shopify_bridge.models import DataRequest, Shop

PATH = "/app/data-requests"
SHOWN = 50
TIME_TO_ANSWER = timedelta(days=30)


def of_shop(shop: Shop) -> QuerySet[DataRequest]:
    return DataRequest.objects.filter(program_id=shop.program_id, shop_id=shop.pk)


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    requests = of_shop(staff.shop)
    still_open = list(requests.filter(answered_at=None).order_by("asked_at")[:SHOWN])
    context = {
        "still_open": [{"row": row, "until": row.asked_at + TIME_TO_ANSWER} for row in still_open],
        "answered": requests.exclude(answered_at=None).order_by("-answered_at")[:SHOWN],
    }
    return shown(request, staff, "merchant/data_requests.html", context)


@fetch
def data(request: HttpRequest, staff: Staff, data_request_id: int) -> HttpResponse:
    """The file. Somebody of whom nothing is stored gets one that says so."""
    asked = _one(staff, data_request_id)
    ref = (staff.shop.pk, asked.customer_id)
    member_id = people.find(staff.shop.program_id, [ref]).get(ref)
    member = Member.objects.filter(program_id=staff.shop.program_id, pk=member_id or 0).first()
    answer = {
        "shop": staff.shop.domain,
        "customer": asked.customer_id,
        "asked_at": asked.asked_at,
        "stored": personal.stored(member) if member else None,
        "tags_put": customer_tags.put_on(staff.shop, asked.customer_id),
    }
    return JsonResponse(answer, json_dumps_params={"indent": 2})


@fetch
def answered(request: HttpRequest, staff: Staff, data_request_id: int) -> HttpResponse:
    asked = _one(staff, data_request_id)
    of_shop(staff.shop).filter(pk=asked.pk, answered_at=None).update(
        answered_at=datetime.now(UTC), answered_by=staff.user_id[:60]
    )
    return done("Noted as answered", PATH)


def _one(staff: Staff, data_request_id: int) -> DataRequest:
    found = of_shop(staff.shop).filter(pk=data_request_id).first()
    if found is None:
        raise Http404
    return found
