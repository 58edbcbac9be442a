"""Points set aside for a reward: the first step of a redemption, and the only one that somebody waits for.

All who want one member's points want one row of the database. In one process they don't queue for it:
requests that come while another is being committed share the next transaction, each decided in its turn.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from rewards import budgets, kinds, offers, overview, programs, redemption_rows, redemptions
from rewards import redemption_changes as changes
from rewards.group_commit import Groups, NotCommitted
from rewards.ledger import Book, Overdrawn, opened
from rewards.models import Bucket, Program, Redemption
from rewards.offers import Offer, Shopper
from rewards.places import Places

FIRST_TRY = timedelta(seconds=15)
"""The web process tries at once; after this the worker takes over."""
AT_ONCE = timedelta()
MOST_TOGETHER = 100
"""Requests in one transaction."""
REUSED = "This key was used for another redemption."


class NoSuchReward(LookupError):
    """The program has no such reward on offer."""


class NotNow(Exception):
    """The reward isn't on offer yet, or no longer."""


class LimitReached(Exception):
    """The member, or all members together, have had as many of the reward as they can."""


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


class Seen(NamedTuple):
    """What is looked at before a request joins the line for its member's points, all out of one moment.

    Who finds the points gone finds the redemption that took them.
    """

    at: datetime
    # The member at the last commit; None: somebody who was merged into another.
    shopper: Shopper | None
    # The member's redemption with the request's key.
    known: int | None

    @classmethod
    def of(cls, at: datetime, found: str | None, tier: str | None, known: int | None) -> "Seen":
        if not found:
            return cls(at, None, known)
        available, tags = json.loads(found)
        return cls(at, Shopper(available, tier or "", offers.tags_of(tags)), known)


@dataclass(slots=True)
class _Wish:
    """A request that could be granted when it was looked at, and what became of it."""

    program: Program
    request: Request
    offer: Offer
    price: offers.Price
    now: datetime
    first_try: timedelta = FIRST_TRY
    granted: Redemption | None = None
    created: bool = False
    problem: Exception | None = None


def visit(program_id: int, source_id: int, customer_id: int, key: str) -> tuple[Program, int | None, Seen]:
    """The program, the member who this customer is, if we have heard of them, and what `reserve` looks at."""
    customer = [program_id, source_id, customer_id]
    with connection.cursor() as cursor:
        cursor.execute(VISIT, [program_id, program_id, program_id, key, *customer, program_id])
        member_id, *rest = cursor.fetchone()
    return overview.program_of(program_id, rest[4:]), member_id, Seen.of(*rest[:4])


def reserve(
    program: Program, request: Request, *, seen: Seen | None = None, now: datetime | None = None
) -> tuple[Redemption, bool]:
    """Set the points aside and choose the code; the bool says whether this call did it.

    `seen`: by `visit`, just now. Others' requests may share the transaction that is made here.
    Raises NoSuchReward, NotNow, LimitReached, BadChoice, Overdrawn, KeyReused, TooMany, SoldOut, Closed.
    """
    at, shopper, known = seen or _look(program.pk, request)
    if known:
        return _repeated(program.pk, request, known), False
    offer = _offered(program, request.reward_id, shopper, now or at)
    price = offers.price(offer.reward, program.currency, request.points)
    if shopper is not None and price.points > shopper.available:
        raise Overdrawn(price.points, shopper.available)
    return _kept(_Wish(program, request, offer, price, now or at))


def put_aside(
    program: Program, request: Request, reward: dict[str, Any], *, now: datetime | None = None
) -> tuple[Redemption, bool]:
    """Like `reserve`, for a reward that the program's document doesn't list. The worker makes it at once.

    Raises Overdrawn, KeyReused, TooMany.
    """
    at, _, known = _look(program.pk, request)
    if known:
        return _repeated(program.pk, request, known), False
    offer = Offer.of(reward, program.currency, ZoneInfo(program.timezone))
    price = offers.price(reward, program.currency)
    return _kept(_Wish(program, request, offer, price, now or at, AT_ONCE))


def _kept(wish: _Wish) -> tuple[Redemption, bool]:
    """A wish decided, with others for the same points; the bool says whether it was new."""
    try:
        _together.keep((wish.program.pk, wish.request.member_id), wish)
    except NotCommitted:
        _settle([wish])  # Who did it for several failed. Should it have been done after all, the key tells.
    if wish.problem:
        raise wish.problem
    assert wish.granted  # granted or refused, nothing else
    return wish.granted, wish.created


def _look(program_id: int, request: Request) -> Seen:
    """Unlocked."""
    member = [program_id, request.member_id]
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [*member, *member, *member, request.key])
        return Seen.of(*cursor.fetchone())


SEEN = """
           clock_timestamp(),
           (SELECT jsonb_build_array(available, tags)::text FROM rewards_member
            WHERE program_id = %s AND id = {member} AND merged_into_id IS NULL),
           (SELECT tier FROM rewards_membertier WHERE program_id = %s AND member_id = {member}),
           (SELECT id FROM rewards_redemption WHERE program_id = %s AND member_id = {member} AND key = %s)
"""
LOOK = f"SELECT {SEEN.format(member='%s')}"
VISIT = f"""
    SELECT i.member_id, {SEEN.format(member="i.member_id")}, {overview.OF_PROGRAM}
    FROM rewards_program p
    LEFT JOIN LATERAL (
        SELECT member_id FROM rewards_identity WHERE program_id = %s AND source_id = %s AND external_id = %s
    ) i ON true
    WHERE p.id = %s
"""  # noqa: S608


def _offered(program: Program, reward_id: str, shopper: Shopper | None, now: datetime) -> Offer:
    """The reward, if it is for this member now. Raises NoSuchReward, NotNow."""
    offer = next((one for one in programs.offered(program) if one.reward["id"] == reward_id), None)
    if offer is None:
        raise NoSuchReward(f"There is no reward “{reward_id}”.")
    title = offer.reward["title"]
    if shopper is not None and not offer.is_for(shopper):
        raise NoSuchReward(f"“{title}” is for other members.")
    if not offer.period.covers(now):
        raise NotNow(f"“{title}” is over." if offer.is_over(now) else f"“{title}” hasn't started yet.")
    return offer


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
    most = programs.document(wishes[0].program)["redemptions_per_minute"]
    recent, known = _had_lately(book, member_id, [wish.request.key for wish in wishes], most)
    places = Places(book.program_id, [wish.offer.reward for wish in wishes])
    limits = _Limits(book, wishes)
    for wish in wishes:
        request, price = wish.request, wish.price
        wish.granted, wish.created, wish.problem = known.get(request.key), False, None
        if wish.granted:
            wish.problem = None if request.is_for(wish.granted) else KeyReused(REUSED)
        elif price.points > left:
            wish.problem = Overdrawn(price.points, left)
        elif recent >= most:
            wish.problem = TooMany(f"At most {most} redemptions a minute.")
        elif said := limits.refusal(wish.offer):
            wish.problem = LimitReached(said)
        elif problem := places.problem(member_id, wish.offer.reward, limits.taken[wish.offer.budget]):
            wish.problem = problem
        else:
            limits.take(wish.offer)
            places.take(member_id, wish.offer.reward, price.value)
            wish.granted = known[request.key] = _redemption(wish)
            wish.created = True
            left, recent = left - price.points, recent + 1
            yield wish.granted, wish.now


def _had_lately(book: Book, member_id: int, keys: list[str], most: int) -> tuple[int, dict[str, Redemption]]:
    """(redemptions of the last minute, as far as they count; those with one of these keys)."""
    member = [book.program_id, member_id]
    with connection.cursor() as cursor:
        cursor.execute(LATELY, [*member, book.now - timedelta(minutes=1), most, *member, keys])
        recent, known = cursor.fetchone()
    rows = Redemption.objects.filter(program_id=book.program_id, pk__in=known) if known else []
    return recent, {row.key: row for row in rows}


LATELY = """
    SELECT (SELECT count(*) FROM (
                SELECT FROM rewards_redemption
                WHERE program_id = %s AND member_id = %s AND created_at > %s LIMIT %s
            ) recent),
           (SELECT array_agg(id) FROM rewards_redemption
            WHERE program_id = %s AND member_id = %s AND key = ANY(%s))
"""


class _Limits:
    """How many of the wanted rewards the member can still have, and all members together.

    Nobody else's redemptions of a reward with a limit in total are granted before these are.
    """

    def __init__(self, book: Book, wishes: Sequence[_Wish]) -> None:
        self.book = book
        wanted = {wish.offer.reward["id"]: wish.offer for wish in wishes}
        own = [id for id, offer in wanted.items() if offer.reward["per_member"]]
        common = [offer.budget for offer in wanted.values() if offer.reward["in_total"]]
        self.had = Counter(_had(book.program_id, wishes[0].request.member_id, own))
        self.taken = Counter(budgets.used(book.program_id, common, lock=True))

    def refusal(self, offer: Offer) -> str:
        """In words; nothing where no limit is reached."""
        reason = offer.refusal(Shopper(had=self.had, taken=self.taken))
        return REFUSALS[reason].format(title=offer.reward["title"]) if reason else ""

    def take(self, offer: Offer) -> None:
        self.had[offer.reward["id"]] += 1
        if offer.reward["in_total"]:
            self.taken[offer.budget] += 1
            self.book.places[offer.budget] += 1


REFUSALS = {
    "all_taken": "Nothing is left of “{title}”.",
    "had_enough": "You have had “{title}” as often as one member can.",
}


def _had(program_id: int, member_id: int, reward_ids: Sequence[str]) -> dict[str, int]:
    """How many of these rewards a member has or had for points, by reward."""
    if not reward_ids:
        return {}
    rows = Redemption.objects.filter(
        program_id=program_id, member_id=member_id, reward__id__in=reward_ids, points__gt=0
    ).exclude(state__in=Redemption.GIVEN_BACK)
    return Counter(rows.values_list("reward__id", flat=True))


def _redemption(wish: _Wish) -> Redemption:
    request, reward, now = wish.request, wish.offer.reward, wish.now
    days = kinds.of(reward).days(reward)
    return Redemption(
        program=wish.program,
        member_id=request.member_id,
        source_id=request.source_id,
        customer_id=request.customer_id,
        key=request.key,
        reward={
            **reward,
            "version": wish.program.version,
            "asked": request.points,
            "placed": reward["in_total"] is not None,
        },
        points=wish.price.points,
        value=wish.price.value,
        code=redemptions.code_for(wish.program, reward),
        starts_at=now,
        expires_at=now + timedelta(days=days) if days else None,
        due_at=now + wish.first_try,
    )
