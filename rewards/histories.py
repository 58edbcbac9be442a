"""What happened to a redemption, kept in its row: each entry is written once and never changed.

`{"what": "extended", "at": "2026-11-20T12:00:00+00:00", "by": "4711", "why": "...", "note": "...",
"old": "...", "new": "..."}`; what is empty is left out. `why` is for the shopper, `note` for the staff.
Of a redemption that is older than this there is what its movements tell.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rewards.models import Redemption

Json = dict[str, Any]
ABOUT_PEOPLE = ("why", "note")


def entry(what: str, at: datetime, **said: Any) -> Json:
    """One thing that happened."""
    return {"what": what, "at": at.isoformat(), **{name: value for name, value in said.items() if value}}


def note(redemption: Redemption, what: str, at: datetime, **said: Any) -> None:
    """Put something at the end; the caller saves the row, which it has locked."""
    redemption.history = [*redemption.history, entry(what, at, **said)]


def forget(program_id: int, member_id: int) -> None:
    """What was written of a person isn't told any more; what happened, and who did it, is."""
    rows: Iterable[Redemption] = Redemption.objects.select_for_update().filter(
        program_id=program_id, member_id=member_id
    )
    for redemption in rows:
        said = [_without_people(one) for one in redemption.history]
        if said != redemption.history:
            redemption.history = said
            redemption.save(update_fields=["history"])


def _without_people(one: Json) -> Json:
    return {name: value for name, value in one.items() if name not in ABOUT_PEOPLE}
