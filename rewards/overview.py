"""What members see of their own, in one statement: every shopper who opens the widget asks for it."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection

from rewards import live, offers, programs
from rewards.models import Program, Redemption
from rewards.offers import Shopper, tags_of
from rewards.prepared import prepared
from rewards.tier_rules import BLANK, State

SHOWN_MOST = 50
PAST_PAGE = 20
OVERVIEW = """
    SELECT asked.turn, clock_timestamp(), {program}, m.id, m.available, m.pending, m.reserved, m.debt,
           t.tier, t.amount, t.until, t.ends_on, t.reviewed, m.tags::text, {limits}, {live},
           r.id, r.state, r.code, r.points, r.value, r.reward::text, r.expires_at
    FROM rewards_program p
    -- The SELECT hides how many there are: a plan for a given number would look cheaper than one for any.
    CROSS JOIN unnest((SELECT %s::bigint[])) WITH ORDINALITY AS asked (customer_id, turn)
    LEFT JOIN LATERAL (
        SELECT member.* FROM rewards_identity i
        JOIN rewards_member member ON member.program_id = i.program_id AND member.id = i.member_id
        WHERE i.program_id = %s AND i.source_id = %s AND i.external_id = asked.customer_id
        LIMIT 1  -- so that a few of many are looked up one by one, however few statistics there are
    ) m ON true
    LEFT JOIN LATERAL (
        SELECT * FROM rewards_membertier WHERE program_id = %s AND member_id = m.id LIMIT 1
    ) t ON true
    {besides}
    LEFT JOIN LATERAL (
        SELECT * FROM rewards_redemption
        WHERE program_id = %s AND member_id = m.id AND state IN ('reserved', 'issued', 'ending')
        ORDER BY id DESC LIMIT {most}
    ) r ON true
    WHERE p.id = %s
    ORDER BY asked.turn, r.id DESC
"""
LIMITS = """
           had.by_reward,
           (SELECT jsonb_object_agg(rule, used)::text FROM rewards_budget
            WHERE program_id = %s AND rule = ANY(%s))
"""
COUNTED = """
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(reward, number)::text AS by_reward FROM (
            SELECT reward->>'id' AS reward, count(*) AS number FROM rewards_redemption
            WHERE program_id = %s AND member_id = m.id AND reward->>'id' = ANY(%s) AND state <> ALL(%s)
              AND points > 0
            GROUP BY 1
        ) counted
    ) had ON true
"""
LIVE = f"{live.PUBLIC}, own.waits, own.entries"
OWN = f"""
    LEFT JOIN LATERAL (
        SELECT {live.OWN.format(member="m.id")}
        LIMIT 1  -- so that it is asked once for each, and not with each redemption
    ) own ON true
"""
NO_LIMITS, NOT_LIVE = "NULL, NULL", ", ".join(["NULL"] * len(live.Facts._fields))

OF_PROGRAM = "p.version, p.currency, p.timezone, p.withheld::text, p.salt"
"""What `program_of` reads."""
VISIT = f"""
    SELECT {OF_PROGRAM},
           (SELECT member_id FROM rewards_identity
            WHERE program_id = %s AND source_id = %s AND external_id = %s)
    FROM rewards_program p WHERE p.id = %s
"""  # noqa: S608


class Points(NamedTuple):
    """A member's four balances."""

    available: int
    pending: int
    reserved: int
    debt: int


class AtHand(NamedTuple):
    """A redemption that isn't over."""

    id: int
    state: str
    code: str
    points: int
    value: int | None
    # As it was promised, and as anybody may see it. Don't change them.
    reward: dict[str, Any]
    shown: dict[str, Any]
    expires_at: datetime | None


class Overview(NamedTuple):
    """Without member id: nobody we know."""

    program: Program
    member_id: int | None
    points: Points
    # Where they stand among the tiers, as far as anything is known of it.
    state: State
    shopper: Shopper
    at_hand: list[AtHand]
    # What changes from hour to hour about rewards, as this member sees it.
    live: live.ByReward
    # The moment at which all of this was so.
    at: datetime


class Besides(NamedTuple):
    """What the rewards of a program make it necessary to ask for, besides what all ask for."""

    # Rewards of which each member's are counted, and budgets of rewards.
    counted: list[str]
    budgets: list[str]
    live: live.Wanted


NOTHING = Besides([], [], live.Wanted.of([]))
_besides: dict[int, Besides] = {}
"""Of programs that asked for more when they were last looked at."""


def overviews(program_id: int, source_id: int, customer_ids: Sequence[int | None]) -> list[Overview]:
    """For each of these customers: the program, their member, and their redemptions at hand, newest first.

    Empty when there is no such program.
    """
    asked = _besides.get(program_id, NOTHING)
    rows = _rows(program_id, source_id, customer_ids, asked)
    if not rows:
        return []
    program = program_of(program_id, rows[0][2:7])
    if (wanted := _wanted(program)) != asked:
        # A version that nobody here had looked at yet.
        _besides.pop(program_id, None)
        if wanted != NOTHING:
            _besides[program_id] = wanted
        rows = _rows(program_id, source_id, customer_ids, wanted)
    return [_overview(program, list(own)) for _, own in groupby(rows, key=itemgetter(0))]


def _rows(program_id: int, source_id: int, customer_ids: Sequence[int | None], asked: Besides) -> list[Any]:
    columns, joined = [NO_LIMITS, NOT_LIVE], ""
    before: list[Any] = []
    after: list[Any] = []
    if asked.counted or asked.budgets:
        columns[0], joined = LIMITS, COUNTED
        before += [program_id, asked.budgets]
        after += [program_id, asked.counted, [*Redemption.GIVEN_BACK]]
    if asked.live.rewards:
        columns[1], joined = LIVE, joined + OWN
        before += asked.live.of_all(program_id)
        after += live.of_one(program_id)
    who: list[Any] = [list(customer_ids), program_id, source_id, program_id]
    rest: list[Any] = [program_id, program_id]
    sql = _written(*columns, joined)
    with prepared() as cursor:
        cursor.execute(sql, [*before, *who, *after, *rest])
        return list(cursor.fetchall())


@lru_cache(maxsize=4)
def _written(limits: str, told: str, besides: str) -> str:
    return OVERVIEW.format(program=OF_PROGRAM, limits=limits, live=told, besides=besides, most=SHOWN_MOST)


def _wanted(program: Program) -> Besides:
    offered = programs.offered(program)
    return Besides(
        [offer.reward["id"] for offer in offered if offer.reward["per_member"]],
        [offer.budget for offer in offered if offer.reward["in_total"]],
        live.Wanted.of(offer.reward for offer in offered),
    )


def past(
    program_id: int, member_id: int, *, before: int | None = None, limit: int = PAST_PAGE
) -> tuple[list[Redemption], int | None]:
    """A member's redemptions that are over, newest first, and where the next page begins."""
    rows = Redemption.objects.filter(program_id=program_id, member_id=member_id, state__in=Redemption.OVER)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def visit(program_id: int, source_id: int, customer_id: int | None) -> tuple[Program, int | None]:
    """The program, as far as its rules go, and the member who this customer is, if we have heard of them."""
    with connection.cursor() as cursor:
        cursor.execute(VISIT, [program_id, source_id, customer_id, program_id])
        *known, member_id = cursor.fetchone()
    return program_of(program_id, known), member_id


def program_of(program_id: int, row: Sequence[Any]) -> Program:
    """The program, as far as its rules go."""
    version, currency, timezone, withheld, salt = row
    return Program(
        pk=program_id,
        version=version,
        currency=currency,
        timezone=timezone,
        withheld=json.loads(withheld),
        salt=salt,
    )


def _overview(program: Program, rows: list[Any]) -> Overview:
    now = rows[0][1]
    member_id, *points = rows[0][7:12]
    tier, amount, until, ends_on, reviewed = rows[0][12:17]
    tags, had, taken = (json.loads(text) if text else None for text in rows[0][17:20])
    state = BLANK
    if reviewed is not None:
        state = State(tier=tier or None, amount=amount, until=until, ends_on=ends_on, reviewed=reviewed)
    own = Points(*points) if member_id else Points(0, 0, 0, 0)
    facts = live.Facts(*rows[0][20 : 20 + len(live.Facts._fields)])
    return Overview(
        program,
        member_id,
        own,
        state,
        Shopper(own.available, state.tier, tags_of(tags), had or {}, taken or {}),
        [
            AtHand(id, state, code, points, value, *_reward(reward), expires_at)
            for *_, id, state, code, points, value, reward, expires_at in rows
            if id is not None
        ],
        live.shown(program, (offer.reward for offer in programs.offered(program)), facts, now),
        now,
    )


@lru_cache(maxsize=1000)
def _reward(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Most members' redemptions are of a few rewards."""
    reward = json.loads(text)
    return reward, offers.public(reward)
