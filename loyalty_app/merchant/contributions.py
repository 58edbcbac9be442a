"""What shoppers handed in for points: the merchant approves of it, or says why not."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import customers, words
from loyalty_app.merchant.answers import Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.reasons import REASON_LENGTH_MAX, reason_in
from rewards import actions, programs
from rewards.actions import AlreadyDecided
from rewards.ledger import MemberMerged
from rewards.models import Action, Member, Program
from shopify_bridge import jobs
from shopify_bridge.auth import Staff

PATH = "/app/contributions"
SHOWN = 50
DECIDED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    action: Action
    name: str
    title: str

    @property
    def tone(self) -> str:
        return "success" if self.action.state == Action.State.GIVEN else "neutral"


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    program = program_of(staff)
    waits = actions.waiting(program.pk)
    decided = Action.objects.filter(program_id=program.pk, data__has_key="text").exclude(decided_at=None)
    context = {
        "waiting": _rows(staff, program, waits[:SHOWN]),
        "waiting_count": waits.count(),
        "decided": _rows(staff, program, decided.order_by("-decided_at")[:DECIDED_SHOWN]),
        "reason_most": REASON_LENGTH_MAX,
    }
    return shown(request, staff, "merchant/contributions.html", context)


@fetch
def approve(request: HttpRequest, staff: Staff, action_id: int) -> HttpResponse:
    program = _program_with(staff, action_id)
    try:
        action = actions.approve(program, action_id, staff.user_id)
    except (AlreadyDecided, MemberMerged) as problem:
        raise _too_late(problem) from problem
    jobs.ring(jobs.publish)
    return done(f"{words.counted(action.points, programs.document(program)['points'])} given", PATH)


@fetch
def refuse(request: HttpRequest, staff: Staff, action_id: int) -> HttpResponse:
    program = _program_with(staff, action_id)
    reason = reason_in(typed(request))
    try:
        actions.refuse(program, action_id, staff.user_id, reason)
    except (AlreadyDecided, MemberMerged) as problem:
        raise _too_late(problem) from problem
    return done("Refused", PATH)


def _program_with(staff: Staff, action_id: int) -> Program:
    program = program_of(staff)
    if not Action.objects.filter(program_id=program.pk, pk=action_id).exists():
        raise Http404
    return program


def _too_late(problem: Exception) -> Unprocessable:
    message = str(problem) if isinstance(problem, AlreadyDecided) else "Please try again."
    return Unprocessable({"": message})


def _rows(staff: Staff, program: Program, found: QuerySet[Action]) -> list[Row]:
    rows = list(found)
    members = Member.objects.filter(program_id=program.pk, pk__in={row.member_id for row in rows})
    names = customers.names_of(staff.shop, members)
    return [Row(row, names[row.member_id], actions.rule_of(program, row).title) for row in rows]
