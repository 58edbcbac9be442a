"""What holds for every answer."""

from collections.abc import Callable

from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

View = Callable[[HttpRequest], HttpResponse]


def unavailable() -> JsonResponse:
    response = JsonResponse(
        {"error": {"code": "unavailable", "message": "The app can't reach its database. Please try again."}},
        status=503,
    )
    response["Retry-After"] = "5"
    response["Cache-Control"] = "no-store"
    return response


class DatabaseOutage:
    """No database, no answer but 503: Shopify then delivers again, and nothing acknowledged is lost."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable() if isinstance(exception, OperationalError | InterfaceError) else None


def framed_by_policy(get_response: View) -> View:
    """A page that names its frames itself (Content-Security-Policy) needs no X-Frame-Options beside it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "frame-ancestors" in response.headers.get("Content-Security-Policy", ""):
            response.xframe_options_exempt = True
        return response

    return middleware
