"""What the merchant has yet to hand over: exclusive products and experiences that members paid for."""

from datetime import datetime

from django.db.models import QuerySet

from rewards import redemptions, tallies
from rewards.models import Redemption
from rewards.redemptions import State


class AlreadyDone(Exception):
    """Nothing is to be done here any more: somebody was quicker."""


def waiting(program_id: int) -> QuerySet[Redemption]:
    """What a member waits for, oldest first. What is shown a code for waits until somebody comes with it."""
    return _exclusive(program_id).filter(state=State.ISSUED).order_by("id")


def lately(program_id: int) -> QuerySet[Redemption]:
    """What was handed over, or came back, newest first."""
    done = (State.USED, State.CANCELLED)
    return _exclusive(program_id).filter(state__in=done).order_by("-changed_at")


def by_code(program_id: int, code: str) -> Redemption | None:
    """What a member shows a code for."""
    wanted = "".join(code.split()).upper()
    return _exclusive(program_id).filter(code=wanted).first()


def one(program_id: int, redemption_id: int) -> Redemption | None:
    """A task, whatever became of it."""
    return _exclusive(program_id).filter(pk=redemption_id).first()


def hand_over(task: Redemption, author: str, *, now: datetime | None = None) -> None:
    """The member has it. Raises AlreadyDone."""
    before = (State.ISSUED,)
    if not redemptions.delivered(task.program_id, task.pk, author=author, before=before, now=now):
        raise AlreadyDone("This was decided already, or the member has undone it.")


def refuse(task: Redemption, author: str, reason: str, *, now: datetime | None = None) -> None:
    """It can't be had: the points are back, and the member reads why. Raises AlreadyDone."""
    before = (State.ISSUED,)
    if not redemptions.given_back(task.program_id, task.pk, reason, author, before=before, now=now):
        raise AlreadyDone("This was decided already, or the member has undone it.")


def _exclusive(program_id: int) -> QuerySet[Redemption]:
    return Redemption.objects.filter(tallies.OWN, program_id=program_id, reward__kind="exclusive")
