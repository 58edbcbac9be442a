"""What Shopify Flow does with us: points for something that another app, or a workflow, knows of.

Flow tries again after an answer of 5xx and none at all; what it sends twice has one effect. An answer of 4xx
shows the merchant a failed step, so it is kept for what the merchant can mend.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from rewards import actions, people
from rewards.actions import LimitReached, NoSuchAction, NotForYou, NotNow
from rewards.models import Program
from shopify_bridge import jobs, payloads
from shopify_bridge.auth import FlowCall, json_error
from shopify_bridge.payloads import BadPayload

Json = dict[str, Any]
KEY_LENGTH_MAX = 255


def points(request: HttpRequest, call: FlowCall) -> HttpResponse:
    """`POST flow/points`: the action “Give points for an action”; its settings are in extensions/."""
    program = Program.objects.get(pk=call.shop.program_id)
    try:
        customer, name, key = _asked(call.payload)
        ref = (call.shop.pk, customer)
        member_id = people.enrol(program, {ref: people.now()}).get(ref)
        if member_id is None:
            return JsonResponse({"state": "none", "reason": "This account was erased from the program."})
        picture = call.payload["properties"].get("picture") in (True, "true")
        action, is_new = actions.told(program, member_id, name, key, picture=picture)
    except (BadPayload, NoSuchAction) as error:
        return json_error(422, "invalid", str(error))
    except (NotForYou, NotNow, LimitReached) as error:
        return JsonResponse({"state": "none", "reason": str(error)})
    if is_new:
        jobs.ring(jobs.publish)
    return JsonResponse({"state": action.state, "points": action.points})


def _asked(payload: Json) -> tuple[int, str, str]:
    """(customer, rule, key). Without a key of the merchant's each run of the workflow is an occasion."""
    settings = payload.get("properties")
    if not isinstance(settings, dict):
        raise BadPayload("properties are missing")
    key, run = settings.get("key"), payload.get("action_run_id")
    said = f"key {_text(key, 'key')}" if key else f"run {_text(run, 'action_run_id')}"
    return payloads.gid_number(settings.get("customer_id")), _text(settings.get("rule"), "rule"), said


def _text(given: object, name: str) -> str:
    text = payloads.printable(given).strip()
    if not 0 < len(text) <= KEY_LENGTH_MAX:
        raise BadPayload(f"{name} is a text of 1 to {KEY_LENGTH_MAX} characters")
    return text
