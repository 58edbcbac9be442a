"""Members judged by the rules of tiers: what happened to them is played step by step, and written.

The members' rows are locked by whoever asks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rewards import dates, programs, tier_rows, tier_rules
from rewards.ledger import Book
from rewards.models import Program
from rewards.tier_rows import Case, Moved
from rewards.tier_rules import Change, Rules, State
from rewards.tier_settings import Counted, Level


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened: what an order counted for before it, and what it counts for now.

    Without a moment: nothing but that a day has come.
    """

    at: datetime | None
    before: Counted | None = None
    after: Counted | None = None


NIGHT = (Step(None),)
Steps = Mapping[int, Sequence[Step]]
"""By member, in the order in which it happened."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Members who are to be told something new, and the moves to other tiers."""

    told: list[int]
    moves: list[Moved]


def judge(
    program: Program,
    steps: Steps,
    now: datetime,
    *,
    fresh: Mapping[int, Sequence[Counted]] | None = None,
    heirs: Mapping[int, State] | None = None,
) -> Outcome:
    """Judge members, and write where they stand and how they got there.

    `fresh`: what counts and isn't written yet. `heirs`: who takes over what another one was.
    """
    today, rules, zone = today_of(program, now), rules_of(program), ZoneInfo(program.timezone)
    outcome = Outcome([], [])
    changed: list[Case] = []
    for case in tier_rows.cases(program, rules, steps, today):
        before = case.state
        case.counted += (fresh or {}).get(case.member_id, ())
        for change, at in _changes(case, rules, today, steps[case.member_id], heirs or {}):
            case.changed_at = _dated(change, at if change.day == today else None, case.changed_at, now, zone)
            outcome.moves.append(Moved(case.member_id, change, rules.version, case.changed_at))
        if case.state != before and (case.is_stored or not case.state.is_blank):
            changed.append(case)
        if case.state.shown != before.shown:
            outcome.told.append(case.member_id)
    tier_rows.save(program.pk, changed)
    tier_rows.note(program.pk, outcome.moves)
    return outcome


def welcomes(program: Program, moves: Iterable[Moved]) -> dict[tuple[int, str], tuple[Moved, Level]]:
    """By member and level, the entries whose points are due: once for each, whatever becomes of them."""
    settings = programs.tiers(program)
    due = {
        (moved.member_id, level.id): (moved, level)
        for moved in moves
        for level in map(settings.level, moved.change.entered)
        if level and level.entry_points
    }
    given = tier_rows.entered(program.pk, due) if due else set()
    return {key: entry for key, entry in due.items() if key not in given}


def welcome(book: Book, due: Mapping[tuple[int, str], tuple[Moved, Level]]) -> None:
    """Post the points of these entries."""
    for (member_id, level_id), (moved, level) in due.items():
        explanation = {
            "rule": "tier",
            "version": moved.version,
            "level": level_id,
            "tier": level.name,
            "points": level.entry_points,
        }
        key = f"tier:{member_id}:{level_id}"
        posting = book.posting(member_id, key, "tier", explanation, moved.happened_at)
        posting.award(level.entry_points, "tier", available_at=book.now)


def unwritten(book: Book, zone: ZoneInfo) -> dict[int, list[Counted]]:
    """Points that count and that the book has still to write, by member."""
    found: dict[int, list[Counted]] = {}
    for lot in book.lots:
        is_gift = lot.order_id is None and lot.parent_id is None and lot.kind not in tier_rows.NOT_EARNED
        if lot.id is None and is_gift:
            day = dates.local_date(lot.available_at, zone)
            found.setdefault(lot.member_id, []).append(Counted.of_gift(day, lot.given))
    return found


class Climb:
    """A member's tier while several of their orders are settled at once, as if they came one by one."""

    def __init__(self, case: Case, rules: Rules, today: date) -> None:
        self._case, self._rules, self._today = case, rules, today
        self._has_moved = False

    def on(self, day: date) -> str | None:
        """The tier before the next order, which is of that day; None: as it was before them all."""
        return (self._case.state.tier or "") if self._has_moved else None

    def take(self, counted: Counted) -> None:
        """The next order earned this."""
        case = self._case
        case.counted.append(counted)
        case.state, changes = tier_rules.review(
            case.state, case.counted, case.grants, self._rules, self._today
        )
        self._has_moved = self._has_moved or bool(changes)


def climbs(program: Program, member_ids: Iterable[int], now: datetime) -> dict[int, Climb]:
    """Where these members stand before their orders."""
    today, rules = today_of(program, now), rules_of(program)
    cases = tier_rows.cases(program, rules, member_ids, today)
    return {case.member_id: Climb(case, rules, today) for case in cases}


def rules_of(program: Program) -> Rules:
    """The tiers in force."""
    return Rules(program.version, programs.tiers(program), lambda number: programs.tiers(program, number))


def today_of(program: Program, now: datetime) -> date:
    """The day in the shop."""
    return dates.local_date(now, ZoneInfo(program.timezone))


def _changes(
    case: Case, rules: Rules, today: date, steps: Sequence[Step], heirs: Mapping[int, State]
) -> Iterator[tuple[Change, datetime | None]]:
    """Play what happened to a member, one step after the other; the case's state is that after the last."""
    moves: list[Change] = []
    if other := heirs.get(case.member_id):
        case.state, moves = tier_rules.inherited(case.state, other, rules.settings, today)
    for step in reversed(steps[1:]):
        _exchange(case.counted, step.after, step.before)
    for number, step in enumerate(steps):
        if number:
            _exchange(case.counted, step.before, step.after)
        case.state, changes = tier_rules.review(case.state, case.counted, case.grants, rules, today)
        yield from ((change, step.at) for change in [*moves, *changes])
        moves = []


def _exchange(counted: list[Counted], old: Counted | None, new: Counted | None) -> None:
    if old in counted:
        counted.remove(old)
    if new:
        counted.append(new)


def _dated(
    change: Change, moment: datetime | None, before: datetime | None, now: datetime, zone: ZoneInfo
) -> datetime:
    """When a move happened: with what caused it, or at the local midnight when it was due.

    In the order in which moves are written, so that the last one tells the tier.
    """
    happened_at = min(moment, now) if moment else dates.start_of_day(change.day, zone)
    return max(happened_at, before) if before else happened_at
