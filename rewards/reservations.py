"""Points set aside for a reward: the first step of a redemption, and the only one that somebody waits for.

All who want one member's points want one row of the database. In one process they don't queue for it:
requests that come while another is being committed share the next transaction, each decided in its turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from rewards import offers, programs, redemption_rows, redemptions
from rewards import redemption_changes as changes
from rewards.group_commit import Groups, NotCommitted
from rewards.ledger import Book, Overdrawn, opened
from rewards.models import Bucket, Program, Redemption

FIRST_TRY = timedelta(seconds=15)
"""The web process tries at once; after this the worker takes over."""
MOST_TOGETHER = 100
"""Requests in one transaction."""
REUSED = "This key was used for another redemption."


class NoSuchReward(LookupError):
    """The program has no such reward on offer."""


class KeyReused(ValueError):
    """The idempotency key belongs to another request."""


class TooMany(Exception):
    """The member redeems faster than the program's limit; try again in a minute."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a shopper asked for. `points` only for a variable reward, `key` made by the caller."""

    member_id: int
    source_id: int
    customer_id: int
    reward_id: str
    key: str
    points: int | None = None

    def is_for(self, known: Redemption) -> bool:
        return (known.reward["id"], known.reward["asked"]) == (self.reward_id, self.points)


@dataclass(slots=True)
class _Wish:
    """A request that could be granted when it was looked at, and what became of it."""

    program: Program
    request: Request
    reward: dict[str, Any]
    price: offers.Price
    now: datetime
    granted: Redemption | None = None
    created: bool = False
    problem: Exception | None = None


def reserve(program: Program, request: Request, *, now: datetime | None = None) -> tuple[Redemption, bool]:
    """Set the points aside and choose the code; the bool says whether this call did it.

    Not for use inside a transaction: others' requests may share the one that is made here.
    Raises NoSuchReward, BadChoice, Overdrawn, KeyReused, TooMany.
    """
    at, available, tier, known = _look(program.pk, request)
    if known:
        return known, False
    reward = programs.reward(programs.document(program), request.reward_id)
    if reward is None or reward["archived"]:
        raise NoSuchReward(f"There is no reward “{request.reward_id}”.")
    if not offers.is_for(reward, tier):
        raise NoSuchReward(f"“{reward['title']}” is for other tiers.")
    price = offers.price(reward, program.currency, request.points)
    if available is not None and price.points > available:
        raise Overdrawn(price.points, available)
    wish = _Wish(program, request, reward, price, now or at)
    try:
        _together.keep((program.pk, request.member_id), wish)
    except NotCommitted:
        _settle([wish])  # Who did it for several failed. Should it have been done after all, the key tells.
    if wish.problem:
        raise wish.problem
    assert wish.granted  # granted or refused, nothing else
    return wish.granted, wish.created


def _look(program_id: int, request: Request) -> tuple[datetime, int | None, str, Redemption | None]:
    """(the time, what was available at the last commit, the tier, the redemption with this key), unlocked.

    All out of one moment: who finds the points gone finds the redemption that took them. Nothing is known
    of the balance of a member who was merged into another.
    """
    member = [program_id, request.member_id]
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [*member, *member, *member, request.key])
        now, available, tier, known = cursor.fetchone()
    return now, available, tier or "", _repeated(program_id, request, known) if known else None


LOOK = """
    SELECT clock_timestamp(),
           (SELECT available FROM rewards_member
            WHERE program_id = %s AND id = %s AND merged_into_id IS NULL),
           (SELECT tier FROM rewards_membertier WHERE program_id = %s AND member_id = %s),
           (SELECT id FROM rewards_redemption WHERE program_id = %s AND member_id = %s AND key = %s)
"""


def _repeated(program_id: int, request: Request, redemption_id: int) -> Redemption:
    """The answer to the same request. Raises KeyReused for another one."""
    known = Redemption.objects.get(program_id=program_id, pk=redemption_id)
    if not request.is_for(known):
        raise KeyReused(REUSED)
    return known


def _settle(wishes: Sequence[_Wish]) -> None:
    """Decide about wishes for one member's points, in one transaction."""
    first = wishes[0]
    member_id = first.request.member_id
    with redemptions.turn(member_id), opened(first.program.pk, [member_id], now=first.now) as book:
        granted = list(_decided(book, wishes))
        redemption_rows.insert(book.program_id, [redemption for redemption, _ in granted])
        for redemption, now in granted:
            posting = changes.open_posting(book, redemption, "reserve", now)
            posting.take(redemption.points, Bucket.AVAILABLE, Bucket.RESERVED)


_together: Groups[tuple[int, int], _Wish] = Groups(_settle, most=MOST_TOGETHER)
"""By program and member."""


def _decided(book: Book, wishes: Sequence[_Wish]) -> Iterator[tuple[Redemption, datetime]]:
    """What is granted now, with its moment: one after the other, while the points last."""
    member_id = wishes[0].request.member_id
    left = book.accounts[member_id].available
    rows = Redemption.objects.filter(program_id=book.program_id, member_id=member_id)
    known = {row.key: row for row in rows.filter(key__in=[wish.request.key for wish in wishes])}
    most = programs.document(wishes[0].program)["redemptions_per_minute"]
    recent = rows.filter(created_at__gt=book.now - timedelta(minutes=1))[:most].count()
    for wish in wishes:
        request, price = wish.request, wish.price
        wish.granted, wish.created, wish.problem = known.get(request.key), False, None
        if wish.granted:
            wish.problem = None if request.is_for(wish.granted) else KeyReused(REUSED)
        elif price.points > left:
            wish.problem = Overdrawn(price.points, left)
        elif recent >= most:
            wish.problem = TooMany(f"At most {most} redemptions a minute.")
        else:
            wish.granted = known[request.key] = _redemption(wish)
            wish.created = True
            left, recent = left - price.points, recent + 1
            yield wish.granted, wish.now


def _redemption(wish: _Wish) -> Redemption:
    request, reward, now = wish.request, wish.reward, wish.now
    return Redemption(
        program=wish.program,
        member_id=request.member_id,
        source_id=request.source_id,
        customer_id=request.customer_id,
        key=request.key,
        reward={**reward, "version": wish.program.version, "asked": request.points},
        points=wish.price.points,
        value=wish.price.value,
        code=programs.document(wish.program)["code_prefix"] + redemptions.new_code(),
        starts_at=now,
        expires_at=now + timedelta(days=reward["valid_days"]) if reward["valid_days"] else None,
        due_at=now + FIRST_TRY,
    )
