"""What shoppers do about rewards that not everybody can have: wait in line, and check a draw."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from loyalty_app.storefront.views import Refusal, answering, joined, program_of, signed_in
from rewards import clock, draws, live, programs, tiers, waits
from rewards.ledger import MemberMerged
from rewards.models import Member, Program
from rewards.offers import Offer, Shopper, tags_of
from rewards.tier_rules import BLANK
from shopify_bridge.auth import Visitor

Json = dict[str, object]


@answering("POST")
def wait(request: HttpRequest, visitor: Visitor, reward_id: str) -> HttpResponse:
    """`POST rewards/{id}/waits`: tell me when there is one. The same again keeps the place."""
    program = program_of(visitor.shop)
    member_id = joined(visitor, program)
    offer = _in_line_for(program, reward_id)
    reward = offer.reward
    if not offer.is_for(_shopper(program, member_id)):
        raise Refusal(409, "not_for_you", f"“{reward['title']}” is for other members.")
    try:
        _, is_new = waits.join(program, member_id, reward)
    except waits.NoNeed as error:
        raise Refusal(409, "to_be_had", str(error)) from error
    except MemberMerged as error:
        raise Refusal(409, "try_again", "Your accounts were just joined. Please try again.") from error
    return JsonResponse(_seen_by(program, reward, member_id), status=201 if is_new else 200)


@answering("POST")
def leave(request: HttpRequest, visitor: Visitor, reward_id: str) -> HttpResponse:
    """`POST rewards/{id}/waits/leave`: wait no longer, whether or not one did."""
    program, member_id = signed_in(visitor)
    reward = _in_line_for(program, reward_id).reward
    if member_id is not None:
        waits.leave(program.pk, member_id, reward["id"])
    return JsonResponse({"reward": reward["id"]})


@answering("GET")
def draw(request: HttpRequest, visitor: Visitor, draw_id: str) -> HttpResponse:
    """`GET rewards/{id}/draw`: all that is needed to find the winners oneself; see docs/draws.md."""
    program = program_of(visitor.shop)
    turns = draws.drawings(program.pk, draw_id)
    if not turns or turns[0].called_off:
        raise Refusal(404, "not_found", "Nothing was drawn here.")
    return JsonResponse(
        {
            "reward": draw_id,
            "seed": turns[0].seed,
            "commitment": draws.commitment(turns[0].seed),
            "turns": [
                {
                    "at": turn.drawn_at.isoformat(),
                    "why": turn.reason or None,
                    "prizes": turn.prizes,
                    "entries": turn.entries,
                    "winning_entries": turn.winners,
                }
                for turn in turns
            ],
        }
    )


def _in_line_for(program: Program, reward_id: str) -> Offer:
    """A reward that there can be a line for."""
    offer = next((one for one in programs.offered(program) if one.reward["id"] == reward_id), None)
    if offer is None or offer.reward["kind"] != "exclusive" or offer.is_over(clock.now()):
        raise Refusal(404, "not_found", "There is no such reward to wait for.")
    return offer


def _shopper(program: Program, member_id: int) -> Shopper:
    """A member, as far as it matters whom a reward is for."""
    tags = Member.objects.values_list("tags", flat=True).get(program=program, pk=member_id)
    tier = tiers.states(program, [member_id]).get(member_id, BLANK).tier
    return Shopper(tier=tier, tags=tags_of(tags))


def _seen_by(program: Program, reward: programs.Json, member_id: int) -> Json:
    return {"reward": reward["id"], **live.of_member(program, [reward], member_id)[reward["id"]]}
