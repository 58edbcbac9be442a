"""Rules by which members are given rewards without points: what a program version says, ready to be asked."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rewards import memories, programs
from rewards.gifts import Gift
from rewards.models import Program
from rewards.money import minor
from rewards.rules.base import Period

Json = dict[str, Any]
MILESTONE, SURPRISE, WIN_BACK, TIER_PERK = "milestone", "surprise_gift", "win_back", "tier_perk"


@dataclass(frozen=True, slots=True)
class GiftRule:
    """One rule of a program version; what its kind doesn't have is 0 or nothing. Amounts in minor units."""

    id: str
    kind: str
    title: str
    reward: Json
    # From when it came to be on, where it doesn't say so: what was before gives nothing.
    period: Period
    amount: int = 0
    within_days: int | None = None
    budget: int = 0
    days: int = 0
    again_days: int = 0
    tier: str = ""
    every: str = ""

    def gift(
        self, member_id: int, occasion: object, source_id: int = 0, until: datetime | None = None
    ) -> Gift:
        """For a member, once for each occasion."""
        key = f"gift:{self.id}:{occasion}"
        return Gift(
            member_id,
            self.reward,
            key,
            rule=self.id,
            why=f"{self.title}.",
            source_id=source_id,
            until=until,
            budget=self.id if self.budget else "",
        )


def of_program(program: Program, *kinds: str) -> list[GiftRule]:
    """Those of the version in force that are of these kinds and not archived."""
    rules = _of_version(program.pk, program.version, program.currency, program.timezone)
    return [rule for rule in rules if rule.kind in kinds]


@memories.remembered
def _of_version(program_id: int, number: int, currency: str, timezone: str) -> tuple[GiftRule, ...]:
    document = programs.document_of(program_id, number)
    settings = [setting for setting in document["gifts"] if not setting["archived"]]
    if not settings:
        return ()
    since, zone = programs.beginnings(program_id, number, "gifts"), ZoneInfo(timezone)
    return tuple(_rule(setting, document, since[setting["id"]], currency, zone) for setting in settings)


def _rule(setting: Json, document: Json, since: datetime, currency: str, zone: ZoneInfo) -> GiftRule:
    reward = programs.reward(document, setting["reward"])
    assert reward is not None  # the document was checked
    period = Period.of(setting, zone)
    own = {name: setting[name] for name in OF_KINDS if name in setting}
    if "amount" in setting:
        own["amount"] = minor(setting["amount"], currency)
    return GiftRule(
        id=setting["id"],
        kind=setting["kind"],
        title=setting["title"],
        reward=reward,
        period=Period(period.starts or since, period.ends),
        **own,
    )


OF_KINDS = ("within_days", "budget", "days", "again_days", "tier", "every")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody is with a milestone by a day."""

    reached: int
    # Towards the next one, and the last day on which all of it counts.
    spent: int
    until: date | None


def milestones(amount: int, within_days: int | None, orders: Iterable[tuple[date, int]]) -> int:
    """How often so much was spent, by (day, spend) of orders, oldest first.

    What led to one counts no more for the next; what is over does, as long as it lies within the days.
    """
    reached, _ = _followed(amount, within_days, orders)
    return reached


def progress(
    amount: int, within_days: int | None, orders: Iterable[tuple[date, int]], today: date
) -> Progress:
    """The same, with what of it counts for whoever goes on today."""
    reached, counted = _followed(amount, within_days, orders)
    _leave_behind(counted, within_days, today)
    until = counted[0][0] + timedelta(days=within_days) if counted and within_days is not None else None
    return Progress(reached, sum(spend for _, spend in counted), until)


def _followed(
    amount: int, within_days: int | None, orders: Iterable[tuple[date, int]]
) -> tuple[int, deque[tuple[date, int]]]:
    """How often it was reached, and what counts towards the next one as of the last order."""
    reached, total = 0, 0
    counted: deque[tuple[date, int]] = deque()
    for day, spend in orders:
        total -= _leave_behind(counted, within_days, day)
        counted.append((day, spend))
        total += spend
        times, _ = divmod(total, amount)
        if times:
            reached += times
            total = _used_up(counted, times * amount)
    return reached, counted


def _leave_behind(counted: deque[tuple[date, int]], within_days: int | None, day: date) -> int:
    """Take out what lies too far before a day; returns how much that is."""
    left = 0
    while within_days is not None and counted and (day - counted[0][0]).days > within_days:
        left += counted.popleft()[1]
    return left


def _used_up(counted: deque[tuple[date, int]], used: int) -> int:
    """Take an amount out of the oldest; returns what is left."""
    while used and counted:
        day, spend = counted.popleft()
        if spend > used:
            counted.appendleft((day, spend - used))
        used = max(0, used - spend)
    return sum(spend for _, spend in counted)
