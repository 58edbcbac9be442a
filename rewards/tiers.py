"""Members and their tiers: reviewed when something happens to them, and on the day when something is due.

What decides is pure (`tier_rules`); here are the rows, under the member's lock, and the points of an entry.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F

from rewards import (
    clock,
    closed_tiers,
    gift_rounds,
    programs,
    recurring,
    tier_reviews,
    tier_rows,
    tier_rules,
)
from rewards.ledger import Book
from rewards.models import MemberTier, Program
from rewards.tier_reviews import NIGHT, Step, Steps, today_of
from rewards.tier_rules import BLANK, Rules, State
from rewards.tier_settings import Settings

Json = dict[str, Any]
BATCH = 500
TOLD = ("id", "name", "from", "multiplier", "entry_points", "perks", "by_invitation", "membership")
"""What anybody may know of a level."""


def review(
    book: Book,
    program: Program,
    member_ids: Iterable[int],
    now: datetime,
    steps: Callable[[], Steps] | None = None,
) -> None:
    """Find the tiers of members of this book after something happened to them: these steps, or just now.

    Call it when all that counts is said - orders are saved, points are posted - and before the book is
    written. A program without tiers pays nothing.
    """
    if programs.tiers(program).levels:
        told = steps() if steps else {}
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


def review_due(*, now: datetime | None = None, batch: int = BATCH, hands: int = 1) -> int:
    """Review everybody whose day has come, each at the local midnight of their shop; returns how many.

    In proportion to what is due. Safe to run twice at once, and to stop. `hands`: threads, with database
    connections of their own; PostgreSQL writes for one while another reckons.
    """
    now = now or clock.certain()
    return recurring.each("step", (follow, _of_today), lambda step: step(now=now, batch=batch, hands=hands))


def follow(*, now: datetime | None = None, batch: int = BATCH, hands: int = 1) -> int:
    """After a change of a program's tiers: review all its members; returns how many."""
    moment = now or clock.certain()

    def review_all(program: Program) -> int:
        # Who had something happen to them meanwhile was reviewed by the version of that moment.
        done, passed = 0, range(program.tiered_version, program.version)
        if any(_differ(programs.tiers(program, number), programs.tiers(program)) for number in passed):
            done = _review_parts(program, tier_rows.everybody(program.pk, batch), moment, hands)
        Program.objects.filter(pk=program.pk).update(tiered_version=program.version)
        return done

    changed = Program.objects.filter(tiered_version__lt=F("version")).order_by("pk")
    return recurring.each("program", changed, review_all)


def foreseen(
    program: Program, document: Json, *, every: int = 1, now: datetime | None = None, batch: int = BATCH
) -> Iterator[tuple[int, str | None, str | None]]:
    """(member, tier now, tier then) of all who would move if this complete document came into force now.

    `every`: look at every so manieth member only.
    """
    document = closed_tiers.kept(program, programs.document(program), document)
    today, wanted = today_of(program, now or clock.now()), Settings.of(document, program.currency)
    rules = Rules(program.version + 1, wanted, lambda number: programs.tiers(program, number))
    for members in tier_rows.everybody(program.pk, batch):
        some = [member_id for member_id in members if member_id % every == 0]
        for case in tier_rows.cases(program, rules, some, today):
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
    levels = [level for level in said["levels"] if not (level["hidden"] or level["closed"])]
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


def _review(
    book: Book, program: Program, steps: Steps, now: datetime, heirs: Mapping[int, State] | None = None
) -> None:
    fresh = tier_reviews.unwritten(book, ZoneInfo(program.timezone))
    outcome = tier_reviews.judge(program, steps, now, fresh=fresh, heirs=heirs)
    for member_id in outcome.told:
        book.accounts[member_id].changed = True
    gift_rounds.arrived(program, outcome.moves, now)
    tier_reviews.welcome(book, tier_reviews.welcomes(program, outcome.moves))


def _of_today(*, now: datetime, batch: int, hands: int) -> int:
    def review_due_ones(program: Program) -> int:
        due = tier_rows.due(program.pk, today_of(program, now), batch)
        return _review_parts(program, due, now, hands)

    programs = Program.objects.filter(pk__in=tier_rows.programs_due(now)).order_by("pk")
    return recurring.each("program", programs, review_due_ones)


def _review_parts(program: Program, parts: Iterator[list[int]], now: datetime, hands: int) -> int:
    review = partial(recurring.halved, "member", work=partial(_review_again, program, now=now))
    if hands == 1:
        return recurring.each("part", parts, review)
    turn = Lock()

    def next_part() -> list[int] | None:
        with turn:
            return next(parts, None)

    def hand() -> int:
        try:
            return recurring.each("part", iter(next_part, None), review)
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as pool:
        at_work = [pool.submit(hand) for _ in range(hands)]
        return recurring.each("hand", at_work, lambda one: one.result())


@transaction.atomic
def _review_again(program: Program, member_ids: Iterable[int], now: datetime) -> int:
    """Without a book, as long as nobody is given points."""
    there = tier_rows.locked(program.pk, member_ids)
    outcome = tier_reviews.judge(program, dict.fromkeys(there, NIGHT), now)
    tier_rows.tell(program.pk, outcome.told)
    gift_rounds.arrived(program, outcome.moves, now)
    if due := tier_reviews.welcomes(program, outcome.moves):
        book = Book.open(program.pk, {member_id for member_id, _ in due}, now=now, spenders=())
        tier_reviews.welcome(book, due)
        book.write()
    return len(there)


def _differ(before: Settings, after: Settings) -> bool:
    """Whether somebody may stand elsewhere by the later one."""
    return before != after and bool(before.levels or after.levels)
