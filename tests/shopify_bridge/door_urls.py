"""A view behind each door, for the tests of the doors."""

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from loyalty_app import urls
from shopify_bridge import auth
from shopify_bridge.auth import FlowCall, Staff, Visitor


def visitor(request: HttpRequest, who: Visitor) -> JsonResponse:
    return JsonResponse({"shop": who.shop.domain, "customer": who.customer_id})


def staff(request: HttpRequest, who: Staff) -> JsonResponse:
    if "missing" in request.GET:
        raise Http404
    if "outage" in request.GET:
        raise OperationalError
    return JsonResponse({"shop": who.shop.domain, "user": who.user_id})


def flow(request: HttpRequest, call: FlowCall) -> JsonResponse:
    return JsonResponse({"shop": call.shop.domain, "run": call.payload["action_run_id"]})


def elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page for everybody")


urlpatterns = [
    path("storefront/test", auth.app_proxy(visitor)),
    path("app/test", auth.panel_page(staff)),
    path("app/api/test", auth.panel_fetch(staff)),
    path("extensions/admin", auth.admin_extension(staff)),
    path("extensions/pos", auth.pos_extension(staff)),
    path("extensions/account", auth.customer_account_extension(visitor)),
    path("extensions/checkout", auth.checkout_extension(visitor)),
    path("flow/test", auth.flow_action(flow)),
    path("elsewhere", elsewhere),
    *urls.urlpatterns,
]
