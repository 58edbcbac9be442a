"""Promo codes in bulk: chosen and kept before the shop system is asked for them, and tracked by their orders.

making -> ready -> ending -> ended
making -> failed
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from rewards import clock, kinds, redemptions
from rewards.facts import OrderFact
from rewards.models import Program, PromoCode, Promotion, Redemption

Json = dict[str, Any]
State = Promotion.State
CODES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a promotion is to be. `reward` is complete; `prefix` begins each code."""

    source_id: int
    name: str
    reward: Json
    number: int
    prefix: str
    ends_at: datetime | None
    author: str


@transaction.atomic
def start(program: Program, plan: Plan, *, now: datetime | None = None) -> Promotion:
    """Keep it with all its codes; whoever makes promotions goes on from there."""
    now = now or clock.now()
    promotion = Promotion.objects.create(
        program=program,
        source_id=plan.source_id,
        name=plan.name,
        reward={**plan.reward, "points": 0, "version": program.version, "asked": None},
        value=kinds.of(plan.reward).value(plan.reward, program.currency),
        starts_at=now,
        ends_at=plan.ends_at,
        author=plan.author,
        due_at=now,
    )
    missing = plan.number
    while missing:
        missing -= _add(promotion, {plan.prefix + redemptions.new_code() for _ in range(missing)})
    return promotion


def end(program_id: int, promotion_id: int, *, now: datetime | None = None) -> bool:
    """From now on nobody is to use its codes. False when it was ended before, or never made."""
    started = Promotion.objects.filter(
        program_id=program_id, pk=promotion_id, state__in=(State.MAKING, State.READY)
    ).update(state=State.ENDING, due_at=now or clock.now(), attempts=0)
    return bool(started)


def note_orders(program_id: int, states: Sequence[tuple[int, OrderFact]]) -> None:
    """(id, state): orders that carry promo codes use them; the first one of each is kept."""
    carried = {
        code: (order_id, fact)
        for order_id, fact in reversed(states)
        for code in redemptions.like_ours(fact.codes)
    }
    if not carried:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE rewards_promocode p SET order_id = v.order_id, used_at = v.used_at
            FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS v (code, order_id, used_at)
            WHERE p.program_id = %s AND p.code = v.code AND p.order_id IS NULL
            """,
            [
                list(carried),
                [order_id for order_id, _ in carried.values()],
                [fact.processed_at for _, fact in carried.values()],
                program_id,
            ],
        )


def counts(promotion: Promotion) -> dict[str, int]:
    """How many codes there are in each state, and how many of them were used."""
    return counts_of(promotion.program_id, [promotion.pk])[promotion.pk]


def counts_of(program_id: int, promotion_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """The same of several, by one statement."""
    found = {id: dict.fromkeys([*PromoCode.State.values, "used"], 0) for id in promotion_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT promotion_id, state, count(*), count(order_id) FROM rewards_promocode
            WHERE program_id = %s AND promotion_id = ANY(%s) GROUP BY promotion_id, state
            """,
            [program_id, list(promotion_ids)],
        )
        for id, state, number, used in cursor.fetchall():
            found[id][state] = number
            found[id]["used"] += used
    return found


def first_code(promotion: Promotion) -> PromoCode:
    """The one that its discount is made with."""
    codes = PromoCode.objects.filter(program_id=promotion.program_id, promotion=promotion)
    found = codes.order_by("pk").first()
    assert found is not None  # each has some
    return found


def choose_again(code: PromoCode) -> None:
    """Another code in its place, since it belongs to somebody else; only while nothing was made."""
    new = code.code[: -redemptions.CODE_LENGTH] + redemptions.new_code()
    PromoCode.objects.filter(program_id=code.program_id, pk=code.pk, code=code.code).update(code=new)


def _add(promotion: Promotion, codes: set[str]) -> int:
    """Add those that nobody has; returns how many."""
    known = Redemption.objects.filter(program_id=promotion.program_id, code__in=codes)
    free = sorted(codes - set(known.values_list("code", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_promocode (program_id, promotion_id, code, state, part, reason)
            SELECT %s, %s, code, 'waiting', '', '' FROM unnest(%s::text[]) AS code
            ON CONFLICT (program_id, code) DO NOTHING
            """,
            [promotion.program_id, promotion.pk, free],
        )
        return int(cursor.rowcount)
