"""Challenges: so many orders, collections or months in a row, for points and a badge, perhaps more than once.

How far somebody is follows from their orders alone, in whatever sequence these were heard of. What was once
achieved stays; an order that is undone counts no longer for what comes next.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from rewards import dates, earning, facts, memories, programs
from rewards.contexts import Context
from rewards.facts import OrderFact
from rewards.ledger import Book
from rewards.models import Achievement, Order, Program
from rewards.rules.base import Period

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """An order that counts: when it was paid, in the shop's calendar too, and what of it is still bought."""

    moment: datetime
    day: date
    collections: frozenset[int] = frozenset()

    @property
    def month(self) -> int:
        return _month(self.day)


def _month(day: date) -> int:
    """Counted through the years."""
    return day.year * 12 + day.month - 1


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a program version."""

    id: str
    kind: str
    title: str
    count: int
    points: int
    badge: str
    repeat: bool
    within_days: int | None
    collections: frozenset[int]
    period: Period

    @classmethod
    def of(cls, setting: Json, since: datetime, zone: ZoneInfo) -> "Challenge":
        """From a complete document. `since`: when it came to be; orders before it count where it says so."""
        period = Period.of(setting, zone)
        return cls(
            id=setting["id"],
            kind=setting["kind"],
            title=setting["title"],
            count=setting["count"],
            points=setting["points"],
            badge=setting["badge"],
            repeat=setting["repeat"],
            within_days=setting["within_days"],
            collections=frozenset(setting["collections"]),
            period=Period(period.starts or since, period.ends),
        )

    def still_open(self, before: list[Counted], day: date) -> list[Counted]:
        """Of the orders that count for the turn in hand, those that still do on a day."""
        if self.kind == "months":
            return before if before and _month(day) - before[-1].month <= 1 else []
        if self.within_days is None:
            return before
        return [order for order in before if (day - order.day).days <= self.within_days]

    def score(self, orders: Sequence[Counted]) -> int:
        """How far these orders lead."""
        if self.kind == "months":
            return len({order.month for order in orders})
        if self.kind == "collections":
            return len(self.collections & frozenset().union(*(order.collections for order in orders)))
        return len(orders)

    def last_day(self, orders: Sequence[Counted], zone: ZoneInfo) -> date | None:
        """Until when one has to go on, so that none of these orders is lost for it."""
        days = [last] if (last := self.period.last_day(zone)) else []
        if orders and self.kind == "months":
            days.append(dates.end_of_period(dates.add_months(orders[-1].day.replace(day=1), 1), "month"))
        elif orders and self.within_days is not None:
            days.append(orders[0].day + timedelta(days=self.within_days))
        return min(days, default=None)


@dataclass(frozen=True, slots=True)
class Progress:
    """The moments at which it was achieved, and how far the next turn is."""

    achieved: tuple[datetime, ...]
    done: int
    until: date | None


def progress(challenge: Challenge, orders: Iterable[Counted], today: date, zone: ZoneInfo) -> Progress:
    """How far these orders, in the sequence of their payment, have led by a day."""
    achieved: list[datetime] = []
    open_turn: list[Counted] = []
    used_month: int | None = None
    for order in orders:
        if achieved and not challenge.repeat:
            break
        if not challenge.period.covers(order.moment) or order.month == used_month:
            continue
        open_turn = [*challenge.still_open(open_turn, order.day), order]
        if challenge.score(open_turn) >= challenge.count:
            achieved.append(order.moment)
            # Of what has led to one turn nothing leads to the next, nor does the rest of that month.
            used_month = order.month if challenge.kind == "months" else None
            open_turn = []
    if achieved and not challenge.repeat:
        return Progress(tuple(achieved), challenge.count, None)
    open_turn = challenge.still_open(open_turn, today)
    return Progress(tuple(achieved), challenge.score(open_turn), challenge.last_day(open_turn, zone))


def of_program(program: Program) -> tuple[Challenge, ...]:
    """The challenges of the version in force that are not archived."""
    return _of_version(program.pk, program.version, program.timezone)


@memories.remembered
def _of_version(program_id: int, number: int, timezone: str) -> tuple[Challenge, ...]:
    settings = [
        setting
        for setting in programs.document_of(program_id, number)["challenges"]
        if not setting["archived"]
    ]
    if not settings:
        return ()
    since, zone = programs.beginnings(program_id, number, "challenges"), ZoneInfo(timezone)
    return tuple(Challenge.of(setting, since[setting["id"]], zone) for setting in settings)


def review(book: Book, program: Program, member_ids: Iterable[int]) -> None:
    """Give these members, whose orders changed, what they have achieved since. Needs their locks.

    Their orders are read as they are in the database now; the postings are written with the book.
    """
    challenges = of_program(program)
    members = sorted(set(member_ids) & book.accounts.keys())
    if not challenges or not members:
        return
    turns = _turns(program.pk, members)
    open_ones = {
        member: [one for one in challenges if one.repeat or not turns.get((member, one.id))]
        for member in members
    }
    orders = _orders(program, [member for member in members if open_ones[member]], challenges)
    zone = ZoneInfo(program.timezone)
    today = dates.local_date(book.now, zone)
    new: list[Achievement] = []
    for member in members:
        for challenge in open_ones[member]:
            achieved = progress(challenge, orders[member], today, zone).achieved
            had = turns.get((member, challenge.id), 0)
            for turn, moment in enumerate(achieved[had:], start=had + 1):
                new.append(_achieved(book, program, member, challenge, turn, moment))
    Achievement.objects.bulk_create(new)


def _achieved(
    book: Book, program: Program, member_id: int, challenge: Challenge, turn: int, moment: datetime
) -> Achievement:
    if challenge.points:
        explanation = {
            "rule": "challenge",
            "id": challenge.id,
            "title": challenge.title,
            "turn": turn,
            "version": program.version,
            "points": challenge.points,
        }
        key = f"challenge:{member_id}:{challenge.id}:{turn}"
        posting = book.posting(member_id, key, "challenge", explanation, moment)
        posting.award(challenge.points, "challenge", available_at=book.now)
    return Achievement(
        program_id=program.pk,
        member_id=member_id,
        challenge=challenge.id,
        turn=turn,
        points=challenge.points,
        badge=challenge.badge,
        achieved_at=moment,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A challenge as one member sees it."""

    challenge: Challenge
    turns: int
    done: int
    until: date | None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.turns) and not self.challenge.repeat


def standings(program: Program, member_id: int | None, now: datetime) -> list[Standing]:
    """The challenges that are on, each with how far a member is; somebody unknown hasn't begun."""
    zone = ZoneInfo(program.timezone)
    today = dates.local_date(now, zone)
    on = [challenge for challenge in of_program(program) if challenge.period.covers(now)]
    if not on:
        return []
    members = [member_id] if member_id else []
    turns, orders = _turns(program.pk, members), _orders(program, members, on)
    found = []
    for challenge in on:
        had = turns.get((member_id or 0, challenge.id), 0)
        now_at = progress(challenge, orders[member_id or 0], today, zone)
        if had and not challenge.repeat:
            found.append(Standing(challenge, had, challenge.count, None))
        elif had > len(now_at.achieved):
            # Orders of turns that were achieved were undone since: those come first.
            found.append(Standing(challenge, had, 0, challenge.last_day([], zone)))
        else:
            found.append(Standing(challenge, had, now_at.done, now_at.until))
    return found


def badges(program_id: int, member_id: int) -> list[Achievement]:
    """The badges of a member, each once, oldest first."""
    rows = Achievement.objects.filter(program_id=program_id, member_id=member_id).exclude(badge="")
    return list({row.badge: row for row in rows.order_by("-achieved_at", "-id")}.values())[::-1]


def carry_over(program_id: int, gone_id: int, kept_id: int) -> None:
    """What one achieved, the other achieved, where they hadn't. Needs the locks of both."""
    kept = Achievement.objects.filter(program_id=program_id, member_id=kept_id)
    known = set(kept.values_list("challenge", "turn"))
    gone = Achievement.objects.filter(program_id=program_id, member_id=gone_id)
    moved = [row.pk for row in gone if (row.challenge, row.turn) not in known]
    gone.filter(pk__in=moved).update(member_id=kept_id)


def _turns(program_id: int, members: list[int]) -> dict[tuple[int, str], int]:
    """How often members achieved each challenge."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT member_id, challenge, max(turn) FROM rewards_achievement
            WHERE program_id = %s AND member_id = ANY(%s) GROUP BY member_id, challenge
            """,
            [program_id, members],
        )
        return {(member, challenge): turn for member, challenge, turn in cursor.fetchall()}


def _orders(
    program: Program, members: list[int], challenges: Sequence[Challenge]
) -> defaultdict[int, list[Counted]]:
    """The orders of members that count, in the sequence of their payment."""
    since = min(challenge.period.starts for challenge in challenges if challenge.period.starts)
    zone = ZoneInfo(program.timezone)
    found: defaultdict[int, list[Counted]] = defaultdict(list)
    rows = Order.objects.filter(
        program_id=program.pk, member_id__in=members, context__isnull=False, paid_at__gte=since
    )
    for member_id, paid_at, said, context in rows.order_by("paid_at", "id").values_list(
        "member_id", "paid_at", "facts", "context"
    ):
        assert said is not None  # where there is a context, there are facts and a payment
        assert context is not None
        assert paid_at is not None
        fact, held = facts.from_data(said), Context.of(context)
        rules = programs.rules(program, context["version"], fact.currency)
        if earning.counts(fact, rules, held):
            day = dates.local_date(paid_at, zone)
            found[member_id].append(Counted(paid_at, day, _collections(fact, held)))
    return found


def _collections(fact: OrderFact, context: Context) -> frozenset[int]:
    """Those of what is still bought, as they were at the time of the order."""
    products = {line.product_id for line in fact.lines if line.current > 0}
    known = (context.products[id].collections for id in products if id in context.products)
    return frozenset().union(*known)
