"""What the rules of a program gave, told by the movements' own explanations."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db import connection

from rewards.models import Program


@dataclass(frozen=True, slots=True)
class Given:
    """Points, before any limit cut them, and how many orders or occasions they were for."""

    points: int
    times: int


def given(program: Program, since: datetime, until: datetime, rule: str = "") -> dict[str, Given]:
    """By rule: what it gave for orders that first earned in this time, as those orders are now; for what is
    no order, what it gave in this time. `rule`: this one alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH fresh AS (
                SELECT DISTINCT order_id FROM rewards_movement
                WHERE program_id = %(program)s AND happened_at >= %(since)s AND happened_at < %(until)s
                  AND kind = 'order' AND key LIKE 'order:%%:0:%%'
            ), present AS (
                SELECT latest.explanation FROM fresh CROSS JOIN LATERAL (
                    SELECT explanation FROM rewards_movement
                    WHERE program_id = %(program)s AND order_id = fresh.order_id
                      AND kind IN ('order', 'refund')
                    ORDER BY id DESC LIMIT 1
                ) latest
            ), parts AS (
                SELECT part->>'rule' AS rule,
                       ((part->>'factor')::numeric - 1) * rtrim(part->>'of', '…')::numeric
                       * (explanation->'rate'->>'points')::numeric
                       / (explanation->'rate'->>'per')::numeric AS points
                FROM present CROSS JOIN jsonb_array_elements(explanation->'multipliers') part
                UNION ALL
                SELECT part->>'rule', (part->>'points')::numeric
                FROM present CROSS JOIN jsonb_array_elements(explanation->'flat') part
                UNION ALL
                SELECT explanation->>'id', (explanation->>'points')::numeric FROM rewards_movement
                WHERE program_id = %(program)s AND happened_at >= %(since)s AND happened_at < %(until)s
                  AND kind = 'action' AND source = 'issued'
            )
            SELECT rule, sum(points), count(*) FROM parts
            WHERE %(rule)s IN ('', rule) GROUP BY rule
            """,
            {"program": program.pk, "since": since, "until": until, "rule": rule},
        )
        return {name: Given(int(Fraction(points)), times) for name, points, times in cursor.fetchall()}
