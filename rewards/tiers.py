"""Members and their tiers: reviewed when something happens to them, and on the day when something is due.

What decides is pure (`tier_rules`); here are the rows, under the member's lock, and the points of an entry.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from rewards import clock, dates, programs, tier_rows, tier_rules
from rewards.ledger import Book, MemberMerged
from rewards.models import MemberTier, Program
from rewards.tier_rows import Case, Moved
from rewards.tier_rules import BLANK, Change, Counted, Rules, Settings, State

Json = dict[str, Any]
BATCH = 1000
TOLD = ("id", "name", "from", "multiplier", "entry_points", "perks", "by_invitation", "membership")
"""What anybody may know of a level."""


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


def review(
    book: Book, program: Program, member_ids: Iterable[int], now: datetime, steps: Steps | None = None
) -> None:
    """Find the tiers of members of this book after something happened to them: these steps, or just now.

    Call it when all that counts is said - orders are saved, points are posted - and before the book is
    written. A program without tiers pays nothing.
    """
    if programs.tiers(program).levels:
        told = steps or {}
        _review(book, program, {id: told.get(id) or [Step(now)] for id in member_ids}, now)


def inherit(book: Book, program: Program, gone_id: int, kept_id: int, at: datetime, now: datetime) -> None:
    """The higher tier stays when a member becomes part of another, whose the orders and grants are by now."""
    gone = states(program, [gone_id]).get(gone_id)
    MemberTier.objects.filter(program=program, member_id=gone_id).delete()
    if gone or programs.tiers(program).levels:
        _review(book, program, {kept_id: [Step(at)]}, now, {kept_id: gone or BLANK})


def held_at(program_id: int, asked: Sequence[tuple[int, datetime]]) -> list[str | None]:
    """For each (member, moment): the tier that was in force just before it.

    So an order that crosses a threshold earns by the tier before it, however late we hear of it.
    """
    return tier_rows.held_at(program_id, asked)


def review_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Review everybody whose day has come, each at the local midnight of their shop; returns how many.

    In proportion to what is due. Safe to run twice at once, and to stop.
    """
    now = now or clock.certain()
    done = follow(now=now, batch=batch)
    for program in Program.objects.filter(pk__in=tier_rows.programs_due(now)).order_by("pk"):
        for members in tier_rows.due(program.pk, _today(program, now), batch):
            done += _review_again(program, members, now)
    return done


def follow(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """After a change of a program's tiers: review all its members; returns how many."""
    now, done = now or clock.certain(), 0
    for program in Program.objects.filter(tiered_version__lt=F("version")).order_by("pk"):
        # Who had something happen to them meanwhile was reviewed by the version of that moment.
        passed = range(program.tiered_version, program.version)
        if any(_differ(programs.tiers(program, number), programs.tiers(program)) for number in passed):
            for members in tier_rows.everybody(program.pk, batch):
                done += _review_again(program, members, now)
        Program.objects.filter(pk=program.pk).update(tiered_version=program.version)
    return done


def foreseen(
    program: Program, document: Json, *, now: datetime | None = None, batch: int = BATCH
) -> Iterator[tuple[int, str | None, str | None]]:
    """(member, tier now, tier then) of all who would move if this complete document came into force now."""
    today, wanted = _today(program, now or clock.now()), Settings.of(document, program.currency)
    number = program.version + 1
    rules = Rules(number, lambda asked: wanted if asked == number else programs.tiers(program, asked))
    for members in tier_rows.everybody(program.pk, batch):
        for case in tier_rows.cases(program, rules, members, today):
            state, _ = tier_rules.review(case.state, case.counted, case.grants, rules, today)
            if state.tier != case.state.tier:
                yield case.member_id, case.state.tier, state.tier


def states(program: Program, member_ids: Iterable[int]) -> dict[int, State]:
    """Where these members stand, as far as anything is known of them."""
    rows = MemberTier.objects.filter(program=program, member_id__in=list(member_ids))
    return {
        member_id: State(tier or None, earned or None, *rest)
        for member_id, tier, earned, *rest in rows.values_list("member_id", *tier_rows.STATE)
    }


def public(document: Json) -> Json | None:
    """What anybody may know of the tiers of a complete document."""
    said = document["tiers"]
    levels = [level for level in said["levels"] if not level["hidden"]]
    if not levels:
        return None
    named = ("id", "name", "from", "multiplier", "entry_points", "perks", "by_invitation", "membership")
    return {
        "metric": said["metric"],
        "window": said["window"],
        "levels": [
            {name: level[name] for name in named if level[name] not in (None, False)} for level in levels
        ],
    }


def shown(program: Program, state: State) -> tuple[Json | None, Json | None]:
    """(tier, next tier) as shoppers read them. Until a change of the program reached them: no way ahead."""
    settings = programs.tiers(program)
    levels = {level["id"]: level for level in programs.document(program)["tiers"]["levels"]}
    held = levels.get(state.tier or "")
    tier = held and {
        "id": held["id"],
        "name": held["name"],
        "perks": held["perks"],
        "until": state.ends_on.isoformat() if state.ends_on else None,
    }
    is_current = not state.reviewed or programs.tiers(program, state.reviewed) == settings
    return tier, tier_rules.next_tier(settings, state, program.currency) if is_current else None


class Climb:
    """A member's tier while several of their orders are settled at once, as if they came one by one."""

    def __init__(self, case: Case, rules: Rules, today: date) -> None:
        self._case, self._rules, self._today = case, rules, today
        self.tier: str | None = None
        self.has_moved = False

    def take(self, counted: Counted) -> None:
        """The next order earned this."""
        case = self._case
        case.counted.append(counted)
        case.state, changes = tier_rules.review(
            case.state, case.counted, case.grants, self._rules, self._today
        )
        self.tier, self.has_moved = case.state.tier, self.has_moved or bool(changes)


def climbs(program: Program, member_ids: Iterable[int], now: datetime) -> dict[int, Climb]:
    """Where these members stand before their orders."""
    today, rules = _today(program, now), _rules(program)
    cases = tier_rows.cases(program, rules, member_ids, today)
    return {case.member_id: Climb(case, rules, today) for case in cases}


def _review(
    book: Book, program: Program, steps: Steps, now: datetime, heirs: Mapping[int, State] | None = None
) -> None:
    """Judge members, and write what became of them. `heirs`: who takes over what another one was."""
    today, rules = _today(program, now), _rules(program)
    zone, fresh = ZoneInfo(program.timezone), _unwritten(book, ZoneInfo(program.timezone))
    changed: list[Case] = []
    moves: list[Moved] = []
    for case in tier_rows.cases(program, rules, steps, today):
        before = case.state
        case.counted += fresh.get(case.member_id, ())
        for change, at in _changes(case, rules, today, steps[case.member_id], heirs or {}):
            case.changed_at = _dated(change, at if change.day == today else None, case.changed_at, now, zone)
            moves.append(Moved(case.member_id, change, rules.version, case.changed_at))
        if case.state != before and (case.is_stored or not case.state.is_blank):
            changed.append(case)
        if case.state.shown != before.shown:
            book.accounts[case.member_id].changed = True
    tier_rows.save(program.pk, changed)
    tier_rows.note(program.pk, moves)
    _welcome(book, rules.settings, moves)


@transaction.atomic
def _review_again(program: Program, member_ids: Iterable[int], now: datetime) -> int:
    try:
        book = Book.open(program.pk, member_ids, now=now, spenders=())
    except MemberMerged:
        return 0  # what they had counts for the survivor, who was reviewed at once
    _review(book, program, dict.fromkeys(book.accounts, NIGHT), now)
    book.write()
    return len(book.accounts)


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


def _differ(before: Settings, after: Settings) -> bool:
    """Whether somebody may stand elsewhere by the later one."""
    return before != after and bool(before.levels or after.levels)


def _rules(program: Program) -> Rules:
    return Rules(program.version, lambda number: programs.tiers(program, number))


def _today(program: Program, now: datetime) -> date:
    return dates.local_date(now, ZoneInfo(program.timezone))


def _dated(
    change: Change, moment: datetime | None, before: datetime | None, now: datetime, zone: ZoneInfo
) -> datetime:
    """When a move happened: with what caused it, or at the local midnight when it was due.

    In the order in which moves are written, so that the last one tells the tier.
    """
    happened_at = min(moment, now) if moment else dates.start_of_day(change.day, zone)
    return max(happened_at, before) if before else happened_at


def _unwritten(book: Book, zone: ZoneInfo) -> dict[int, list[Counted]]:
    """Points that count and that the book has still to write, by member."""
    found: dict[int, list[Counted]] = {}
    for lot in book.lots:
        is_gift = lot.order_id is None and lot.parent_id is None and lot.kind not in tier_rows.NOT_EARNED
        if lot.id is None and is_gift:
            day = dates.local_date(lot.available_at, zone)
            found.setdefault(lot.member_id, []).append(Counted.of_gift(day, lot.given))
    return found


def _welcome(book: Book, settings: Settings, moves: Iterable[Moved]) -> None:
    """Post the points of arriving at a level: once for each member and level, whatever becomes of them."""
    due = {
        (moved.member_id, level.id): (moved, level)
        for moved in moves
        for level in map(settings.level, moved.change.entered)
        if level and level.entry_points
    }
    if not due:
        return
    given = tier_rows.entered(book.program_id, due)
    for (member_id, level_id), (moved, level) in due.items():
        if (member_id, level_id) in given:
            continue
        explanation = {
            "rule": "tier",
            "version": moved.version,
            "level": level.id,
            "tier": level.name,
            "points": level.entry_points,
        }
        key = f"tier:{member_id}:{level_id}"
        posting = book.posting(member_id, key, "tier", explanation, moved.happened_at)
        posting.award(level.entry_points, "tier", available_at=book.now)
