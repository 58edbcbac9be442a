"""Points set aside for a reward: the first step of a redemption, and the only one that somebody waits for.

All who want one member's points want one row of the database. In one process they don't queue for it:
requests that come while another is being committed share the next transaction, each decided in its turn.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from rewards import budgets, kinds, offers, paces, programs, redemption_rows, redemptions
from rewards import redemption_changes as changes
from rewards.group_commit import Groups
from rewards.ledger import Book, Overdrawn, opened
from rewards.models import Bucket, Program, Redemption
from rewards.offers import BadChoice, Offer, Price, Shopper
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


@dataclass(slots=True)
class _Wish:
    """A request, and what became of it."""

    program: Program
    request: Request
    # Found among those on offer, unless the app itself gives the reward.
    offer: Offer | None = None
    first_try: timedelta = FIRST_TRY
    # Of the first in a transaction, for all of them; as a rule the database says.
    now: datetime | None = None
    granted: Redemption | None = None
    created: bool = False
    problem: Exception | None = None


class _Priced(NamedTuple):
    """A wish for something on offer, and what it costs."""

    wish: _Wish
    offer: Offer
    price: Price


class _Seen(NamedTuple):
    """What is looked at before the member's row is waited for, all out of one moment.

    Who finds the points gone finds the redemption that took them.
    """

    at: datetime
    # The member at the last commit; None: somebody who was merged into another.
    shopper: Shopper | None
    # Their redemptions with the keys of wishes.
    known: dict[str, Redemption]


def reserve(program: Program, request: Request, *, now: datetime | None = None) -> tuple[Redemption, bool]:
    """Set the points aside and choose the code; the bool says whether this call did it.

    Others' requests may share the transaction that is made here.
    Raises NoSuchReward, NotNow, LimitReached, BadChoice, Overdrawn, KeyReused, TooMany, SoldOut, Closed.
    """
    return _kept(_Wish(program, request, now=now))


def put_aside(
    program: Program, request: Request, reward: dict[str, Any], *, now: datetime | None = None
) -> tuple[Redemption, bool]:
    """Like `reserve`, for a reward that the program's document doesn't list. The worker makes it at once.

    Raises Overdrawn, KeyReused, TooMany.
    """
    offer = Offer.of(reward, program.currency, ZoneInfo(program.timezone))
    return _kept(_Wish(program, request, offer, AT_ONCE, now))


def _kept(wish: _Wish) -> tuple[Redemption, bool]:
    """A wish decided, with others for the same points; the bool says whether it was new."""
    _together.keep((wish.program.pk, wish.request.member_id), wish)
    if wish.problem:
        raise wish.problem
    assert wish.granted  # granted or refused, nothing else
    return wish.granted, wish.created


def _settle(wishes: Sequence[_Wish]) -> None:
    """Decide about wishes for one member's points, in one transaction.

    What was granted before, its key tells. Who asks once more and who can't pay wait for nobody, whoever has
    the member's row.
    """
    program, member_id = wishes[0].program, wishes[0].request.member_id
    seen = _look(program.pk, member_id, [wish.request.key for wish in wishes])
    now = wishes[0].now or seen.at
    payable = list(_payable(wishes, seen, now))
    if not payable:
        return
    with redemptions.turn(member_id), opened(program.pk, [member_id], now=now) as book:
        granted = list(_decided(book, program, payable))
        redemption_rows.insert(book.program_id, granted)
        for redemption in granted:
            posting = changes.open_posting(book, redemption, "reserve", book.now)
            posting.take(redemption.points, Bucket.AVAILABLE, Bucket.RESERVED)


_together: Groups[tuple[int, int], _Wish] = Groups(_settle, most=MOST_TOGETHER)
"""By program and member."""


def _look(program_id: int, member_id: int, keys: list[str]) -> _Seen:
    """Unlocked."""
    member = [program_id, member_id]
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [*member, *member, *member, keys])
        at, found, tier, ids = cursor.fetchone()
    known = _with_ids(program_id, ids)
    if not found:
        return _Seen(at, None, known)
    available, tags = json.loads(found)
    return _Seen(at, Shopper(available, tier or "", offers.tags_of(tags)), known)


LOOK = """
    SELECT clock_timestamp(),
           (SELECT jsonb_build_array(available, tags)::text FROM rewards_member
            WHERE program_id = %s AND id = %s AND merged_into_id IS NULL),
           (SELECT tier FROM rewards_membertier WHERE program_id = %s AND member_id = %s),
           (SELECT array_agg(id) FROM rewards_redemption
            WHERE program_id = %s AND member_id = %s AND key = ANY(%s))
"""


def _payable(wishes: Iterable[_Wish], seen: _Seen, now: datetime) -> Iterator[_Priced]:
    """The wishes that are new, for something on offer, and not too dear; the others are answered."""
    for wish in wishes:
        # Once more after a transaction that failed.
        wish.granted, wish.created, wish.problem = None, False, None
        if repeated := seen.known.get(wish.request.key):
            _repeat(wish, repeated)
            continue
        try:
            offer = wish.offer or _offered(wish.program, wish.request.reward_id, seen.shopper, now)
            price = offers.price(offer.reward, wish.program.currency, wish.request.points)
        except (NoSuchReward, NotNow, BadChoice) as problem:
            wish.problem = problem
            continue
        if seen.shopper is not None and price.points > seen.shopper.available:
            wish.problem = Overdrawn(price.points, seen.shopper.available)
        else:
            yield _Priced(wish, offer, price)


def _decided(book: Book, program: Program, priced: Sequence[_Priced]) -> Iterator[Redemption]:
    """What is granted now: one after the other, while the points last."""
    member_id = priced[0].wish.request.member_id
    left = book.accounts[member_id].available
    most = programs.document(program)["redemptions_per_minute"]
    recent, known = _had_lately(book, member_id, [one.wish.request.key for one in priced], most)
    # Who can't pay keeps nobody from the rows that all members share.
    payable = [one.offer for one in priced if one.price.points <= left and recent < most]
    places = Places(program.pk, [offer.reward for offer in payable])
    limits = _Limits(book, member_id, payable)
    for wish, offer, price in priced:
        if repeated := known.get(wish.request.key):
            _repeat(wish, repeated)
        elif price.points > left:
            wish.problem = Overdrawn(price.points, left)
        elif recent >= most:
            wish.problem = TooMany(f"At most {most} redemptions a minute.")
        elif said := limits.refusal(offer):
            wish.problem = LimitReached(said)
        elif problem := places.problem(member_id, offer.reward, limits.taken[offer.budget]):
            wish.problem = problem
        else:
            limits.take(offer)
            places.take(member_id, offer.reward, price.value)
            wish.granted = known[wish.request.key] = _redemption(wish, offer, price, book.now)
            wish.created = True
            left, recent = left - price.points, recent + 1
            yield wish.granted


def _repeat(wish: _Wish, known: Redemption) -> None:
    """The answer to the same request, and an error for another one with its key."""
    wish.granted = known
    wish.problem = None if wish.request.is_for(known) else KeyReused(REUSED)


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


def _had_lately(book: Book, member_id: int, keys: list[str], most: int) -> tuple[int, dict[str, Redemption]]:
    """(redemptions of the last minute, as far as they count; those with one of these keys)."""
    pace = paces.of_member(book.program_id, member_id)
    asked = pace.asked(book.program_id, member_id, most)
    with connection.cursor() as cursor:
        cursor.execute(LATELY, [book.now - paces.SPAN, book.program_id, member_id, keys, *asked])
        newest, moments, ids = cursor.fetchone()
    pace.learn(newest, moments or ())
    return pace.count(book.now), _with_ids(book.program_id, ids)


LATELY = f"""
    SELECT max(id), array_agg(created_at) FILTER (WHERE created_at > %s),
           (SELECT array_agg(id) FROM rewards_redemption
            WHERE program_id = %s AND member_id = %s AND key = ANY(%s))
    FROM ({paces.NEW}) new
"""  # noqa: S608


def _with_ids(program_id: int, ids: list[int] | None) -> dict[str, Redemption]:
    """By their keys."""
    rows = Redemption.objects.filter(program_id=program_id, pk__in=ids) if ids else []
    return {row.key: row for row in rows}


class _Limits:
    """How many of the wanted rewards the member can still have, and all members together.

    Nobody else's redemptions of a reward with a limit in total are granted before these are.
    """

    def __init__(self, book: Book, member_id: int, wanted: Collection[Offer]) -> None:
        self.book = book
        # By each offer: one may be of a version that had no limit yet.
        own = {offer.reward["id"] for offer in wanted if offer.reward["per_member"]}
        common = {offer.budget for offer in wanted if offer.reward["in_total"]}
        self.had = Counter(_had(book.program_id, member_id, sorted(own)))
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


def _redemption(wish: _Wish, offer: Offer, price: Price, now: datetime) -> Redemption:
    request, reward = wish.request, offer.reward
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
        points=price.points,
        value=price.value,
        code=redemptions.code_for(wish.program, reward),
        starts_at=now,
        expires_at=now + timedelta(days=days) if days else None,
        due_at=now + wish.first_try,
    )
