"""What of rewards that are the merchant's own changes from hour to hour: what is left, given, entered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from rewards import budgets, clock, draws, kinds, offers, tallies, waits
from rewards.models import Drawing, Program, Tally
from rewards.money import major

Json = dict[str, Any]
ByReward = dict[str, Json]
OWN_WAITS = """
    SELECT w.reward, w.member_id, w.kept_until, (
        SELECT count(*) FROM rewards_wait a
        WHERE a.program_id = %s AND a.reward = w.reward AND a.id <= w.id
          AND (a.kept_until IS NULL OR a.kept_until > %s)
    )
    FROM rewards_wait w
    WHERE w.program_id = %s AND w.member_id = ANY(%s) AND (w.kept_until IS NULL OR w.kept_until > %s)
"""
WAITING = """
    SELECT reward, count(*) FROM rewards_wait
    WHERE program_id = %s AND reward = ANY(%s) AND (kept_until IS NULL OR kept_until > %s)
    GROUP BY reward
"""
OWN_ENTRIES = """
    SELECT reward->>'id', member_id, id FROM rewards_redemption
    WHERE program_id = %s AND member_id = ANY(%s) AND reward->>'kind' = 'draw'
      AND state IN ('reserved', 'used')
    ORDER BY id
"""


def of_rewards(program: Program, rewards: Iterable[Json], now: datetime | None = None) -> ByReward:
    """What anybody may know of these rewards, by the id of each that Shopify has no part in."""
    own = _of_own(rewards)
    if not own:
        return {}
    now = now or clock.now()
    found = tallies.known(program.pk, [reward["id"] for reward in own])
    limited = [reward["id"] for reward in own if reward["kind"] == "exclusive" and reward["in_total"]]
    waiting = _waiting(program.pk, limited, now)
    taken = budgets.used(program.pk, [offers.budget_of(id) for id in limited])
    drawn = _drawn(program.pk, [reward["id"] for reward in own if reward["kind"] == "draw"])
    whole = _with_secrets(program) if drawn else program
    shown: ByReward = {}
    for reward in own:
        tally = found[reward["id"]]
        if reward["kind"] == "draw":
            shown[reward["id"]] = draw(whole, reward, tally, drawn[reward["id"]], now)
        elif reward["kind"] == "donation":
            shown[reward["id"]] = {"given": major(tally.value, program.currency), "times": tally.count}
        else:
            number = taken.get(offers.budget_of(reward["id"]), 0)
            shown[reward["id"]] = _stock(reward, number, waiting.get(reward["id"], 0))
    return shown


def of_members(program: Program, rewards: Sequence[Json], members: Sequence[int]) -> dict[int, ByReward]:
    """The same as each of these members sees it; 0: somebody whom we don't know."""
    ours = _of_own(rewards)
    if not ours:
        return defaultdict(dict)
    now = clock.now()
    public, own = of_rewards(program, ours, now), _own(program.pk, ours, members, now)
    return {
        member: {id: {**said, **own.get((id, member), {})} for id, said in public.items()}
        for member in [0, *members]
    }


def merged(reward: Json, said: Json | None) -> Json:
    """A reward as a shopper sees it, with what was said of it here: of two limits the narrower one counts."""
    if not said:
        return reward
    left = [one["left"] for one in (reward, said) if "left" in one]
    return {**reward, **said, **({"left": min(left)} if left else {})}


def draw(program: Program, reward: Json, tally: Tally, turns: Sequence[Drawing], now: datetime) -> Json:
    """Where a draw is. The seed is told when nobody can enter any more because of it."""
    closes = draws.closes_at(reward, program.timezone)
    seed = draws.seed_of(program, reward["id"])
    called_off = any(turn.called_off for turn in turns)
    state = "called_off" if called_off else "drawn" if turns else "open" if now < closes else "closed"
    return {
        "state": state,
        "closes_at": closes.isoformat(),
        "entries": tally.count,
        "commitment": draws.commitment(seed),
        "seed": seed if state == "drawn" else None,
        "winning_entries": [entry for turn in turns for entry in turn.winners],
        "why": turns[0].reason if called_off else None,
    }


def _of_own(rewards: Iterable[Json]) -> list[Json]:
    return [reward for reward in rewards if kinds.of(reward).made_by == "own"]


def _stock(reward: Json, taken: int, waiting: int) -> Json:
    left = waits.left(reward, taken)
    return {} if left is None else {"left": max(0, left - waiting), "waiting": waiting}


def _own(
    program_id: int, rewards: Sequence[Json], members: Sequence[int], now: datetime
) -> Mapping[tuple[str, int], Json]:
    """(reward, member): what is theirs alone."""
    found: dict[tuple[str, int], Json] = {}
    with connection.cursor() as cursor:
        if any(reward["kind"] == "exclusive" for reward in rewards):
            cursor.execute(OWN_WAITS, [program_id, now, program_id, list(members), now])
            for reward, member, kept_until, place in cursor.fetchall():
                kept = kept_until and kept_until.isoformat()
                found[reward, member] = {"place": place, "kept_until": kept}
        if any(reward["kind"] == "draw" for reward in rewards):
            entries: dict[tuple[str, int], list[int]] = defaultdict(list)
            cursor.execute(OWN_ENTRIES, [program_id, list(members)])
            for reward, member, entry in cursor.fetchall():
                entries[reward, member].append(entry)
            found |= {key: {"own_entries": own} for key, own in entries.items()}
    return found


def _waiting(program_id: int, reward_ids: list[str], now: datetime) -> dict[str, int]:
    if not reward_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [program_id, reward_ids, now])
        return dict(cursor.fetchall())


def _drawn(program_id: int, reward_ids: list[str]) -> dict[str, list[Drawing]]:
    found: dict[str, list[Drawing]] = {id: [] for id in reward_ids}
    rows = Drawing.objects.filter(program_id=program_id, reward__in=reward_ids).defer("entries")
    for row in rows.order_by("turn") if reward_ids else ():
        found[row.reward].append(row)
    return found


def _with_secrets(program: Program) -> Program:
    """Whoever only visits has less of it in hand."""
    return program if program.salt else Program.objects.get(pk=program.pk)
