"""What shoppers earn points with beside ordering: what is open to them, and what they say they did.

Their own word is enough for some things only. What the shop system knows better, or the merchant has to
judge, is said elsewhere: deliveries, Flow, the panel.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.storefront.views import Refusal, answering, body_of, joined, program_of
from rewards import actions, birthdays, challenges, clock, gift_reviews
from rewards.actions import ONCE, LimitReached, NoSuchAction, NotForYou, NotNow, Way, occasion_of
from rewards.challenges import Standing
from rewards.gift_reviews import Milestone
from rewards.ledger import MemberMerged
from rewards.models import Member, Program
from rewards.money import major
from rewards.overview import visit
from rewards.rules import Action as Rule
from rewards.rules.actions import Birthday, Content, Review, Social, Survey
from shopify_bridge import jobs
from shopify_bridge.auth import Visitor

Json = dict[str, Any]
ANSWER_LENGTH_MAX = 500
TEXT_LENGTH_MAX = 2000
LINK = re.compile(r"https://[^\s<>\"]{1,490}")


@answering("GET")
def ways(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """`GET ways`: what this shopper can earn points and rewards with, how far they are, and their badges."""
    program, member_id, now = program_of(visitor.shop), None, clock.now()
    if visitor.customer_id is not None:
        _, member_id = visit(program.pk, visitor.shop.pk, visitor.customer_id)
    member = Member.objects.filter(program=program, pk=member_id).first() if member_id else None
    badges = challenges.badges(program.pk, member.pk) if member else []
    return JsonResponse(
        {
            "ways": [_shown(way, program, member) for way in actions.open_to(program, member_id, now)],
            "challenges": [_challenge(found) for found in challenges.standings(program, member_id, now)],
            "milestones": [
                _milestone(found, program.currency)
                for found in gift_reviews.standings(program, member_id, now)
            ],
            "badges": [
                {"challenge": row.challenge, "badge": row.badge, "at": row.achieved_at.isoformat()}
                for row in badges
            ],
        }
    )


@answering("POST")
def act(request: HttpRequest, visitor: Visitor, name: str) -> HttpResponse:
    """`POST actions/{rule, or its kind}`: something was done. The same again gets the first answer."""
    program = program_of(visitor.shop)
    try:
        rule = actions.named(program, name, clock.now())
    except NoSuchAction as error:
        raise Refusal(404, "not_found", str(error)) from error
    said = _SAID.get(type(rule))
    if said is None:
        raise Refusal(403, "not_by_shopper", "The shop tells us when this was done.")
    body = body_of(request) if request.body else {}
    member_id = joined(visitor, program)
    try:
        return said(program, member_id, rule, body)
    except (NotForYou, NotNow, LimitReached) as error:
        raise Refusal(409, _CODES[type(error)], str(error)) from error
    except MemberMerged as error:
        raise Refusal(409, "try_again", "Your accounts were just joined. Please try again.") from error


def _visited(program: Program, member_id: int, rule: Social, body: Json) -> HttpResponse:
    _only(body)
    return _earned(program, member_id, rule, ONCE, {}, url=rule.url)


def _answered(program: Program, member_id: int, rule: Survey, body: Json) -> HttpResponse:
    _only(body, "answer")
    answer = _text(body, "answer", ANSWER_LENGTH_MAX)
    if rule.answers and answer not in rule.answers:
        raise Refusal(422, "invalid_answer", "“answer” is one of the answers to choose from.")
    return _earned(program, member_id, rule, ONCE, {"answer": answer})


def _contributed(program: Program, member_id: int, rule: Content, body: Json) -> HttpResponse:
    _only(body, "text", "link")
    said = {"text": _text(body, "text", TEXT_LENGTH_MAX)}
    if body.get("link"):
        said["link"] = _link(body["link"])
    # The same again is the same contribution: a double click hands in one.
    return _earned(program, member_id, rule, occasion_of("\n".join(said.values())), said)


def _born(program: Program, member_id: int, rule: Birthday, body: Json) -> HttpResponse:
    _only(body, "day", "month")
    try:
        told = birthdays.tell(program, member_id, day=_whole(body, "day"), month=_whole(body, "month"))
    except birthdays.NoSuchDay as error:
        raise Refusal(422, "invalid_birthday", str(error)) from error
    return JsonResponse({"rule": rule.id, "kind": rule.kind, "points": rule.points, "birthday": told})


_SAID: dict[type[Rule], Callable[..., HttpResponse]] = {
    Social: _visited,
    Survey: _answered,
    Content: _contributed,
    Birthday: _born,
}
"""What a shopper's own word is enough for."""
_CODES = {NotForYou: "not_for_you", NotNow: "not_now", LimitReached: "limit_reached"}


def _earned(
    program: Program, member_id: int, rule: Rule, occasion: str, said: Json, **more: str
) -> HttpResponse:
    action, is_new = actions.earn(program, member_id, rule.id, occasion, data=said)
    if is_new:
        jobs.ring(jobs.publish)
    answer = {"rule": rule.id, "kind": rule.kind, "state": action.state, "points": action.points, **more}
    return JsonResponse(answer, status=201 if is_new else 200)


def _shown(way: Way, program: Program, member: Member | None) -> Json:
    rule = way.rule
    shown: Json = {
        "rule": rule.id,
        "kind": rule.kind,
        "title": rule.title,
        "points": rule.points,
        "state": "open" if way.left != 0 else "limit" if rule.yearly else "done",
        "by_shopper": type(rule) in _SAID,
        "waiting": way.waiting,
        "left": way.left,
        "refused": way.refused,
        "ends": _last_day(rule, program),
    }
    match rule:
        case Social():
            shown["url"] = rule.url
        case Survey():
            shown |= {"question": rule.question, "answers": rule.answers}
        case Content():
            shown["ask"] = rule.ask
        case Review():
            shown["with_picture"] = rule.with_picture
        case Birthday():
            shown["birthday"] = member and birthdays.of(member)
    return shown


def _challenge(found: Standing) -> Json:
    challenge = found.challenge
    return {
        "challenge": challenge.id,
        "kind": challenge.kind,
        "title": challenge.title,
        "points": challenge.points,
        "badge": challenge.badge,
        "done": found.done,
        "count": challenge.count,
        "until": found.until and found.until.isoformat(),
        "turns": found.turns,
        "state": "achieved" if found.is_over else "open",
    }


def _milestone(found: Milestone, currency: str) -> Json:
    rule = found.rule
    return {
        "milestone": rule.id,
        "title": rule.title,
        "amount": major(rule.amount, currency),
        "spent": major(found.spent, currency),
        "missing": major(found.missing, currency),
        "until": found.until and found.until.isoformat(),
        "reward": rule.reward["title"],
    }


def _last_day(rule: Rule, program: Program) -> str | None:
    """The last local day it can be had."""
    last = rule.period.last_day(ZoneInfo(program.timezone))
    return last.isoformat() if last else None


def _only(body: Json, *names: str) -> None:
    if unknown := sorted(body.keys() - set(names)):
        raise Refusal(422, "unknown_field", f"“{unknown[0]}” is no field of this.")


def _text(body: Json, name: str, most: int) -> str:
    given = body.get(name)
    if not isinstance(given, str):
        _bad_text(name, most)
    # A lone surrogate and NUL can't be stored.
    text = given.encode(errors="ignore").decode().replace("\0", "").strip()
    if not 0 < len(text) <= most:
        _bad_text(name, most)
    return text


def _bad_text(name: str, most: int) -> NoReturn:
    raise Refusal(422, f"invalid_{name}", f"“{name}” is a text of 1 to {most} characters.")


def _link(given: object) -> str:
    if not isinstance(given, str) or not LINK.fullmatch(given) or not given.isprintable():
        raise Refusal(422, "invalid_link", "“link” is an address that begins with https://.")
    return given


def _whole(body: Json, name: str) -> int:
    given = body.get(name)
    if isinstance(given, bool) or not isinstance(given, int):
        raise Refusal(422, "invalid_birthday", f"“{name}” is a whole number.")
    return given
