"""What staff do with a code: end it, replace it, let it live longer. Each says who did it, and why.

Here it is written down; `redemptions` goes on as with every other change, once the shop has done its part.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rewards import clock, histories
from rewards.models import Redemption

State = Redemption.State
EndingWith = Redemption.EndingWith
CANCEL, REISSUE, EXTEND, TAKE_BACK = "cancel", "reissue", "extend", "take_back"


class NotNow(Exception):
    """It isn't in a state in which this can be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Who does it, and why, for the staff to read."""

    by: str
    note: str


@transaction.atomic
def end(
    program_id: int,
    redemption_id: int,
    ending_with: EndingWith,
    reason: Reason,
    *,
    now: datetime | None = None,
) -> Redemption:
    """issued -> ending, to become cancelled; then the points are back, stay spent, or pay for a new code.

    A use that is seen meanwhile counts, and then nothing of it happens. Raises NotNow.
    """
    now = now or clock.now()
    redemption = _issued(program_id, redemption_id)
    what = REISSUE if ending_with == EndingWith.NEW_CODE else CANCEL
    _note(redemption, what, now, reason, new=str(ending_with))
    redemption.state, redemption.ending_as, redemption.ending_with = (
        State.ENDING,
        State.CANCELLED,
        ending_with,
    )
    redemption.due_at = redemption.changed_at = now
    redemption.extends_to = None
    redemption.attempts = 0
    redemption.save()
    return redemption


@transaction.atomic
def extend(
    program_id: int, redemption_id: int, until: datetime, reason: Reason, *, now: datetime | None = None
) -> Redemption:
    """Ask for a later end of an issued code: it holds when the shop knows it. Raises NotNow."""
    now = now or clock.now()
    redemption = _issued(program_id, redemption_id)
    if redemption.expires_at is None:
        raise NotNow("This code has no end.")
    if until <= max(now, redemption.expires_at):
        raise NotNow("Choose a day after the one when the code ends now.")
    old, new = redemption.expires_at.isoformat(), until.isoformat()
    _note(redemption, EXTEND, now, reason, old=old, new=new)
    redemption.extends_to = until
    redemption.due_at = redemption.changed_at = now
    redemption.attempts = 0
    redemption.save()
    return redemption


def take_back(redemption: Redemption, note: str, now: datetime) -> None:
    """A gift for which the reason is gone: it ends as soon as it can, unless it was used meanwhile.

    Needs the member's lock, so that nothing becomes of it just now.
    """
    row = Redemption.objects.select_for_update().get(program_id=redemption.program_id, pk=redemption.pk)
    if row.state == State.ISSUED:
        row.state, row.ending_as, row.due_at = State.ENDING, State.CANCELLED, now
    elif row.state != State.RESERVED and not is_being_replaced(row):
        return
    row.ending_with = EndingWith.TAKEN
    row.attempts = 0
    histories.note(row, TAKE_BACK, now, note=note)
    row.save()


def is_being_replaced(redemption: Redemption) -> bool:
    """Whether it ends so that another code comes in its place, and none has come yet."""
    return redemption.state == State.ENDING and redemption.ending_with == EndingWith.NEW_CODE


def _issued(program_id: int, redemption_id: int) -> Redemption:
    redemption = Redemption.objects.select_for_update().get(program_id=program_id, pk=redemption_id)
    if redemption.state != State.ISSUED:
        state = redemption.get_state_display().lower()
        raise NotNow(f"This code is {state} by now. Only one that is ready to use can be changed.")
    return redemption


def _note(redemption: Redemption, what: str, now: datetime, reason: Reason, **said: str) -> None:
    histories.note(redemption, what, now, by=reason.by, note=reason.note, **said)
