"""A change of the program before it is saved: what past orders earn by its rules, and what by those in force.

Both are reckoned by the code that settles (see `rehearsal`), so that what else has changed meanwhile doesn't
look like a difference. Orders are read member after member: no more than a batch is in memory.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from rewards import cashback, closed_tiers, dates, offers, programs, tiers
from rewards.earning import Rules
from rewards.models import Member, Order, Program
from rewards.rehearsal import Paid, Products, Rehearsal
from rewards.tier_settings import Settings

Json = dict[str, Any]

ORDERS_MOST = 20_000
"""Of a window with more, only every so manieth member is looked at."""
BATCH = 500
TOP = 20
NOT_COUNTED = ("rate", "rounding", "signup_bonus", "caps", "rules")
"""What of earning decides on points alone, and not on what is spent."""
ASSUMED = {
    "tags": "Of {:,} orders the customer's tags at that time aren't known; those of today were taken.",
    "products": "Tags and collections of products: {:,} times those of then are unknown; today's were taken.",
    "unknown": "Tags and collections of products: {:,} times none are known, so no rule that names any fits.",
    "history": "Which of a member's orders it is was counted from the orders known here, for {:,} orders.",
    "tiers": "Members had the tiers that these rules would have given them all along, for {:,} orders.",
    "caps": "Towards caps counts what was earned before these days, as it was.",
    "refused": "{:,} orders would earn more points than can be counted, and count for nothing.",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Orders paid from a moment on (included) to another (excluded)."""

    since: datetime
    until: datetime

    @classmethod
    def last_month(cls, program: Program, now: datetime) -> "Window":
        """The last calendar month that is over, in the shop."""
        zone = ZoneInfo(program.timezone)
        first = dates.local_date(now, zone).replace(day=1)
        return cls(dates.start_of_day(dates.add_months(first, -1), zone), dates.start_of_day(first, zone))

    @classmethod
    def last_days(cls, now: datetime, days: int = 30) -> "Window":
        """So many times 24 hours, up to now."""
        return cls(now - timedelta(days=days), now)


def recent(program: Program, now: datetime) -> Window:
    """The last month, or the last 30 days where nothing was ordered in it."""
    month = Window.last_month(program, now)
    return month if _orders(program, month).exists() else Window.last_days(now)


@dataclass(frozen=True, slots=True)
class Row:
    """What the orders of one member earn by the rules in force, and by the new ones."""

    member_id: int
    customer_id: int
    orders: int
    before: int
    after: int

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Move:
    """A member who comes to another tier as soon as the change is saved; names, empty for none."""

    member_id: int
    before: str
    after: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Worth:
    """What a point is worth in minor units, by the most generous reward that says so."""

    of_point: Fraction
    reward: str


@dataclass(slots=True)
class Preview:
    """What a change would have done to the orders of a window. Numbers are those of the members looked at."""

    window: Window
    # Of so many members one was looked at.
    every: int
    worth_before: Worth | None
    worth_after: Worth | None
    orders: int = 0
    members: int = 0
    gaining: int = 0
    losing: int = 0
    before: int = 0
    after: int = 0
    # What of the orders counts by the new rules, in minor units.
    spent: int = 0
    # Whose points change the most.
    top: list[Row] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


def preview(
    program: Program,
    document: Json,
    window: Window,
    *,
    products: Products | None = None,
    most: int = ORDERS_MOST,
) -> Preview:
    """What a document that was checked would have done. `products` answers what rules ask of products."""
    run = Run(program, document, window, products=products, most=most)
    found = Preview(
        window,
        run.every,
        worth(programs.document(program), program.currency),
        worth(document, program.currency),
    )
    found.top = [row for row in heapq.nlargest(TOP, _noted(run.rows(), found), key=_size) if row.change]
    found.spent, found.assumed = run.spent, run.assumed()
    return found


def moves(program: Program, document: Json, *, every: int = 1, now: datetime | None = None) -> Iterator[Move]:
    """Who would move: by what counts today. Nobody is moved down before their own date."""
    document = closed_tiers.kept(program, programs.document(program), document)
    before, after = programs.tiers(program), Settings.of(document, program.currency)
    if before == after:
        return
    for member_id, old, new in tiers.foreseen(program, document, every=every, now=now):
        yield Move(member_id, _name(before, old), _name(after, new), after.rank(new) > after.rank(old))


def _name(settings: Settings, level_id: str | None) -> str:
    level = settings.level(level_id)
    return level.name if level else ""


def looked_at(program: Program, most: int) -> int:
    """Every so manieth member is looked at, so that they are so many at most."""
    everybody = Member.objects.filter(program=program, merged_into=None).count()
    return max(1, ceil(everybody / most))


def worth(document: Json, currency: str) -> Worth | None:
    """What a point of this program is worth; None: no reward on offer says so."""
    said = [
        Worth(of_point, reward["title"])
        for reward in [*programs.on_offer(document), *cashback.as_reward(document, currency)]
        if (of_point := offers.worth(1, [reward], currency)) is not None
    ]
    return max(said, key=lambda one: one.of_point, default=None)


def _noted(rows: Iterable[Row], found: Preview) -> Iterator[Row]:
    for row in rows:
        found.orders += row.orders
        found.members += 1
        found.gaining += row.change > 0
        found.losing += row.change < 0
        found.before += row.before
        found.after += row.after
        yield row


def _size(row: Row) -> tuple[int, int]:
    return abs(row.change), -row.member_id


class Run:
    """One look at the orders of a window, by the rules in force and by those of a document."""

    def __init__(
        self,
        program: Program,
        document: Json,
        window: Window,
        *,
        products: Products | None = None,
        most: int = ORDERS_MOST,
    ) -> None:
        self.program, self.window, self.spent = program, window, 0
        self.every = max(1, ceil(_orders(program, window).count() / most))
        old, currency = programs.document(program), program.currency
        anew = not _same_tiers(old, document)
        self.before, self.after = (
            Rehearsal(
                program,
                rules,
                window.since,
                products or (lambda _: {}),
                self.every,
                Settings.of(said, currency) if anew else None,
            )
            for said, rules in (
                (old, programs.rules(program, program.version)),
                (document, Rules.of(document, 0, currency, program.timezone)),
            )
        )

    def rows(self) -> Iterator[Row]:
        """Member after member."""
        for side in (self.before, self.after):
            side.take_places(self._batches(), self._holders)
        for batch in self._batches():
            before, after = self.before.targets(batch), self.after.targets(batch)
            self.spent += sum(goal.basis for goal in after.values())
            for member_id, paid in groupby(batch, key=lambda paid: paid.member_id):
                own = list(paid)
                then, now = (
                    sum(goals[one.row.pk].points for one in own if one.row.pk in goals)
                    for goals in (before, after)
                )
                yield Row(member_id, own[-1].fact.customer_id or 0, len(own), then, now)

    def assumed(self) -> list[str]:
        """What was taken for granted, in sentences."""
        times = self.before.assumed | self.after.assumed
        return [said.format(times[name]) for name, said in ASSUMED.items() if times[name]]

    def _holders(self, rule_id: str) -> int:
        return _orders(self.program, self.window).filter(context__rules__contains=rule_id).count()

    def _batches(self) -> Iterator[list[Paid]]:
        """All orders of a member come together."""
        orders = _orders(self.program, self.window).order_by("member_id", "paid_at", "external_id")
        if self.every > 1:
            orders = orders.alias(part=F("member_id") % self.every).filter(part=0)
        batch: list[Paid] = []
        for row in orders.iterator(chunk_size=BATCH):
            paid = Paid.of(row)
            if len(batch) >= BATCH and batch[-1].member_id != paid.member_id:
                yield batch
                batch = []
            batch.append(paid)
        if batch:
            yield batch


def _same_tiers(before: Json, after: Json) -> bool:
    """Whether members come to the same tiers by both: nothing that is counted for them differs."""
    if before["tiers"] != after["tiers"]:
        return False
    free = () if after["tiers"]["metric"] == "points" else NOT_COUNTED
    return all(before["earning"][name] == said for name, said in after["earning"].items() if name not in free)


def _orders(program: Program, window: Window) -> QuerySet[Order]:
    return Order.objects.filter(
        program=program,
        paid_at__gte=window.since,
        paid_at__lt=window.until,
        member__isnull=False,
        facts__currency=program.currency,
        blocked="",
    )
