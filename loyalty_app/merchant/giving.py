"""A reward for one member, given by hand: one of the program's, or another discount."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import forms
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, member_of, program_of, typed
from loyalty_app.merchant.forms import Reader, Unreadable
from rewards import gifts, kinds, programs
from rewards.gifts import Gift, NotGivable
from rewards.ledger import MemberMerged
from rewards.models import Program, Redemption
from rewards.rules import Saying
from shopify_bridge import issuing, jobs
from shopify_bridge.auth import Staff

PATIENCE_SECONDS = 3.0
TEXT_LENGTH_MAX = 200
OTHERS: dict[str, tuple[str, str]] = {
    "another-amount": ("fixed", "value"),
    "another-percentage": ("percentage", "percent"),
    "free-shipping-once": ("free_shipping", ""),
}
"""What can be given besides: its kind, and the setting that is typed."""
NOTHING: Mapping[str, Reader] = {}
_LABELS = ("Another amount off", "Another percentage off", "Free shipping once")


def choices(found: Program) -> list[tuple[str, str]]:
    """(what is sent, what it is called), the program's own rewards first."""
    own = [(f"reward:{one['id']}", one["title"]) for one in gifts.givable(programs.document(found))]
    return [*own, *zip(OTHERS, _LABELS, strict=True)]


@fetch
def give(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """Once for each key: a double click sends the same one twice."""
    member, found = member_of(staff, member_id), program_of(staff)
    given = typed(request)
    texts, errors = _texts(given)
    if not forms.is_key(given.get("key")):
        errors[""] = "The page is out of date. Reload it."
    try:
        reward = _reward(found, given)
    except Unprocessable as problem:
        raise Unprocessable({**problem.errors, **errors}) from problem
    if errors:
        raise Unprocessable(errors)
    gift = Gift(
        member.pk,
        reward,
        f"gift:{given['key']}",
        by=staff.user_id,
        why=texts["why"],
        note=texts["note"],
        source_id=staff.shop.pk,
    )
    try:
        redemption, created = gifts.give(found, gift)
    except NotGivable as problem:
        raise Unprocessable({"": str(problem)}) from problem
    except MemberMerged as problem:
        raise Unprocessable({"": "This customer was merged into another. Reload the page."}) from problem
    if created:
        redemption = issuing.work_on(redemption, within=PATIENCE_SECONDS)
    if redemption.state == Redemption.State.FAILED:
        message = f"Shopify didn't make the code: {redemption.reason} Reload the page to try again."
        raise Unprocessable({"": message})
    if redemption.state == Redemption.State.RESERVED:
        jobs.ring(jobs.redeem)
    return done(f"“{reward['title']}” given", f"/app/members/{member.pk}")


def _texts(given: Json) -> tuple[dict[str, str], dict[str, str]]:
    """What is said, and what is wrong with it."""
    said, errors = {}, {}
    for name in ("why", "note"):
        try:
            said[name] = forms.text(given.get(name, ""))
        except Unreadable as problem:
            errors[name] = str(problem)
            continue
        if len(said[name]) > TEXT_LENGTH_MAX:
            errors[name] = f"Use at most {TEXT_LENGTH_MAX} characters."
    if "why" not in errors and not said["why"]:
        errors["why"] = "Say why: the customer reads this."
    return said, errors


def _reward(found: Program, given: Json) -> Json:
    """The reward that was chosen, complete."""
    chosen, document = str(given.get("reward", "")), programs.document(found)
    if chosen in OTHERS:
        return one_off(found, *OTHERS[chosen], given.get("amount", ""))
    for reward in gifts.givable(document):
        if chosen == f"reward:{reward['id']}":
            return reward
    raise Unprocessable({"reward": "Choose a reward."})


def one_off(
    found: Program,
    kind: str,
    setting: str,
    amount: object,
    rest: Mapping[str, Reader] = NOTHING,
    **said: object,
) -> Json:
    """Another discount, complete, and judged as if it were one of the program's.

    `rest`: what else is typed, and how it is read; errors stand at these names, and at `amount`.
    """
    document = programs.document(found)
    others = document["rewards"]
    id = forms.free_id("gift", {other["id"] for other in others}, "gift")
    reward: Json = {"id": id, "kind": kind, "title": id, "points": 1}
    own = {setting: amount} if setting else {}
    readers: dict[str, Reader] = {**rest, **dict.fromkeys(own, forms.decimal)}
    reward, unreadable = forms.merged(reward, readers, {**said, **own})
    with_it = {**document, "rewards": [*others, reward]}
    try:
        complete = forms.checked(with_it, found.currency, readers, unreadable, f"rewards.{len(others)}.")
    except Unprocessable as problem:
        placed = {name if name in rest else "amount": why for name, why in problem.errors.items()}
        raise Unprocessable(placed) from problem
    reward = complete["rewards"][-1]
    gives = kinds.of(reward).gives(reward, Saying.of(document, found.currency, {}))
    return {**reward, "title": gives[:1].upper() + gives[1:]}
