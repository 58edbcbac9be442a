"""Members invite friends, and friends come: their link, the visit, the reward.

A reference that isn't open, is one's own, or has been used gets 404, and no word on which it was.
"""

from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.storefront.views import (
    KEY_LENGTH_MAX,
    PATIENCE_SECONDS,
    Refusal,
    answering,
    body_of,
    joined,
    program_of,
)
from rewards import advocates, claims, clock, offers, people, programs, referral_settings, referrals
from rewards.advocates import NoSuchLink
from rewards.claims import Friend
from rewards.mail_addresses import Mail, NoAddress
from rewards.models import Advocate, Claim, Program, Referral
from shopify_bridge import customers, friend_codes
from shopify_bridge.auth import Visitor

Json = dict[str, Any]
SHOWN = 50
SHOWN_AS = {
    Referral.State.WAITING: "waiting",
    Referral.State.HELD: "waiting",
    Referral.State.PAID: "paid",
    Referral.State.REFUSED: "not_counted",
    Referral.State.BLOCKED: "not_counted",
    Referral.State.RETURNED: "not_counted",
}
"""What a member is told of a friend's order; why one doesn't count is not theirs to know."""


@answering("GET")
def mine(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET referral`: what one's own link promises, its code, and what came of it. Nothing of the friends."""
    program = _inviting(visitor)
    member_id = joined(visitor, program)
    return JsonResponse(_shown(program, advocates.of_member(program, member_id)))


@answering("POST")
def link(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`POST referral/link`: the same with a code, made now if there was none."""
    program = _inviting(visitor)
    advocate = advocates.made(program, joined(visitor, program))
    if advocate.mail_digest is None and visitor.customer_id is not None:
        mail = _mail(customers.mail_of(visitor.shop, visitor.customer_id))
    else:
        mail = None
    advocates.remember(advocate, advocates.traces(program, mail, _address(request)))
    return JsonResponse(_shown(program, advocate))


@answering("POST")
def visit(request: HttpRequest, visitor: Visitor, code: str) -> HttpResponse:
    """`POST referrals/{code}/visits`: somebody followed the link; what waits for them."""
    program = program_of(visitor.shop)
    try:
        claims.visit(program, code, _friend(request, visitor, program, None))
    except NoSuchLink as error:
        _not_there(error)
    return JsonResponse({"reward": programs.invitations(program).offer})


@answering("POST")
def claim(request: HttpRequest, visitor: Visitor, code: str) -> HttpResponse:
    """`POST referrals/{code}/claims` with `{"email", "key"}`: the reward; the same key asks how it goes."""
    program = program_of(visitor.shop)
    try:
        advocates.open_link(program, code)
        mail, key = _wanted(request, visitor)
        found, is_new = claims.take(program, code, _friend(request, visitor, program, mail), key)
    except NoSuchLink as error:
        _not_there(error)
    if found.state == Claim.State.REFUSED:
        raise Refusal(409, "not_for_you", "This can't be had with these details.")
    if is_new:
        found = friend_codes.work_on(found, within=PATIENCE_SECONDS)
    return JsonResponse(_claim(found), status=201 if is_new else 200)


def _inviting(visitor: Visitor) -> Program:
    program = program_of(visitor.shop)
    if not programs.can_invite(program):
        _not_there(NoSuchLink("Nobody can invite."))
    return program


def _shown(program: Program, advocate: Advocate | None) -> Json:
    told = referral_settings.public(programs.document(program)) or {}
    is_open = advocate is not None and advocate.blocked_at is None
    rows = referrals.of(advocate)[:SHOWN] if advocate else []
    return {
        **told,
        "code": advocate.code if advocate and is_open else None,
        "blocked": advocate is not None and not is_open,
        "friends": [
            {
                "at": row.happened_at.isoformat(),
                "state": SHOWN_AS[Referral.State(row.state)],
                "points": row.points,
            }
            for row in rows
        ],
    }


def _claim(found: Claim) -> Json:
    """The code is shown when it works, and not before."""
    is_ready = found.state in (Claim.State.ISSUED, Claim.State.USED)
    return {
        "state": found.state,
        "code": found.code if is_ready else None,
        "reward": offers.public(found.reward),
        "expires_at": found.expires_at.isoformat() if found.expires_at else None,
    }


def _friend(request: HttpRequest, visitor: Visitor, program: Program, mail: Mail | None) -> Friend:
    member_id = None
    if visitor.customer_id is not None:
        # A new customer is a member from here on: their first order is known by it.
        ref = (visitor.shop.pk, visitor.customer_id)
        member_id = people.enrol(program, {ref: clock.now()}).get(ref)
        if member_id is None:
            _not_there(NoSuchLink("They asked to be forgotten."))
    return Friend(visitor.shop.pk, visitor.customer_id, member_id, mail, _address(request))


def _wanted(request: HttpRequest, visitor: Visitor) -> tuple[Mail | None, str]:
    body = body_of(request)
    if unknown := sorted(body.keys() - {"email", "key"}):
        raise Refusal(422, "unknown_field", f"“{unknown[0]}” is no field of this.")
    mail, key = body.get("email"), body.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise Refusal(422, "invalid_key", f"“key” is a text of 1 to {KEY_LENGTH_MAX} characters.")
    if mail is None and visitor.customer_id is not None:
        return None, key
    found = _mail(mail)
    if found is None:
        raise Refusal(422, "invalid_email", "“email” is an e-mail address.")
    return found, key


def _mail(text: object) -> Mail | None:
    try:
        return Mail.of(text) if isinstance(text, str) else None
    except NoAddress:
        return None


def _address(request: HttpRequest) -> str:
    """The visitor's, as Shopify's proxy names it. Headers aren't signed: who forges it escapes one guard."""
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return forwarded.partition(",")[0]


def _not_there(error: NoSuchLink) -> NoReturn:
    raise Refusal(404, "not_found", "There is nothing here.") from error
