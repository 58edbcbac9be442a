"""The pages of the rewards: the list, and one form for each kind."""

from copy import deepcopy
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from loyalty_app.merchant import fields, forms, words
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import REWARD_FIELDS
from rewards import documents, programs
from rewards.models import Program
from rewards.money import exponent, major
from shopify_bridge.auth import Staff


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    document = programs.document(found)
    shown_rewards = [_shown(reward, document, found.currency) for reward in document["rewards"]]
    context = {
        "offered": [item for item in shown_rewards if not item["reward"]["archived"]],
        "archived": [item for item in shown_rewards if item["reward"]["archived"]],
        "kinds": _kinds(),
    }
    return shown(request, staff, "merchant/rewards.html", context)


@page
def new(request: HttpRequest, staff: Staff, kind: str) -> HttpResponse:
    if kind not in REWARD_FIELDS:
        raise Http404
    found = program_of(staff)
    return _form(request, staff, found, _draft(kind, found.currency), is_new=True)


@page
def one(request: HttpRequest, staff: Staff, reward_id: str) -> HttpResponse:
    found = program_of(staff)
    return _form(request, staff, found, _reward(found, reward_id), is_new=False)


@fetch
def create(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    kind = given.pop("kind", "")
    if kind not in REWARD_FIELDS:
        raise Unprocessable({"": "There is no such kind of reward."})
    version = forms.version_in(given)
    document = deepcopy(programs.document(found))
    reward, unreadable = forms.merged(_draft(kind, found.currency), REWARD_FIELDS[kind], given)
    taken = {other["id"] for other in document["rewards"]}
    reward["id"] = forms.free_id(reward["title"], taken, "reward")
    document["rewards"].append(reward)
    _save(found, document, staff, version, len(document["rewards"]) - 1, unreadable)
    return done("Reward added", "/app/rewards")


@fetch
def save(request: HttpRequest, staff: Staff, reward_id: str) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    reward = _reward(found, reward_id)
    changed, unreadable = forms.merged(reward, REWARD_FIELDS[reward["kind"]], given)
    document, index = _with(found, changed)
    _save(found, document, staff, version, index, unreadable)
    return done("Reward saved", "/app/rewards")


def typed_document(request: HttpRequest, staff: Staff, reward_id: str) -> tuple[Program, Json]:
    """The program with a reward as it is typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    reward = _reward(found, reward_id)
    readers = REWARD_FIELDS[reward["kind"]]
    changed, unreadable = forms.merged(reward, readers, given)
    document, index = _with(found, changed)
    return found, forms.checked(document, found.currency, readers, unreadable, f"rewards.{index}.")


@fetch
def archive(request: HttpRequest, staff: Staff, reward_id: str) -> HttpResponse:
    """Take a reward off the offer, or put it back. Codes that shoppers have stay good."""
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    if not isinstance(given.get("archived"), bool):
        raise Unprocessable({"": "Say whether to archive it."})
    reward = {**_reward(found, reward_id), "archived": given["archived"]}
    document, index = _with(found, reward)
    _save(found, document, staff, version, index, {})
    return done("Reward archived" if given["archived"] else "Reward is on offer again", "/app/rewards")


@fetch
def cost(request: HttpRequest, staff: Staff, kind: str) -> HttpResponse:
    """What a reward as it is typed right now would cost the shop."""
    if kind not in REWARD_FIELDS:
        raise Http404
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    given.pop("kind", None)
    reward, unreadable = forms.merged(_draft(kind, found.currency), REWARD_FIELDS[kind], given)
    document = {**programs.document(found), "rewards": [{**reward, "id": "draft", "title": "draft"}]}
    complete = forms.checked(document, found.currency, REWARD_FIELDS[kind], unreadable, "rewards.0.")
    said = words.cost(complete["rewards"][0], complete, found.currency)
    return JsonResponse({"ok": True, "price": said.price, "meaning": said.meaning})


def _form(request: HttpRequest, staff: Staff, found: Program, reward: Json, *, is_new: bool) -> HttpResponse:
    label, explained = words.KINDS[reward["kind"]]
    context = {
        "reward": reward,
        "is_new": is_new,
        "preview": "" if is_new else f"/app/rewards/{reward['id']}/preview",
        "kind_label": label,
        "kind_explained": explained,
        "cost": words.cost(reward, programs.document(found), found.currency),
        "combines": reward.get("combines_with", {}),
        "tiers": _tiers_field(found, reward),
    }
    return shown(request, staff, "merchant/reward.html", context)


def _tiers_field(found: Program, reward: Json) -> fields.Field:
    around = fields.Around.of(programs.document(found), found.currency, found.timezone)
    part = documents.schema()["$defs"]["reward"]
    (field,) = fields.only(fields.group(part, reward, around), ("tiers",)).fields
    return field


def _shown(reward: Json, document: Json, currency: str) -> Json:
    return {
        "reward": reward,
        "kind": words.KINDS[reward["kind"]][0],
        "icon": words.ICONS[reward["kind"]],
        "cost": words.cost(reward, document, currency),
    }


def _kinds() -> list[dict[str, Any]]:
    return [
        {"kind": kind, "label": label, "explained": explained, "icon": words.ICONS[kind]}
        for kind, (label, explained) in words.KINDS.items()
    ]


def _draft(kind: str, currency: str) -> Json:
    """What the empty form says: something sensible of this kind."""
    unit = 10 ** (exponent(currency) or 2)
    money = {
        name: major(unit * number, currency) for name, number in {"one": 1, "five": 5, "fifty": 50}.items()
    }
    own: dict[str, Json] = {
        "fixed": {"title": f"{money['five']} off", "points": 100, "value": money["five"]},
        "percentage": {"title": "10% off", "points": 200, "percent": "10"},
        "free_shipping": {"title": "Free shipping", "points": 150},
        "variable": {
            "title": "Choose your discount",
            "points": 20,
            "per": money["one"],
            "min": money["one"],
            "max": money["fifty"],
            "step": money["one"],
        },
    }
    rest = {
        "minimum_subtotal": None,
        "valid_days": 365,
        "combines_with": {"order": False, "product": False, "shipping": True},
    }
    return {"kind": kind, "archived": False, **own[kind], **rest}


def _reward(found: Program, reward_id: str) -> Json:
    reward = programs.reward(programs.document(found), reward_id)
    if reward is None:
        raise Http404
    return reward


def _with(found: Program, reward: Json) -> tuple[Json, int]:
    """The document with this reward in the place of the one with its id, and that place."""
    document = deepcopy(programs.document(found))
    index = next(i for i, other in enumerate(document["rewards"]) if other["id"] == reward["id"])
    document["rewards"][index] = reward
    return document, index


def _save(
    found: Program, document: Json, staff: Staff, version: int, index: int, unreadable: dict[str, str]
) -> None:
    fields = REWARD_FIELDS[document["rewards"][index]["kind"]]
    forms.save(found, document, staff.user_id, version, fields, unreadable, f"rewards.{index}.")
