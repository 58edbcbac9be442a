"""Points become a reward: a small state machine that never loses a point between two systems.

    reserved -> issued -> used -> returned
    reserved | issued -> used                 what needs no order to be used, such as store credit
    reserved | issued | used -> cancelled     of that, what the merchant can't give after all
    reserved -> failed
    issued -> ending -> expired | cancelled
    expired | cancelled | failed -> used      when a use, or what was thought never made, is seen late

The code is chosen and stored with the reservation; whoever makes it in the shop calls back here.
Each change of state is conditional on the state before it, in one transaction with its movements. It gives
the redemption as it is afterwards, or None where its state doesn't allow it. Changes of one member's
redemptions that come while others are being committed share the next one.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.db import connection

from rewards import clock, histories, kinds, programs, redemption_rows
from rewards import redemption_changes as changes
from rewards.facts import OrderFact
from rewards.group_commit import Groups
from rewards.ledger import Book, MemberMerged, again_if_overtaken, opened
from rewards.models import Program, Redemption
from rewards.redemption_rows import Locked

Json = dict[str, Any]
State = Redemption.State
EndingWith = Redemption.EndingWith

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 characters that nobody confuses; 12 of them are 60 bits."""
CODE_LENGTH = 12
"""Of what is chosen by chance. Whatever has no prefix may be longer, but nothing is shorter."""
ENDING = re.compile(rf"[{ALPHABET}]{{{CODE_LENGTH}}}\Z")
WAITED_FOR = timedelta(seconds=15)
"""As long as whoever works on a redemption has it alone, so that a shopper's look ends nobody's turn."""
MOST_TOGETHER = 100
"""Changes in one transaction."""
TURNS = [Lock() for _ in range(64)]
"""Of members: in one process they wait here for each other, and not where a long wait is cut off."""


def issued(
    program_id: int, redemption_id: int, external_ref: str, *, now: datetime | None = None
) -> Redemption | None:
    """The code exists in the shop: reserved -> issued."""
    return _change(program_id, redemption_id, changes.Issue(external_ref), now)


def delivered(
    program_id: int,
    redemption_id: int,
    external_ref: str = "",
    *,
    author: str = "",
    before: tuple[State, ...] = changes.Deliver.before,
    now: datetime | None = None,
) -> Redemption | None:
    """The shopper has it for good, without an order: one of these states -> used.

    `author`: who of the merchant's people handed it over.
    """
    return _change(program_id, redemption_id, changes.Deliver(external_ref, author, before), now)


def given_back(
    program_id: int,
    redemption_id: int,
    reason: str,
    author: str = "",
    *,
    before: tuple[State, ...],
    now: datetime | None = None,
) -> Redemption | None:
    """It can't be had, for a reason that the shopper reads: one of these states -> cancelled."""
    return _change(program_id, redemption_id, changes.GiveBack(reason, author, before), now)


def used(program_id: int, redemption_id: int, *, now: datetime | None = None) -> Redemption | None:
    """It was used, and nobody tells in which order: whatever we thought before, its points are spent."""
    return _change(program_id, redemption_id, changes.Use(None), now)


def failed(
    program_id: int, redemption_id: int, reason: str, *, now: datetime | None = None
) -> Redemption | None:
    """The code will not exist: reserved -> failed, the points are free again."""
    return _change(program_id, redemption_id, changes.Fail(reason), now)


def start_ending(
    program_id: int, redemption_id: int, ending_as: State, *, now: datetime | None = None
) -> bool:
    """issued -> ending: from here on the shop is asked to disable the code, and whether it was used."""
    now = now or clock.now()
    return bool(
        Redemption.objects.filter(program_id=program_id, pk=redemption_id, state=State.ISSUED).update(
            state=State.ENDING, ending_as=ending_as, due_at=now, changed_at=now, attempts=0
        )
    )


def ended(program_id: int, redemption_id: int, *, now: datetime | None = None) -> Redemption | None:
    """The code is disabled and no order carries it: ending -> expired or cancelled, points return."""
    return _change(program_id, redemption_id, changes.End(), now)


def extended(program_id: int, redemption_id: int, *, now: datetime | None = None) -> Redemption | None:
    """The shop knows of the later end that staff gave an issued code."""
    return _change(program_id, redemption_id, changes.Extend(), now)


def not_extended(
    program_id: int, redemption_id: int, reason: str, *, now: datetime | None = None
) -> Redemption | None:
    """The shop refused the later end, so the code keeps the one it has."""
    return _change(program_id, redemption_id, changes.StayAsItWas(reason), now)


def turn(member_id: int) -> Lock:
    """Held by whoever is about to lock the member's row."""
    return TURNS[member_id % len(TURNS)]


def put_off(redemption: Redemption, until: datetime, reason: str = "", *, absent: bool = False) -> None:
    """Look at it again later; `absent`: the shop had no such code when it was asked."""
    now = clock.now()
    Redemption.objects.filter(
        pk=redemption.pk, program_id=redemption.program_id, state=redemption.state
    ).update(
        due_at=until,
        reason=reason[:1000],
        attempts=redemption.attempts + 1,
        absent_since=(redemption.absent_since or now) if absent else None,
    )


def hurry(redemption: Redemption) -> None:
    """Somebody waits for it: look again soon, however long a pause earlier failures have earned it.

    Not so soon that whoever works on it right now gets company.
    """
    soon = clock.now() + WAITED_FOR
    Redemption.objects.filter(
        program_id=redemption.program_id, pk=redemption.pk, state=redemption.state, due_at__gt=soon
    ).update(due_at=soon)


def choose_again(redemption: Redemption) -> bool:
    """Another code, since this one belongs to somebody else; only while nothing was made."""
    return bool(
        Redemption.objects.filter(
            pk=redemption.pk,
            program_id=redemption.program_id,
            state=State.RESERVED,
            code=redemption.code,
        ).update(code=code_for(redemption.program, redemption.reward), absent_since=None)
    )


def at_rest(redemption: Redemption) -> None:
    """Nothing more to look at for this state."""
    Redemption.objects.filter(
        pk=redemption.pk, program_id=redemption.program_id, state=redemption.state
    ).update(due_at=None)


def code_for(program: Program, reward: Json) -> str:
    """A code that nobody has yet: with the program's prefix, unless the reward is of a kind that has none."""
    if length := kinds.of(reward).code_length:
        return new_code(length)
    prefix: str = programs.document(program)["code_prefix"]
    return prefix + new_code()


def new_code(length: int = CODE_LENGTH) -> str:
    """So many characters of the alphabet, from the system's cryptographic source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def like_ours(codes: Iterable[str]) -> set[str]:
    """Those of these codes, in capitals, that end as all of ours do: no other need be looked for."""
    return {code for code in map(str.upper, codes) if ENDING.search(code)}


def carried_by(program_id: int, orders: Iterable[OrderFact]) -> dict[int, int]:
    """The redemptions whose codes these orders carry, each with its member."""
    codes = like_ours(code for order in orders for code in order.codes)
    if not codes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, member_id FROM rewards_redemption WHERE program_id = %s AND code = ANY(%s)",
            [program_id, sorted(codes)],
        )
        return dict(cursor.fetchall())


def note_orders(book: Book, carried: Collection[int], pairs: Sequence[tuple[int, OrderFact]]) -> None:
    """(id, state): orders that carry codes of ours use them, and give them back when they are undone.

    `carried`: the redemptions, found before their members were locked.
    """
    if not carried:
        return
    rows = redemption_rows.locked(book.program_id, carried)
    by_code = {row.redemption.code: row for row in rows.values()}
    for order_id, fact in pairs:
        for code in fact.codes:
            row = by_code.get(code.upper())
            if row is not None:
                _note_order(book, row, order_id, fact)
    redemption_rows.update(book.program_id, rows.values())


def _note_order(book: Book, row: Locked, order_id: int, fact: OrderFact) -> None:
    redemption = row.redemption
    if redemption.member_id not in book.accounts:
        raise MemberMerged({})
    if redemption.state not in (State.USED, State.RETURNED):
        changes.apply(book, row, changes.Use(order_id), fact.updated_at)
    undone = fact.cancelled or fact.wholly_refunded
    if undone and redemption.state == State.USED and redemption.order_id == order_id:
        changes.apply(book, row, changes.Return(), fact.updated_at)


@dataclass(slots=True)
class _Step:
    """A change that somebody wants, and the redemption after it, where its state allowed it."""

    program_id: int
    member_id: int
    redemption_id: int
    change: changes.Change
    now: datetime
    changed: Redemption | None = None


@again_if_overtaken
def _change(
    program_id: int, redemption_id: int, change: changes.Change, now: datetime | None
) -> Redemption | None:
    at, member_id = _look(program_id, redemption_id)
    step = _Step(program_id, member_id, redemption_id, change, now or at)
    _together.keep((program_id, member_id), step)
    return step.changed


def _look(program_id: int, redemption_id: int) -> tuple[datetime, int]:
    """(the time, whose it is), unlocked."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [program_id, redemption_id])
        found: tuple[datetime, int] | None = cursor.fetchone()
    if found is None:
        raise Redemption.DoesNotExist(redemption_id)
    return found


LOOK = "SELECT clock_timestamp(), member_id FROM rewards_redemption WHERE program_id = %s AND id = %s"


def _settle(steps: Sequence[_Step]) -> None:
    """Change one member's redemptions, in one transaction. What was changed before, the state tells."""
    first, ids = steps[0], [step.redemption_id for step in steps]
    with (
        turn(first.member_id),
        opened(first.program_id, [first.member_id], now=first.now, redemption_ids=ids) as book,
    ):
        rows = redemption_rows.locked(book.program_id, ids)
        for step in steps:
            step.changed = _changed(book, rows[step.redemption_id], step)
        redemption_rows.update(book.program_id, rows.values())


_together: Groups[tuple[int, int], _Step] = Groups(_settle, most=MOST_TOGETHER)
"""By program and member."""


def _changed(book: Book, row: Locked, step: _Step) -> Redemption | None:
    redemption, change = row.redemption, step.change
    if redemption.state not in change.before:
        return None
    if change.name == changes.End.name and redemption.ending_with == EndingWith.NEW_CODE:
        change = changes.Replace(_successor(redemption, step.now))
    changes.apply(book, row, change, step.now)
    return redemption


def successor_key(redemption_id: int) -> str:
    """Of whatever comes in place of a redemption."""
    return f"replaces:{redemption_id}"


def _successor(old: Redemption, now: datetime) -> Redemption:
    """The same reward again, with another code. It lives as long as a new one, or to the end it was given."""
    days = kinds.of(old.reward).days(old.reward)
    usual_end = old.starts_at + timedelta(days=days) if days else None
    fresh_end = now + timedelta(days=days) if days else None
    new = Redemption(
        program_id=old.program_id,
        member_id=old.member_id,
        source_id=old.source_id,
        customer_id=old.customer_id,
        key=successor_key(old.pk),
        reward=old.reward,
        points=old.points,
        value=old.value,
        rule=old.rule,
        history=[histories.entry("replaces", now, old=old.pk)],
        code=code_for(old.program, old.reward),
        starts_at=now,
        # Staff, or the period of a tier's perk, may have set an end of its own.
        expires_at=fresh_end if old.expires_at == usual_end else old.expires_at,
        due_at=now,
    )
    redemption_rows.insert(old.program_id, [new])
    return new
