"""What a shopper may ask. Who it is comes from the door in front of the address, never from the body."""

import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.storefront.me import shown, shown_redemption
from rewards import draws, overview, people, programs, redemptions, reservations, standing, timeline
from rewards.ledger import MemberMerged, Overdrawn
from rewards.models import Program, Redemption
from rewards.offers import BadChoice
from rewards.overview import overviews, visit
from rewards.places import SoldOut
from shopify_bridge import issuing, jobs, permissions
from shopify_bridge.auth import Visitor, json_error
from shopify_bridge.models import Shop

Json = dict[str, Any]
View = Callable[..., HttpResponse]
BODY_BYTES_MAX = 10_000
KEY_LENGTH_MAX = 100
PATIENCE_SECONDS = 3.0
"""So long a shopper waits for the code; after it the widget asks again and the worker goes on."""
REFUSED: dict[type[Exception], str] = {
    reservations.NotNow: "not_now",
    reservations.LimitReached: "limit_reached",
}


class Refusal(Exception):
    """An answer that isn't the one asked for."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def answering(*methods: str) -> Callable[[View], View]:
    """Refusals, another method's too, become JSON; personal answers are never kept by anybody."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, visitor: Visitor, **captured: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    raise Refusal(405, "method", f"This address answers to {' and '.join(methods)} only.")
                response = view(request, visitor, **captured)
            except Refusal as refusal:
                response = json_error(refusal.status, refusal.code, str(refusal))
                if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
                    response["Allow"] = ", ".join(methods)
            response["Cache-Control"] = "no-store, private"
            return response

        return answer

    return decorate


@answering("GET")
def program(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET program`: what anybody may know."""
    public = standing.current_program(program_of(visitor.shop))
    return JsonResponse({**public, "rewards": permissions.allowed(visitor.shop, public["rewards"])})


@answering("GET")
def me(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET me`, where Django is asked: customer accounts."""
    (found,) = overviews(visitor.shop.program_id, visitor.shop.pk, [visitor.customer_id])
    return JsonResponse(shown(found, visitor.shop))


@answering("GET")
def activity(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET activity?before=`: what happened, newest first."""
    _, member_id = signed_in(visitor)
    if member_id is None:
        return JsonResponse({"items": [], "next": None})
    events, following = timeline.events(program_of(visitor.shop), member_id, before=_before(request))
    items = [
        {"at": event.at.isoformat(), "points": event.points, "text": event.text, "kind": event.kind}
        for event in events
    ]
    return JsonResponse({"items": items, "next": following})


@answering("GET", "POST")
def own_redemptions(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`redemptions`: those that are over, or one more."""
    return _redeem(request, visitor) if request.method == "POST" else _past(request, visitor)


def _redeem(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`POST redemptions`: points become a code. Normally the code stands in the same answer."""
    shop, customer_id = visitor.shop, visitor.customer_id
    if customer_id is None:
        _ask_to_sign_in()
    reward_id, points, key = _wish(request)
    program, member_id = visit(shop.program_id, shop.pk, customer_id)
    if member_id is None:
        raise Refusal(409, "insufficient_points", "This customer has no points yet.")
    wanted = reservations.Request(member_id, shop.pk, customer_id, reward_id, key, points)
    reward = programs.reward(programs.document(program), wanted.reward_id)
    if reward and not permissions.allowed(shop, [reward]):
        raise Refusal(422, "no_such_reward", f"“{reward['title']}” isn't on offer in this shop.")
    try:
        redemption, created = reservations.reserve(program, wanted)
    except reservations.NoSuchReward as error:
        raise Refusal(422, "no_such_reward", str(error)) from error
    except (reservations.NotNow, reservations.LimitReached) as error:
        raise Refusal(409, REFUSED[type(error)], str(error)) from error
    except BadChoice as error:
        raise Refusal(422, "invalid_points", str(error)) from error
    except reservations.KeyReused as error:
        raise Refusal(422, "key_reused", str(error)) from error
    except Overdrawn as error:
        raise Refusal(409, "insufficient_points", str(error)) from error
    except SoldOut as error:
        raise Refusal(409, "sold_out", str(error)) from error
    except draws.Closed as error:
        raise Refusal(409, "closed", str(error)) from error
    except reservations.TooMany as error:
        raise Refusal(429, "too_many", str(error)) from error
    except MemberMerged as error:
        raise Refusal(409, "try_again", "Your accounts were just joined. Please try again.") from error
    if created:
        redemption = issuing.work_on(redemption, within=PATIENCE_SECONDS)
    if redemption.state == Redemption.State.RESERVED:
        jobs.ring(jobs.redeem)
    jobs.ring(jobs.publish)
    return JsonResponse(shown_redemption(redemption, program.currency), status=201 if created else 200)


def _past(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET redemptions?before=`: what is over, newest first."""
    program, member_id = signed_in(visitor)
    found, following = overview.past(program.pk, member_id or 0, before=_before(request))
    items = [
        {**shown_redemption(one, program.currency), "changed_at": one.changed_at.isoformat()} for one in found
    ]
    return JsonResponse({"items": items, "next": following})


@answering("GET")
def redemption(request: HttpRequest, visitor: Visitor, id: int) -> HttpResponse:
    """`GET redemptions/{id}`: who asks is waiting, so what there is to do is done soon."""
    program, found = _own_redemption(visitor, id)
    if found.state in (Redemption.State.RESERVED, Redemption.State.ENDING):
        redemptions.hurry(found)
        jobs.ring(jobs.redeem)
    return JsonResponse(shown_redemption(found, program.currency))


@answering("POST")
def cancel(request: HttpRequest, visitor: Visitor, id: int) -> HttpResponse:
    """`POST redemptions/{id}/cancel`: the shopper's own undo, while the code is unused."""
    program, found = _own_redemption(visitor, id)
    if not found.points:
        raise Refusal(409, "not_now", "A gift can't be given back.")
    started = redemptions.start_ending(found.program_id, found.pk, Redemption.State.CANCELLED)
    found.refresh_from_db()
    if not started and found.state not in (Redemption.State.ENDING, Redemption.State.CANCELLED):
        raise Refusal(409, "not_now", "This code can't be given back any more.")
    if found.state == Redemption.State.ENDING:
        found = issuing.work_on(found, within=PATIENCE_SECONDS)
        jobs.ring(jobs.publish if found.state == Redemption.State.CANCELLED else jobs.redeem)
    return JsonResponse(shown_redemption(found, program.currency))


@answering("POST")
def enrol(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`POST enrol`: a signed-in customer becomes a member, if they aren't one already."""
    member_id = joined(visitor, program_of(visitor.shop))
    jobs.ring(jobs.publish)
    return JsonResponse({"member": {"id": member_id}}, status=200)


def joined(visitor: Visitor, program: Program) -> int:
    """The member who a signed-in customer is, made one now if they weren't."""
    if visitor.customer_id is None:
        _ask_to_sign_in()
    ref = (visitor.shop.pk, visitor.customer_id)
    found = people.enrol(program, {ref: people.now()})
    if ref not in found:
        raise Refusal(403, "forgotten", "This account was erased from the program.")
    return found[ref]


def program_of(shop: Shop) -> Program:
    """All there is to know of the shop's program."""
    return Program.objects.get(pk=shop.program_id)


def signed_in(visitor: Visitor) -> tuple[Program, int | None]:
    """The program and the member; None for a customer we haven't heard of yet. Guests are sent to sign in."""
    if visitor.customer_id is None:
        _ask_to_sign_in()
    return visit(visitor.shop.program_id, visitor.shop.pk, visitor.customer_id)


def _ask_to_sign_in() -> NoReturn:
    raise Refusal(401, "sign_in", "Sign in to use your points.")


def _wish(request: HttpRequest) -> tuple[str, int | None, str]:
    """(reward, points, key) of the body."""
    body = body_of(request)
    unknown = sorted(body.keys() - {"reward", "points", "key"})
    reward, points, key = body.get("reward"), body.get("points"), body.get("key")
    if unknown:
        raise Refusal(422, "unknown_field", f"“{unknown[0]}” is no field of a redemption.")
    if not isinstance(reward, str) or not reward:
        raise Refusal(422, "invalid_reward", "“reward” is the id of a reward.")
    if points is not None and (isinstance(points, bool) or not isinstance(points, int) or points <= 0):
        raise Refusal(422, "invalid_points", "“points” is a whole number above zero.")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise Refusal(422, "invalid_key", f"“key” is a text of 1 to {KEY_LENGTH_MAX} characters.")
    if ":" in key:
        # So are those of gifts, of cashback and of what comes in place of another: none of them may be taken.
        raise Refusal(422, "invalid_key", "“key” has no colon.")
    return reward, points, key


def body_of(request: HttpRequest) -> Json:
    """The JSON object that was sent."""
    raw = request.body
    if len(raw) > BODY_BYTES_MAX:
        raise Refusal(422, "too_long", f"A body has at most {BODY_BYTES_MAX} bytes.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal(422, "invalid_json", "The body is no JSON.") from error
    if not isinstance(body, dict):
        raise Refusal(422, "invalid_json", "The body is no JSON object.")
    return body


def _own_redemption(visitor: Visitor, id: int) -> tuple[Program, Redemption]:
    program, member_id = signed_in(visitor)
    own = Redemption.objects.filter(program_id=program.pk, member_id=member_id or 0)
    found = own.filter(pk=id).first()
    if found is None:
        raise Refusal(404, "not_found", "There is no such redemption.")
    return program, found


def _before(request: HttpRequest) -> int | None:
    """Where a page of a list begins: nowhere, or before what the last page named."""
    before = request.GET.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Refusal(422, "invalid_cursor", "“before” is the number that the last page named as “next”.")
    return int(before) if before else None
