"""Prize draws that everybody can check.

The seed of a draw is a digest of the program's secret; its own digest, the commitment, can be read from the
beginning. Once the draw is closed, each entry has a number: the SHA-256 of `seed:entry`, in hexadecimal
digits. A person's lowest number counts, and the lowest of all win. So whoever knows the commitment before,
and the seed and the entries afterwards, finds the same winners. See docs/draws.md.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rewards import clock, programs, recurring, redemptions, tallies
from rewards.models import Drawing, Member, Program, Redemption
from rewards.rules.base import Period

Json = dict[str, Any]
RETURNED_AT_ONCE = 500
CALLED_OFF = """
    SELECT d.program_id, d.reward, d.reason, d.author FROM rewards_drawing d
    JOIN rewards_tally t ON t.program_id = d.program_id AND t.reward = d.reward
    WHERE d.called_off AND t.count > 0
"""


class Closed(Exception):
    """The draw takes no entries any more."""


class NotNow(Exception):
    """The draw isn't where this could be done; the message says why."""


def closes_at(reward: Json, timezone: str) -> datetime:
    """The first moment that is too late."""
    ends = Period.of({"starts": None, "ends": reward["closes"]}, ZoneInfo(timezone)).ends
    assert ends is not None
    return ends


def is_open(program_id: int, reward: Json, now: datetime) -> bool:
    """Whether it takes entries. Final under the lock of its tally."""
    timezone = Program.objects.values_list("timezone", flat=True).get(pk=program_id)
    return now < closes_at(reward, timezone) and not drawings(program_id, reward["id"])


def drawings(program_id: int, reward_id: str) -> list[Drawing]:
    """What was drawn so far, in turns."""
    return of_rewards(program_id, [reward_id])[reward_id]


def of_rewards(program_id: int, reward_ids: Iterable[str]) -> dict[str, list[Drawing]]:
    """What was drawn so far, in turns, by reward."""
    found: dict[str, list[Drawing]] = {id: [] for id in reward_ids}
    for row in Drawing.objects.filter(program_id=program_id, reward__in=list(found)).order_by("turn"):
        found[row.reward].append(row)
    return found


def seed_of(program: Program, reward_id: str) -> str:
    """64 hexadecimal digits. A secret until the draw is closed."""
    return hashlib.sha256(bytes(program.salt) + f":draw:{reward_id}".encode()).hexdigest()


def commitment(seed: str) -> str:
    """What can be published of a seed before the draw."""
    return hashlib.sha256(seed.encode()).hexdigest()


def found(seed: str, entries: Iterable[Sequence[int]], prizes: int) -> list[int]:
    """The entries that win, in their order. `entries`: those of one person together. Pure."""
    best = sorted(min((number(seed, entry), entry) for entry in own) for own in entries)
    return [entry for _, entry in best[:prizes]]


def number(seed: str, entry: int) -> str:
    """What an entry drew: the lowest numbers win."""
    return hashlib.sha256(f"{seed}:{entry}".encode()).hexdigest()


@transaction.atomic
def draw(program: Program, reward_id: str, author: str, *, now: datetime | None = None) -> Drawing:
    """Find the winners, once. Raises NotNow, and LookupError when there is no such draw."""
    now = now or clock.now()
    reward = _locked(program, reward_id)
    if before := drawings(program.pk, reward_id):
        raise NotNow("It was called off." if before[0].called_off else "It was drawn already.")
    if now < closes_at(reward, program.timezone):
        raise NotNow("It still takes entries.")
    return _drawn(program, reward, 1, reward["winners"], author, "", now)


@transaction.atomic
def draw_again(
    program: Program, reward_id: str, author: str, reason: str, *, now: datetime | None = None
) -> Drawing:
    """One more winner, among those who haven't won: the next in the same order. Raises as `draw` does."""
    now = now or clock.now()
    reward = _locked(program, reward_id)
    before = drawings(program.pk, reward_id)
    if not before or before[0].called_off:
        raise NotNow("It was called off." if before else "It wasn't drawn yet.")
    return _drawn(program, reward, len(before) + 1, 1, author, reason, now, before)


@transaction.atomic
def call_off(
    program: Program, reward_id: str, author: str, reason: str, *, now: datetime | None = None
) -> Drawing:
    """There will be no winners: entries come back, the first of them soon. Raises as `draw` does."""
    now = now or clock.now()
    _locked(program, reward_id)
    if before := drawings(program.pk, reward_id):
        raise NotNow("It was called off already." if before[0].called_off else "It was drawn already.")
    return Drawing.objects.create(
        program=program,
        reward=reward_id,
        turn=1,
        called_off=True,
        author=author[:120],
        reason=reason[:300],
        drawn_at=now,
    )


def return_entries(*, now: datetime | None = None) -> int:
    """Give back the points of draws that were called off; returns how many entries."""
    with connection.cursor() as cursor:
        cursor.execute(CALLED_OFF)
        called_off = cursor.fetchall()
    return recurring.each(
        "draw", called_off, lambda drawing: _return_entries(*drawing, now=now), id=itemgetter(0, 1)
    )


def _return_entries(
    program_id: int, reward_id: str, reason: str, author: str, *, now: datetime | None
) -> int:
    entries = tallies.holding(program_id, reward_id).filter(reward__kind="draw")
    return recurring.each(
        "redemption",
        entries.values_list("id", flat=True)[:RETURNED_AT_ONCE],
        lambda redemption_id: bool(
            redemptions.given_back(program_id, redemption_id, reason, author, before=tallies.HOLDING, now=now)
        ),
    )


def _locked(program: Program, reward_id: str) -> Json:
    """The reward, with everybody else kept from entering and drawing."""
    tallies.locked(program.pk, [reward_id])
    reward = programs.reward(programs.document(program), reward_id)
    if reward is None or reward["kind"] != "draw":
        raise LookupError(reward_id)
    return reward


def _drawn(
    program: Program,
    reward: Json,
    turn: int,
    prizes: int,
    author: str,
    reason: str,
    now: datetime,
    before: Sequence[Drawing] = (),
) -> Drawing:
    entries, left_out = _entries(program, reward["id"], [id for drawing in before for id in drawing.winners])
    if not entries:
        raise NotNow("Nobody takes part who could win.")
    seed = seed_of(program, reward["id"])
    return Drawing.objects.create(
        program=program,
        reward=reward["id"],
        turn=turn,
        seed=seed,
        entries=entries,
        prizes=prizes,
        winners=found(seed, entries, prizes),
        left_out=left_out,
        author=author[:120],
        reason=reason[:300],
        drawn_at=now,
    )


def _entries(program: Program, reward_id: str, won: Sequence[int]) -> tuple[list[list[int]], int]:
    """The entries of each person who can win, and the number of those who can't.

    Those are people who asked to be forgotten, whose account is gone, or who earn nothing by the program's
    rules: staff, for one. Who won before doesn't win again.
    """
    by_member: dict[int, list[int]] = defaultdict(list)
    for entry, member_id in tallies.holding(program.pk, reward_id).values_list("id", "member_id"):
        by_member[member_id].append(entry)
    winners = Redemption.objects.filter(program_id=program.pk, pk__in=won).values_list("member_id", flat=True)
    for member_id in winners:
        by_member.pop(member_id, None)
    rules = programs.rules(program, program.version)
    people = Member.objects.filter(program_id=program.pk, pk__in=by_member)
    able = {
        member.pk
        for member in people.filter(redacted_at=None, closed_at=None)
        if not rules.excludes(member.tags or [])
    }
    taking_part = [entries for member_id, entries in by_member.items() if member_id in able]
    return sorted(taking_part), sum(
        len(entries) for member_id, entries in by_member.items() if member_id not in able
    )
