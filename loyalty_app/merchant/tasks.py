"""Exclusive rewards that members paid for: the merchant hands them over, or says why not."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import customers, forms
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.reasons import REASON_LENGTH_MAX, reason_in
from rewards import tasks, waits
from rewards.models import Member, Redemption
from shopify_bridge import jobs
from shopify_bridge.auth import Staff

PATH = "/app/tasks"
SHOWN = 50
DECIDED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    task: Redemption
    name: str

    @property
    def is_waiting(self) -> bool:
        return self.task.state == Redemption.State.ISSUED

    @property
    def has_code(self) -> bool:
        """Whether the member comes with a code, rather than waiting for something."""
        return bool(self.task.reward["fulfilment"] == "code")

    @property
    def state(self) -> str:
        return "Handed over" if self.task.state == Redemption.State.USED else self.task.get_state_display()

    @property
    def last(self) -> Json:
        """What happened to it last: by whom, and why."""
        return self.task.history[-1] if self.task.history else {}

    @property
    def tone(self) -> str:
        return "success" if self.task.state == Redemption.State.USED else "neutral"


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    """What waits; with `?code=` what a member shows it for."""
    program = program_of(staff)
    waiting = tasks.waiting(program.pk)
    code = forms.text(request.GET.get("code", ""))
    found = tasks.by_code(program.pk, code) if code else None
    context = {
        "code": code,
        "found": _rows(staff, [found])[0] if found else None,
        "waiting": _rows(staff, waiting[:SHOWN]),
        "waiting_count": waiting.count(),
        "decided": _rows(staff, tasks.lately(program.pk)[:DECIDED_SHOWN]),
        "reason_most": REASON_LENGTH_MAX,
    }
    return shown(request, staff, "merchant/tasks.html", context)


@fetch
def hand_over(request: HttpRequest, staff: Staff, task_id: int) -> HttpResponse:
    task = _one(staff, task_id)
    try:
        tasks.hand_over(task, staff.user_id)
    except tasks.AlreadyDone as problem:
        raise Unprocessable({"": str(problem)}) from problem
    return done("Handed over", PATH)


@fetch
def refuse(request: HttpRequest, staff: Staff, task_id: int) -> HttpResponse:
    task = _one(staff, task_id)
    reason = reason_in(typed(request))
    try:
        tasks.refuse(task, staff.user_id, reason)
    except tasks.AlreadyDone as problem:
        raise Unprocessable({"": str(problem)}) from problem
    waits.tell(task.program_id, task.reward["id"])
    jobs.ring(jobs.publish)
    return done("Given back", PATH)


def _one(staff: Staff, task_id: int) -> Redemption:
    found = tasks.one(staff.shop.program_id, task_id)
    if found is None:
        raise Http404
    return found


def _rows(staff: Staff, found: QuerySet[Redemption] | list[Redemption]) -> list[Row]:
    rows = list(found)
    ids = {row.member_id for row in rows}
    members = Member.objects.filter(program_id=staff.shop.program_id, pk__in=ids)
    names = customers.names_of(staff.shop, members)
    return [Row(row, names[row.member_id]) for row in rows]
