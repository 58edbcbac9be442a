"""What of rewards that are the merchant's own changes from hour to hour: what is left, given, entered.

All of it is found by one statement, alone or as columns of another one: every shopper asks for it.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.db import connection

from rewards import draws, kinds, offers, waits
from rewards.models import Drawing, Program, Tally
from rewards.money import major

Json = dict[str, Any]
ByReward = dict[str, Json]
PUBLIC = """
    (SELECT jsonb_object_agg(reward, jsonb_build_array(count, value))::text FROM rewards_tally
     WHERE program_id = %s AND reward = ANY(%s)),
    (SELECT jsonb_object_agg(reward, number)::text FROM (
        SELECT reward, count(*) AS number FROM rewards_wait
        WHERE program_id = %s AND reward = ANY(%s) AND (kept_until IS NULL OR kept_until > clock_timestamp())
        GROUP BY reward
    ) lines),
    (SELECT jsonb_object_agg(rule, used)::text FROM rewards_budget WHERE program_id = %s AND rule = ANY(%s)),
    (SELECT jsonb_agg(jsonb_build_array(reward, called_off, reason, winners) ORDER BY turn)::text
     FROM rewards_drawing WHERE program_id = %s AND reward = ANY(%s))
"""
"""The same for everybody."""
OWN = """
    (SELECT jsonb_object_agg(w.reward, jsonb_build_array(w.kept_until, (
        SELECT count(*) FROM rewards_wait a
        WHERE a.program_id = %s AND a.reward = w.reward AND a.id <= w.id
          AND (a.kept_until IS NULL OR a.kept_until > clock_timestamp())
     )))::text
     FROM rewards_wait w
     WHERE w.program_id = %s AND w.member_id = {member}
       AND (w.kept_until IS NULL OR w.kept_until > clock_timestamp())
    ) AS waits,
    (SELECT jsonb_agg(jsonb_build_array(reward->>'id', id) ORDER BY id)::text FROM rewards_redemption
     WHERE program_id = %s AND member_id = {member} AND reward->>'kind' = 'draw'
       AND state IN ('reserved', 'used')
    ) AS entries
"""
"""What is one member's."""


class Wanted(NamedTuple):
    """What to ask for: the rewards that Shopify has no part in, those with a stock, the draws."""

    rewards: list[str]
    limited: list[str]
    draws: list[str]

    @classmethod
    def of(cls, rewards: Iterable[Json]) -> "Wanted":
        ours = [reward for reward in rewards if kinds.of(reward).made_by == "own"]
        return cls(
            [reward["id"] for reward in ours],
            [reward["id"] for reward in ours if reward["kind"] == "exclusive" and reward["in_total"]],
            [reward["id"] for reward in ours if reward["kind"] == "draw"],
        )

    def of_all(self, program_id: int) -> list[Any]:
        """The values of PUBLIC."""
        budgets = [offers.budget_of(id) for id in self.limited]
        named = (self.rewards, self.limited, budgets, self.draws)
        return [*chain.from_iterable((program_id, names) for names in named)]


def of_one(program_id: int, *member_id: int | None) -> list[Any]:
    """The values of OWN, with the member where that isn't a column."""
    return [program_id, program_id, *member_id, program_id, *member_id]


class Facts(NamedTuple):
    """The columns of PUBLIC and OWN, as they come."""

    tallies: str | None
    waiting: str | None
    taken: str | None
    drawn: str | None
    own_waits: str | None
    own_entries: str | None


def of_rewards(program: Program, rewards: Sequence[Json]) -> ByReward:
    """What anybody may know of these rewards, by the id of each that Shopify has no part in."""
    return of_member(program, rewards, None)


def of_member(program: Program, rewards: Sequence[Json], member_id: int | None) -> ByReward:
    """The same as this member sees it."""
    wanted = Wanted.of(rewards)
    if not wanted.rewards:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [*wanted.of_all(program.pk), *of_one(program.pk, member_id)])
        now, *facts = cursor.fetchone()
    return shown(program, rewards, Facts(*facts), now)


ALONE = f"SELECT clock_timestamp(), {PUBLIC}, {OWN.format(member='%s::bigint')}"


def shown(program: Program, rewards: Iterable[Json], facts: Facts, now: datetime) -> ByReward:
    """What is told of these rewards."""
    tallies, waiting, taken = _loaded(facts.tallies), _loaded(facts.waiting), _loaded(facts.taken)
    own_waits, own_entries = _loaded(facts.own_waits), _grouped(facts.own_entries)
    drawn = _grouped(facts.drawn)

    def of_draw(reward: Json, count: int) -> Json:
        turns = [
            Drawing(called_off=called_off, reason=reason, winners=winners)
            for called_off, reason, winners in drawn.get(reward["id"], ())
        ]
        entries = [entry for (entry,) in own_entries.get(reward["id"], ())]
        told = draw(program, reward, Tally(count=count), turns, now)
        return {**told, "own_entries": entries} if entries else told

    def of_exclusive(reward: Json) -> Json:
        id = reward["id"]
        stock = _stock(reward, taken.get(offers.budget_of(id), 0), waiting.get(id, 0))
        return {**stock, **dict(zip(("kept_until", "place"), own_waits.get(id, ()), strict=False))}

    def of_reward(reward: Json) -> Json:
        count, value = tallies.get(reward["id"], (0, 0))
        if reward["kind"] == "draw":
            return of_draw(reward, count)
        if reward["kind"] == "donation":
            return {"given": major(value, program.currency), "times": count}
        return of_exclusive(reward)

    return {reward["id"]: of_reward(reward) for reward in rewards if kinds.of(reward).made_by == "own"}


def _loaded(text: str | None) -> Json:
    found: Json = json.loads(text) if text else {}
    return found


def _grouped(text: str | None) -> dict[str, list[list[Any]]]:
    """[[reward, ...], ...] by reward."""
    found: dict[str, list[list[Any]]] = {}
    for id, *rest in json.loads(text) if text else ():
        found.setdefault(id, []).append(rest)
    return found


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


def _stock(reward: Json, taken: int, waiting: int) -> Json:
    left = waits.left(reward, taken)
    return {} if left is None else {"left": max(0, left - waiting), "waiting": waiting}
