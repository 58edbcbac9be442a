"""Which tier a member has: decided for one member, from dated amounts. Pure.

Days are those of the shop's calendar. What counts on a day is told by the program's window; all else is one
rule: go up as soon as a threshold is reached, stay while the keep-threshold is met, then have days of grace,
then go down. `review` plays it from the day on which something was due to the present one, so that a run
that comes late finds what an early one would have found.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from rewards import dates
from rewards.money import major
from rewards.tier_settings import DAY, FOR_GOOD, YEAR, Counted, OnDay, Settings, on_day

Json = dict[str, Any]


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


class State(NamedTuple):
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
        return self._replace(version=0, reviewed=0) == BLANK


BLANK = State()


class Change(NamedTuple):
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
    settings: Settings
    earlier: Callable[[int], Settings]

    def of(self, version: int) -> Settings:
        return self.settings if version == self.version else self.earlier(version)


class _Earned(NamedTuple):
    """What is earned on a day; the fields are those of `State`."""

    level: str | None
    version: int
    falls_on: date | None = None
    stepped_on: date | None = None


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
        state = state._replace(
            earned=other.earned,
            version=other.version,
            falls_on=other.falls_on,
            stepped_on=other.stepped_on,
        )
    due = min((one.due_on for one in (state, other) if one.due_on), default=None)
    state = state._replace(due_on=due)
    if settings.rank(other.tier) <= settings.rank(state.tier):
        return state, []
    return state._replace(tier=other.tier), [Change(day, other.tier, state.tier, "merged")]


def _judged(
    state: State, counted: Sequence[Counted], spans: Sequence[Span], rules: Rules, day: date
) -> State:
    settings, amounts = rules.settings, on_day(rules.settings, counted, day)
    earned = _earned(state, amounts, counted, rules, day)
    tier = earned.level
    for span in spans:
        if span.holds(day) and settings.rank(span.level) > settings.rank(tier):
            tier = span.level
    due = min([amounts.changes_on, *_other_turns(earned, counted, spans, rules, day)])
    return State(
        tier=tier,
        earned=earned.level,
        version=earned.version,
        falls_on=earned.falls_on,
        stepped_on=earned.stepped_on,
        amount=amounts.shown,
        until=amounts.until,
        ends_on=_end(tier, earned, spans, day) if tier else None,
        due_on=None if due == FOR_GOOD else due,
        reviewed=rules.version,
    )


def _earned(state: State, amounts: OnDay, counted: Sequence[Counted], rules: Rules, day: date) -> _Earned:
    """What is earned on this day, by who comes from the day before."""
    settings = rules.settings
    kept, best = _still_there(state, rules), settings.reached(amounts.lifting)
    if settings.rank(best) > settings.rank(kept):
        return _Earned(best, rules.version)
    if kept is None:
        return _Earned(None, rules.version)
    if settings.keeps(kept, amounts.keeping):
        return _Earned(kept, rules.version, None, state.stepped_on)
    confirmed = rules.of(state.version)
    if confirmed is not settings and confirmed.keeps(kept, on_day(confirmed, counted, day).keeping):
        return _Earned(kept, state.version, None, state.stepped_on)
    falls_on = state.falls_on if kept == state.earned else None
    falls_on = falls_on or _fall(confirmed, state.stepped_on, day)
    if day < falls_on:
        return _Earned(kept, state.version, falls_on, state.stepped_on)
    return _fallen(kept, amounts, rules, day)


def _still_there(state: State, rules: Rules) -> str | None:
    """Whose level was taken out of the program is at the nearest one below it that was left in."""
    if state.earned is None or rules.settings.rank(state.earned) >= 0:
        return state.earned
    confirmed = rules.of(state.version)
    below = confirmed.levels[: max(0, confirmed.rank(state.earned))]
    return next((level.id for level in reversed(below) if rules.settings.rank(level.id) >= 0), None)


def _fall(settings: Settings, stepped_on: date | None, day: date) -> date:
    """The day on which what isn't kept from this day on is lost: one step a year, where it goes by steps."""
    end = day + settings.grace_days * DAY
    return max(end, dates.add_months(stepped_on, YEAR)) if stepped_on else end


def _fallen(lost: str, amounts: OnDay, rules: Rules, day: date) -> _Earned:
    settings = rules.settings
    below = settings.below(lost)
    if settings.downgrade == "fit":
        fitting = [level.id for level in below if settings.keeps(level.id, amounts.keeping)]
        return _Earned(fitting[-1] if fitting else None, rules.version)
    if not below:
        return _Earned(None, rules.version)
    step = below[-1].id
    is_kept = settings.keeps(step, amounts.keeping)
    return _Earned(step, rules.version, None if is_kept else _fall(settings, day, day), day)


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


def _end(tier: str, earned: _Earned, spans: Iterable[Span], day: date) -> date | None:
    """The last day of the tier, when all that gives it has one."""
    ends = [span.last for span in spans if span.level == tier and span.holds(day)]
    if earned.level == tier:
        ends.append(earned.falls_on - DAY if earned.falls_on else None)
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _other_turns(
    earned: _Earned, counted: Sequence[Counted], spans: Iterable[Span], rules: Rules, day: date
) -> Iterator[date]:
    """Later days on which something happens that isn't a change of what counts."""
    if earned.falls_on:
        yield earned.falls_on
    if earned.level and earned.version != rules.version:
        yield on_day(rules.of(earned.version), counted, day).changes_on
    for span in spans:
        if span.first > day:
            yield span.first
        if span.last and span.last >= day:
            yield span.last + DAY


def _change(before: State, after: State, settings: Settings, day: date) -> Change:
    old, new = settings.rank(before.tier), settings.rank(after.tier)
    if before.tier and old < 0:
        return Change(day, after.tier, before.tier, "removed")
    earned = settings.rank(after.earned)
    if new < old:
        is_lost = earned < settings.rank(before.earned)
        return Change(day, after.tier, before.tier, "not_kept" if is_lost else "grant_ended")
    # Who is lifted by a gift skips what lies above their own.
    passed = settings.levels[old + 1 : min(new, earned + 1)] if settings.pays_skipped else ()
    entered = [level.id for level in (*passed, settings.levels[new])]
    gifts = {level.id for level in passed if level.reach is None}
    return Change(
        day,
        after.tier,
        before.tier,
        "reached" if earned == new else "granted",
        tuple(level for level in entered if level not in gifts),
    )


def next_tier(settings: Settings, state: State, currency: str) -> Json | None:
    """The nearest visible tier that is still to be reached, what is missing, and until when it is that much.

    All that members are told of their way: "37.20 to Silver by 31 December".
    """
    rank = settings.rank(state.tier)
    for level in settings.levels[rank + 1 :]:
        if level.reach is not None and not level.hidden:
            missing = max(0, level.reach - state.amount)
            return {
                "id": level.id,
                "name": level.name,
                "metric": settings.metric,
                "missing": major(missing, currency) if settings.metric == "spend" else missing,
                "by": state.until.isoformat() if state.until else None,
            }
    return None
