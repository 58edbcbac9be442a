"""What a program version says of tiers, ready to be asked, and what counts by it on a day. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from rewards import dates
from rewards.money import minor

Json = dict[str, Any]
DAY = timedelta(days=1)
YEAR = 12
"""Months."""
FOR_GOOD = date.max


class Counted(NamedTuple):
    """What one order, or one gift of points, counts for. `firm`: the day from which no hold is on it."""

    day: date
    firm: date
    spend: int
    points: int
    orders: int

    @classmethod
    def of_order(cls, day: date, firm: date, spend: int, points: int) -> "Counted":
        """One order, as long as anything of it is eligible."""
        return cls(day, firm, spend, points, 1 if spend else 0)

    @classmethod
    def of_gift(cls, day: date, points: int) -> "Counted":
        """Points that no order gave."""
        return cls(day, day, 0, points, 0)


@dataclass(frozen=True, slots=True)
class Level:
    """One tier. Without `reach` nobody gets there by what they buy; to a closed one nobody gets at all."""

    id: str
    reach: int | None
    keep: int | None
    name: str = field(default="", compare=False)
    hidden: bool = field(default=False, compare=False)
    closed: bool = field(default=False, compare=False)
    entry_points: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The tiers of one program version. Equal ones decide alike about what is earned."""

    metric: str = "spend"
    window: str = "rolling_year"
    grace_days: int = 0
    downgrade: str = "fit"
    upgrade: str = "at_once"
    levels: tuple[Level, ...] = ()
    pays_skipped: bool = field(default=True, compare=False)
    # By product: the level that comes with it, and for how many days.
    memberships: Mapping[int, tuple[str, int]] = field(default_factory=dict, compare=False)
    _ranks: Mapping[str | None, int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ranks", {level.id: rank for rank, level in enumerate(self.levels)})

    @classmethod
    def of(cls, document: Json, currency: str) -> "Settings":
        """From a complete program document."""
        said = document["tiers"]
        return cls(
            metric=said["metric"],
            window=said["window"],
            grace_days=said["grace_days"],
            downgrade=said["downgrade"],
            upgrade=said["upgrade"],
            levels=tuple(_level(level, said["metric"], currency) for level in said["levels"]),
            pays_skipped=said["skipped_entry_points"],
            memberships={
                bought["product"]: (level["id"], bought["days"])
                for level in said["levels"]
                if (bought := level["membership"]) and not level["closed"]
            },
        )

    def rank(self, level_id: str | None) -> int:
        """The place of a level, from 0; below that for no tier, and for a level there is none of."""
        return self._ranks.get(level_id, -1)

    def level(self, level_id: str | None) -> Level | None:
        rank = self.rank(level_id)
        return self.levels[rank] if rank >= 0 else None

    def reached(self, amount: int) -> str | None:
        """The highest level that so much is enough for."""
        fitting = [level.id for level in self.levels if level.reach is not None and level.reach <= amount]
        return fitting[-1] if fitting else None

    def below(self, level_id: str | None) -> list[Level]:
        """What can be reached by buying and lies below a level, lowest first."""
        return [level for level in self.levels[: max(0, self.rank(level_id))] if level.reach is not None]

    def keeps(self, level_id: str, amount: int) -> bool:
        """Whether so much is enough to keep a level."""
        level = self.level(level_id)
        return level is not None and level.keep is not None and level.keep <= amount


def _level(said: Json, metric: str, currency: str) -> Level:
    def amount(name: str) -> int | None:
        if said[name] is None:
            return None
        return minor(said[name], currency) if metric == "spend" else int(said[name])

    reach = None if said["by_invitation"] or said["closed"] else amount("from")
    # Who is at a closed one stays by the settings that confirmed them.
    keep = None if said["closed"] else amount("keep")
    return Level(
        id=said["id"],
        reach=reach,
        keep=reach if reach is None or keep is None else keep,
        name=said["name"],
        hidden=said["hidden"],
        closed=said["closed"],
        entry_points=said["entry_points"],
    )


@lru_cache(maxsize=4000)
def _rolling(day: date) -> date:
    return dates.add_months(day, YEAR) + DAY


ENDS: dict[str, Callable[[date], date]] = {
    # What counts for a year counts through the same day of the next one.
    "rolling_year": _rolling,
    # What was reached in a calendar year lasts to the end of the next one.
    "calendar_year": lambda day: date(day.year + 2, 1, 1),
    "lifetime": lambda day: FOR_GOOD,
}
"""The first day on which what counts from a day on keeps no tier any more, by the window."""


class OnDay(NamedTuple):
    """What counts on a day.

    `keeping` is what a tier is kept by, and `lifting` what one is reached by: the same, unless the program
    waits for the end of holds. Of two calendar years it is the better one. `shown` is on the way to the next
    tier, as a whole until a last day. On `changes_on` something of this is going to be different.
    """

    keeping: int
    lifting: int
    shown: int
    until: date | None
    changes_on: date


def on_day(settings: Settings, counted: Iterable[Counted], day: date) -> OnDay:
    """What counts by these settings on one day."""
    end_of, metric = ENDS[settings.window], Counted._fields.index(settings.metric)
    by_year, waits = settings.window == "calendar_year", settings.upgrade == "after_hold"
    keeping: dict[int, int] = defaultdict(int)
    lifting: dict[int, int] = defaultdict(int)
    gone_on = changes_on = FOR_GOOD
    for one in counted:
        worth: int = one[metric]  # type: ignore[assignment]
        if not worth:
            continue
        first, firm, end = one.day, one.firm if waits else one.day, end_of(one.day)
        period = first.year if by_year else 0
        if first <= day < end:
            keeping[period] += worth
            lifting[period] += worth if firm <= day else 0
            gone_on = min(gone_on, end)
        turns = (first, firm, end, date(first.year + 1, 1, 1)) if by_year else (first, firm, end)
        for turn in turns:
            if day < turn < changes_on:
                changes_on = turn
    shown = keeping[day.year if by_year else 0]
    if by_year and shown:
        gone_on = date(day.year + 1, 1, 1)
    return OnDay(
        keeping=max(keeping.values()),
        lifting=max(lifting.values(), default=0),
        shown=shown,
        until=gone_on - DAY if shown and gone_on != FOR_GOOD else None,
        changes_on=changes_on,
    )
