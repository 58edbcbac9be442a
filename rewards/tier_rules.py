"""Which tier a member has: decided for one member, from dated amounts. Pure.

Days are those of the shop's calendar. What counts on a day is told by the program's window; all else is one
rule: go up as soon as a threshold is reached, stay while the keep-threshold is met, then have days of grace,
then go down. `review` plays it from the day on which something was due to the present one, so that a run
that comes late finds what an early one would have found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from rewards import dates
from rewards.money import major, minor

Json = dict[str, Any]
DAY = timedelta(days=1)
YEAR = 12
"""Months."""


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


class Grant(NamedTuple):
    """A level that was given: until a last day, or for so many days that were bought."""

    level: str
    starts: date
    ends: date | None = None
    days: int | None = None


class Span(NamedTuple):
    """Days on which a level is granted, the last one included; None: for good."""

    level: str
    first: date
    last: date | None

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Level:
    """One tier. Without `reach` nobody gets there by what they buy."""

    id: str
    reach: int | None
    keep: int | None
    name: str = field(default="", compare=False)
    hidden: bool = field(default=False, compare=False)
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
                if (bought := level["membership"])
            },
        )

    def rank(self, level_id: str | None) -> int:
        """The place of a level, from 0; below that for no tier, and for a level there is none of."""
        return next((rank for rank, level in enumerate(self.levels) if level.id == level_id), -1)

    def level(self, level_id: str | None) -> Level | None:
        return next((level for level in self.levels if level.id == level_id), None)

    @property
    def earnable(self) -> Iterator[Level]:
        """What can be reached by buying, lowest first."""
        return (level for level in self.levels if level.reach is not None)

    def amount(self, counted: Iterable[Counted], day: date, *, firm: bool = False) -> int:
        """What supports a tier on a day; `firm`: what is free of holds.

        What was reached in a calendar year lasts to the end of the next one: the better of the two counts.
        """
        if self.window != "calendar_year":
            return self._sum(counted, day, firm)
        counted = list(counted)
        return max(self._sum(counted, day, firm, year) for year in (day.year, day.year - 1))

    def shown(self, counted: Iterable[Counted], day: date) -> int:
        """What is on the way to the next tier."""
        return self._sum(counted, day, False, day.year if self.window == "calendar_year" else None)

    def until(self, counted: Iterable[Counted], day: date) -> date | None:
        """The last day on which what is shown still counts as a whole."""
        if self.window == "lifetime" or not self.shown(counted, day):
            return None
        if self.window == "calendar_year":
            return date(day.year, 12, 31)
        return min(_last_day(one.day) for one in counted if self._counts(one, day) and self._worth(one))

    def next_change(self, counted: Iterable[Counted], day: date) -> date | None:
        """The first later day on which something else counts."""
        return min(
            (later for one in counted if self._worth(one) for later in self._turns(one, day)), default=None
        )

    def supports(self, level_id: str, counted: Iterable[Counted], day: date) -> bool:
        """Whether what counts is enough to keep a level."""
        level = self.level(level_id)
        return level is not None and level.keep is not None and self.amount(counted, day) >= level.keep

    def _turns(self, one: Counted, day: date) -> Iterator[date]:
        moments = [one.day]
        if self.upgrade == "after_hold":
            moments.append(one.firm)
        if self.window == "rolling_year":
            moments.append(_last_day(one.day) + DAY)
        if self.window == "calendar_year":
            moments += [date(one.day.year + 1, 1, 1), date(one.day.year + 2, 1, 1)]
        return (moment for moment in moments if moment > day)

    def _sum(self, counted: Iterable[Counted], day: date, firm: bool, year: int | None = None) -> int:
        return sum(
            self._worth(one)
            for one in counted
            if self._counts(one, day)
            and (not firm or one.firm <= day)
            and (year is None or one.day.year == year)
        )

    def _counts(self, one: Counted, day: date) -> bool:
        return one.day <= day and (self.window != "rolling_year" or day <= _last_day(one.day))

    def _worth(self, one: Counted) -> int:
        worth: int = getattr(one, self.metric)
        return worth


def _level(said: Json, metric: str, currency: str) -> Level:
    reach = None if said["by_invitation"] else amount_of(said["from"], metric, currency)
    keep = amount_of(said["keep"], metric, currency)
    return Level(
        id=said["id"],
        reach=reach,
        keep=reach if reach is None or keep is None else keep,
        name=said["name"],
        hidden=said["hidden"],
        entry_points=said["entry_points"],
    )


def amount_of(said: str | None, metric: str, currency: str) -> int | None:
    """A threshold as a whole number: minor units of money, points or orders. Raises BadMoney."""
    if said is None:
        return None
    return minor(said, currency) if metric == "spend" else minor(said, "JPY")


@lru_cache(maxsize=4000)
def _last_day(day: date) -> date:
    """What counts for a rolling year counts through the same day of the next one."""
    return dates.add_months(day, YEAR)


@dataclass(frozen=True, slots=True)
class State:
    """Where a member stands.

    `tier` is the higher of what is earned and granted. `version` is the program version that last confirmed
    what is earned, and `falls_on` the day when that ends, once it isn't kept. `amount` counts on the way to
    the next tier, as a whole until `until`. `ends_on` is the tier's last day, once it has one, and `due_on`
    the day when the next thing happens. `reviewed`: the version in force when all this was found.
    """

    tier: str | None = None
    earned: str | None = None
    version: int = 0
    falls_on: date | None = None
    stepped_on: date | None = None
    amount: int = 0
    until: date | None = None
    ends_on: date | None = None
    due_on: date | None = None
    reviewed: int = 0

    @property
    def shown(self) -> tuple[Any, ...]:
        """What members see of it."""
        return self.tier, self.amount, self.until, self.ends_on

    @property
    def is_blank(self) -> bool:
        """Nothing worth a row."""
        return replace(self, version=0, reviewed=0) == BLANK


BLANK = State()


@dataclass(frozen=True, slots=True)
class Change:
    """A move to another tier. `entered`: levels whose entry points are due, lowest first."""

    day: date
    tier: str | None
    previous: str | None
    reason: str
    entered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The tiers in force, and those of earlier versions: nobody falls by a new one before their own date."""

    version: int
    of: Callable[[int], Settings]

    @property
    def settings(self) -> Settings:
        return self.of(self.version)


def review(
    state: State, counted: Sequence[Counted], grants: Sequence[Grant], rules: Rules, today: date
) -> tuple[State, list[Change]]:
    """Where the member stands today, and the moves that led there."""
    spans, changes = list(_spans(grants)), []
    day = min(state.due_on or today, today)
    while True:
        before, state = state, _judged(state, counted, spans, rules, day)
        if state.tier != before.tier:
            changes.append(_change(before, state, rules.settings, day))
        if day == today:
            return state, changes
        day = min(state.due_on or today, today)


def inherited(state: State, other: State, settings: Settings, day: date) -> tuple[State, list[Change]]:
    """Where a member stands who takes over what another one was: the higher tier stays."""
    if settings.rank(other.earned) > settings.rank(state.earned):
        state = replace(
            state,
            earned=other.earned,
            version=other.version,
            falls_on=other.falls_on,
            stepped_on=other.stepped_on,
        )
    due = min((one.due_on for one in (state, other) if one.due_on), default=None)
    state = replace(state, due_on=due)
    if settings.rank(other.tier) <= settings.rank(state.tier):
        return state, []
    return replace(state, tier=other.tier), [Change(day, other.tier, state.tier, "merged")]


def _judged(
    state: State, counted: Sequence[Counted], spans: Sequence[Span], rules: Rules, day: date
) -> State:
    settings = rules.settings
    state = _earned(state, counted, rules, day)
    tier = max([state.earned, *(span.level for span in spans if span.holds(day))], key=settings.rank)
    state = replace(
        state,
        tier=tier if settings.rank(tier) >= 0 else None,
        amount=settings.shown(counted, day),
        until=settings.until(counted, day),
        reviewed=rules.version,
    )
    return replace(state, ends_on=_end(state, spans, day), due_on=_due(state, counted, spans, rules, day))


def _earned(state: State, counted: Sequence[Counted], rules: Rules, day: date) -> State:
    """What is earned on this day, by who comes from the day before."""
    settings, firm = rules.settings, rules.settings.upgrade == "after_hold"
    kept = _still_there(state, rules)
    best = _highest(settings.earnable, settings.amount(counted, day, firm=firm), lambda level: level.reach)
    if settings.rank(best) > settings.rank(kept):
        return replace(state, earned=best, version=rules.version, falls_on=None, stepped_on=None)
    if kept is None:
        return replace(state, earned=None, version=rules.version, falls_on=None, stepped_on=None)
    falls_on = state.falls_on if kept == state.earned else None
    state = replace(state, earned=kept, falls_on=None)
    if settings.supports(kept, counted, day):
        return replace(state, version=rules.version)
    confirmed = rules.of(state.version)
    if confirmed.supports(kept, counted, day):
        return state
    falls_on = falls_on or _fall(state, confirmed, day)
    return replace(state, falls_on=falls_on) if day < falls_on else _fallen(state, counted, rules, day)


def _still_there(state: State, rules: Rules) -> str | None:
    """Whose level was taken out of the program is at the nearest one below it that was left in."""
    if state.earned is None:
        return None
    confirmed = rules.of(state.version)
    below = confirmed.levels[: confirmed.rank(state.earned) + 1]
    return next((level.id for level in reversed(below) if rules.settings.rank(level.id) >= 0), None)


def _fall(state: State, settings: Settings, day: date) -> date:
    """The day on which what isn't kept from this day on is lost: one step a year, where it goes by steps."""
    end = day + settings.grace_days * DAY
    return max(end, dates.add_months(state.stepped_on, YEAR)) if state.stepped_on else end


def _fallen(state: State, counted: Sequence[Counted], rules: Rules, day: date) -> State:
    settings = rules.settings
    below = [level for level in settings.earnable if settings.rank(level.id) < settings.rank(state.earned)]
    state = replace(state, version=rules.version)
    if settings.downgrade == "fit":
        amount = settings.amount(counted, day)
        return replace(state, earned=_highest(below, amount, lambda level: level.keep), stepped_on=None)
    state = replace(state, earned=below[-1].id if below else None, stepped_on=day)
    if state.earned is None or settings.supports(state.earned, counted, day):
        return state
    return replace(state, falls_on=_fall(state, settings, day))


def _highest(levels: Iterable[Level], amount: int, threshold: Callable[[Level], int | None]) -> str | None:
    found = None
    for level in levels:
        needed = threshold(level)
        if needed is not None and needed <= amount:
            found = level.id
    return found


def _spans(grants: Sequence[Grant]) -> Iterator[Span]:
    """Days that were bought begin when those bought before are over."""
    last: dict[str, Span] = {}
    for grant in sorted(grants, key=lambda grant: grant.starts):
        if grant.days is None:
            yield Span(grant.level, grant.starts, grant.ends)
        elif grant.days:
            before = last.get(grant.level)
            if before and before.last and before.last + DAY >= grant.starts:
                last[grant.level] = before._replace(last=before.last + grant.days * DAY)
                continue
            if before:
                yield before
            last[grant.level] = Span(grant.level, grant.starts, grant.starts + (grant.days - 1) * DAY)
    yield from last.values()


def _end(state: State, spans: Iterable[Span], day: date) -> date | None:
    """The last day of the tier, when all that gives it has one."""
    if state.tier is None:
        return None
    ends = [span.last for span in spans if span.level == state.tier and span.holds(day)]
    if state.earned == state.tier:
        ends.append(state.falls_on - DAY if state.falls_on else None)
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _due(
    state: State, counted: Sequence[Counted], spans: Iterable[Span], rules: Rules, day: date
) -> date | None:
    days = [rules.settings.next_change(counted, day), state.falls_on]
    if state.earned and state.version != rules.version:
        days.append(rules.of(state.version).next_change(counted, day))
    for span in spans:
        days += [span.first, span.last + DAY if span.last else None]
    return min((one for one in days if one is not None and one > day), default=None)


def _change(before: State, after: State, settings: Settings, day: date) -> Change:
    old, new = settings.rank(before.tier), settings.rank(after.tier)
    earned = settings.rank(after.earned)
    if before.tier and old < 0:
        reason, entered = "removed", []
    elif new > old:
        reason = "reached" if earned == new else "granted"
        # Who is lifted by a gift skips what lies above their own.
        passed = [
            level for level in settings.earnable if old < settings.rank(level.id) < min(new, earned + 1)
        ]
        entered = [level.id for level in passed] if settings.pays_skipped else []
        entered += [after.tier] if after.tier else []
    else:
        reason = "not_kept" if earned < settings.rank(before.earned) else "grant_ended"
        entered = []
    return Change(day, after.tier, before.tier, reason, tuple(entered))


def next_tier(settings: Settings, state: State, currency: str) -> Json | None:
    """The nearest visible tier that is still to be reached, what is missing, and until when it is that much.

    For all that members are told about their way: "37.20 to Silver by 31 December".
    """
    rank = settings.rank(state.tier)
    ahead = [level for level in settings.earnable if settings.rank(level.id) > rank and not level.hidden]
    if not ahead or ahead[0].reach is None:
        return None
    missing = max(0, ahead[0].reach - state.amount)
    return {
        "id": ahead[0].id,
        "name": ahead[0].name,
        "metric": settings.metric,
        "missing": major(missing, currency) if settings.metric == "spend" else missing,
        "by": state.until.isoformat() if state.until else None,
    }
