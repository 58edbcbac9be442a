"""Rows that wait for Shopify: worked on one after the other when they are due, put off after each failure.

What is to be made has its code before Shopify hears of it, so a lost answer is a question: was it made? That
is asked first at each later try, and only after two looks far apart is it said that it never was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from django.db import connection
from django.db.models import Model

from rewards import clock, redemptions
from shopify_bridge.client import TryAgain
from shopify_bridge.issuers.base import Refused

Row = TypeVar("Row", bound=Model)
Outcome = TypeVar("Outcome")

LEASE = redemptions.WAITED_FOR
"""So long whoever works on a row has it alone; if it died, somebody else goes on then."""
LOOKS_APART = timedelta(minutes=15)
"""What isn't seen in two looks this far apart was never made."""
LONGEST_PAUSE = timedelta(minutes=15)
WHILE_AWAY = timedelta(hours=1)
AWAY = "The shop has uninstalled the app."
CODES_TRIED = 3
LOOKED_AT = 20


def leased(model: type[Row], longest_due: str) -> Iterator[Row]:
    """The rows that are due, in all programs, the longest first; one by one, as each takes its time.

    `longest_due`: the statement that finds (program, id) of some; nothing is locked by looking.
    """
    while row := _leased_one(model, longest_due):
        yield row


def _leased_one(model: type[Row], longest_due: str) -> Row | None:
    now = datetime.now(UTC)
    while due := _found(longest_due, now):
        for program_id, row_id in due:
            one = model._default_manager.filter(program_id=program_id, pk=row_id)
            # Whoever changes the row first has it; the others look at the next one.
            if one.filter(due_at__lte=now).update(due_at=now + LEASE):
                return one.get()
    return None


def _found(longest_due: str, now: datetime) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(longest_due, [now, LOOKED_AT])
        return list(cursor.fetchall())


def after_failure(attempts: int, after: float | None = None) -> datetime:
    """When to ask again. `after`: seconds, where Shopify has said so; otherwise pauses grow."""
    return datetime.now(UTC) + min(timedelta(seconds=after or 2 ** min(attempts + 1, 10)), LONGEST_PAUSE)


def while_away() -> datetime:
    """When to look again whether the shop is back."""
    return datetime.now(UTC) + WHILE_AWAY


class Store(Protocol):
    """Where rows are kept whose code can be chosen anew: `redemptions`, `claims`."""

    def put_off(self, row: Any, until: datetime, note: str = "", *, absent: bool = False) -> None: ...

    def choose_again(self, row: Any) -> object: ...


@dataclass(frozen=True, slots=True)
class Steps(Generic[Outcome]):
    """What can be done about one row, and what can come of it."""

    # Shopify's id of what an earlier try made, if it did.
    find: Callable[[], str | None]
    # Ask for it; its id, or None where something that isn't ours has the code. Raises Refused.
    create: Callable[[], str | None]
    made: Callable[[str], Outcome]
    never_made: Callable[[str], Outcome]
    refused: Callable[[str], Outcome]


def make(row: Any, store: Store, steps: Steps[Outcome], *, was_asked: bool) -> Outcome:
    """Make it, or find that it was made; what came of it. Raises TryAgain while nobody knows."""
    if was_asked:
        if found := steps.find():
            return steps.made(found)
        if row.absent_since is not None and clock.now() - row.absent_since >= LOOKS_APART:
            return steps.never_made("Shopify never made it.")
        # Should this process die now, it is soon looked for again, and not after a quarter of an hour.
        store.put_off(row, datetime.now(UTC) + LEASE, "looked for", absent=True)
        row.refresh_from_db()
    for _ in range(CODES_TRIED):
        try:
            made = steps.create()
        except Refused as refusal:
            return steps.refused(str(refusal))
        if made is not None:
            return steps.made(made)
        store.choose_again(row)
        row.refresh_from_db()
    raise TryAgain("Shopify has other discounts with our codes")
