"""Figures of referrals for the merchant: what came of all links, and whose friends bought most."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db import connection

from rewards import offers, programs
from rewards.models import Program

Json = dict[str, Any]
LEADERS = 20
COUNTED = ("waiting", "held", "paid")
"""States of a first order that came by a friend, as far as anybody knows."""
FIGURES = """
    SELECT (SELECT COALESCE(sum(clicks), 0) FROM rewards_advocate WHERE program_id = %(program)s),
           (SELECT count(*) FROM rewards_claim
            WHERE program_id = %(program)s AND state NOT IN ('visited', 'refused')),
           (SELECT count(*) FROM rewards_claim WHERE program_id = %(program)s AND state = 'refused'),
           count(*) FILTER (WHERE r.state = ANY(%(counted)s)),
           COALESCE(sum(o.spend) FILTER (WHERE r.state = ANY(%(counted)s)), 0),
           COALESCE(sum(r.points) FILTER (WHERE r.state = 'paid'), 0)
    FROM rewards_referral r
    JOIN rewards_order o ON o.program_id = r.program_id AND o.id = r.order_id
    WHERE r.program_id = %(program)s
"""
# What friends' codes took off, by what they promised: of a share what the order came to tells the rest.
GIVEN = """
    SELECT c.reward->>'kind', c.reward->>'percent', sum(COALESCE(c.value, 0)), sum(o.spend)
    FROM rewards_referral r
    JOIN rewards_claim c ON c.program_id = r.program_id AND c.id = r.claim_id
    JOIN rewards_order o ON o.program_id = r.program_id AND o.id = r.order_id
    WHERE r.program_id = %(program)s AND r.known_by = 'code' AND r.state = ANY(%(counted)s)
    GROUP BY 1, 2
"""
LEADERBOARD = """
    SELECT a.member_id, sum(a.clicks), sum(c.claims), sum(r.orders), sum(r.revenue), sum(r.points),
           count(*) FILTER (WHERE a.blocked_at IS NOT NULL)
    FROM rewards_advocate a
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state NOT IN ('visited', 'refused')) AS claims
        FROM rewards_claim WHERE program_id = %(program)s AND advocate_id = a.id
    ) c
    CROSS JOIN LATERAL (
        SELECT count(*) AS orders, COALESCE(sum(o.spend), 0) AS revenue,
               COALESCE(sum(f.points) FILTER (WHERE f.state = 'paid'), 0) AS points
        FROM rewards_referral f
        JOIN rewards_order o ON o.program_id = f.program_id AND o.id = f.order_id
        WHERE f.program_id = %(program)s AND f.advocate_id = a.id AND f.state = ANY(%(counted)s)
    ) r
    WHERE a.program_id = %(program)s
    GROUP BY a.member_id
    HAVING sum(a.clicks) > 0 OR sum(c.claims) > 0 OR sum(r.orders) > 0
    ORDER BY sum(r.orders) DESC, sum(r.revenue) DESC, sum(a.clicks) DESC, a.member_id
    LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all time. Money in minor units; `cost`: points paid by what rewards say they are worth, and what
    friends' codes took off, without free shipping.
    """

    clicks: int
    claims: int
    refused_claims: int
    orders: int
    revenue: int
    points: int
    cost: Fraction


@dataclass(frozen=True, slots=True)
class Leader:
    """A member, and what came of their links."""

    member_id: int
    clicks: int
    claims: int
    orders: int
    revenue: int
    points: int
    # Of how many links nobody can follow any more.
    blocked: int


def figures(program: Program) -> Figures:
    values: Json = {"program": program.pk, "counted": list(COUNTED)}
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, values)
        clicks, claims, refused, orders, revenue, points = map(int, cursor.fetchone())
        cursor.execute(GIVEN, values)
        given = sum((_taken_off(*row) for row in cursor.fetchall()), Fraction(0))
    rewards = programs.on_offer(programs.document(program))
    worth = offers.worth(points, rewards, program.currency) or Fraction(0)
    return Figures(clicks, claims, refused, orders, revenue, points, worth + given)


def leaders(program: Program) -> list[Leader]:
    """Who brought most first orders, then most money, then most visits."""
    values: Json = {"program": program.pk, "counted": list(COUNTED), "most": LEADERS}
    with connection.cursor() as cursor:
        cursor.execute(LEADERBOARD, values)
        # Sums come as decimals.
        return [Leader(*map(int, row)) for row in cursor.fetchall()]


def _taken_off(kind: str, percent: str | None, value: int, spend: int) -> Fraction:
    if kind == "fixed":
        return Fraction(int(value))
    share = Fraction(percent or 0) / 100
    return int(spend) * share / (1 - share) if kind == "percentage" and share < 1 else Fraction(0)
