"""How panel pages and panel fetches are entered and answered.

A page is HTML for one document load. Everything that changes something is a fetch: JSON in, JSON out.
`{"ok": true, "toast", "go"}` is success; 422 `{"errors": {field: sentence}}` stands at the fields.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from rewards import actions, programs
from rewards.models import Member, Program
from shopify_bridge.auth import Staff, cdn_base, json_error, panel_fetch, panel_page
from shopify_bridge.models import Shop

Json = dict[str, Any]
View = Callable[..., HttpResponse]
BODY_BYTES_MAX = 100_000


class Unprocessable(Exception):
    """What was typed can't be taken. `errors`: a field's name -> a sentence; "" is the form as a whole."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def page(view: View) -> View:
    """A document of the panel. What isn't this shop's isn't there."""

    @panel_page
    @wraps(view)
    def answer(request: HttpRequest, staff: Staff, **captured: Any) -> HttpResponse:
        with timezone.override(ZoneInfo(staff.shop.timezone)):
            try:
                return view(request, staff, **captured)
            except Http404:
                return shown(request, staff, "merchant/missing.html", status=404)

    return answer


def fetch(view: View) -> View:
    """Something done from a page, by script."""

    @panel_fetch
    @wraps(view)
    def answer(request: HttpRequest, staff: Staff, **captured: Any) -> HttpResponse:
        try:
            return view(request, staff, **captured)
        except Http404:
            return json_error(404, "missing", "This isn't there, or no longer.")
        except Unprocessable as problem:
            return JsonResponse({"errors": problem.errors}, status=422)

    return answer


def by_method(*, get: View, post: View) -> View:
    """A page and what its form sends to, under one address. Each goes through a door of its own."""

    def view(request: HttpRequest, **captured: Any) -> HttpResponse:
        return (post if request.method == "POST" else get)(request, **captured)

    view.csrf_exempt = True  # type: ignore[attr-defined]  # as both doors are
    return view


def post_only(view: View) -> View:
    """For what has no page of its own."""

    @wraps(view)
    def guarded(request: HttpRequest, **captured: Any) -> HttpResponse:
        if request.method != "POST":
            return json_error(405, "method", "Not this method.", {"Allow": "POST"})
        return view(request, **captured)

    return guarded


def shown(
    request: HttpRequest, staff: Staff, template: str, context: Json | None = None, *, status: int = 200
) -> HttpResponse:
    """A page, with what every page needs, and a policy that lets only our own and Shopify's scripts run."""
    program = program_of(staff)
    document = programs.document(program)
    common = {
        "api_key": settings.SHOPIFY_API_KEY,
        "cdn": cdn_base(),
        "shop": staff.shop,
        "program": program,
        "document": document,
        "currency": program.currency,
        "names": document["points"],
        "reward_kinds": {reward["kind"] for reward in document["rewards"]},
        "has_contributions": actions.are_judged(program),
    }
    response = render(request, template, {**common, **(context or {})}, status=status)
    cdn = urlsplit(cdn_base())
    response["Content-Security-Policy"] = (
        f"script-src 'self' {cdn.scheme}://{cdn.netloc}; object-src 'none'; base-uri 'none'; "
        "form-action 'none'"
    )
    return response


def done(toast: str = "", go: str = "", **more: Any) -> JsonResponse:
    return JsonResponse({"ok": True, "toast": toast, "go": go, **more})


def typed(request: HttpRequest) -> Json:
    """The body of a fetch: a JSON object, and nothing a foreign form could send."""
    if request.content_type != "application/json":
        raise Unprocessable({"": "The form was sent in a way that isn't understood."})
    if len(request.body) > BODY_BYTES_MAX:
        raise Unprocessable({"": "That is more than fits here."})
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Unprocessable({"": "The form can't be read."}) from error
    if not isinstance(body, dict):
        raise Unprocessable({"": "The form can't be read."})
    return body


def program_of(staff: Staff) -> Program:
    return Program.objects.get(pk=staff.shop.program_id)


def member_of(staff: Staff, member_id: int) -> Member:
    """A member of this shop's program. Who was merged is found under the one they became."""
    found = Member.objects.filter(program_id=staff.shop.program_id, pk=member_id).first()
    if found is None:
        raise Http404
    return found


def admin_url(shop: Shop, path: str) -> str:
    """A page of the shop's own admin, outside of the app's frame."""
    if settings.SHOPIFY_SANDBOX:
        return f"{settings.SHOPIFY_SANDBOX.rstrip('/')}/admin{path}"
    return f"https://{shop.domain}/admin{path}"
