"""What stands at no address."""

from django.http import HttpRequest, HttpResponse
from django.views.defaults import page_not_found

from shopify_bridge.auth import json_error

MACHINE_PATHS = ("/storefront/", "/extensions/", "/webhooks", "/flow/")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Machines get the one shape of errors; people get a page."""
    if request.path.startswith(MACHINE_PATHS):
        return json_error(404, "not_found", "There is nothing at this address.")
    return page_not_found(request, exception)
