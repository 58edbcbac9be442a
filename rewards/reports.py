"""What happened in a program, counted from its movements, in the merchant's own days."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from rewards.models import Bucket, Member, Program, Redemption


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened between two moments. Earned and spent are stated whole; what came back stands beside."""

    joined: int
    earned: int
    taken_back: int
    spent: int
    returned: int
    redemptions: int
    orders: int


@dataclass(frozen=True, slots=True)
class Day:
    """Points of one local day."""

    date: date
    earned: int
    spent: int


def week(program: Program, now: datetime) -> tuple[Figures, Figures]:
    """The last seven local days up to now, and the seven before up to the same time of day."""
    today = now.astimezone(ZoneInfo(program.timezone)).date()
    since, before = (_midnight(program, today - timedelta(days=days)) for days in (6, 13))
    return figures(program, since, now), figures(program, before, now - timedelta(days=7))


def figures(program: Program, start: datetime, end: datetime) -> Figures:
    """From `start`, up to but not including `end`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(sum(points) FILTER (WHERE source = 'issued'), 0),
                   COALESCE(sum(points) FILTER (WHERE target = 'issued'), 0),
                   COALESCE(sum(points) FILTER (WHERE target = 'spent'), 0),
                   COALESCE(sum(points) FILTER (WHERE source = 'spent'), 0),
                   count(DISTINCT order_id) FILTER (WHERE source = 'issued')
            FROM rewards_movement WHERE program_id = %s AND happened_at >= %s AND happened_at < %s
            """,
            [program.pk, start, end],
        )
        earned, taken_back, spent, returned, orders = map(int, cursor.fetchone())
    joined = Member.objects.filter(program=program, joined_at__gte=start, joined_at__lt=end)
    redemptions = Redemption.objects.filter(program=program, created_at__gte=start, created_at__lt=end)
    return Figures(
        joined=joined.filter(merged_into=None).count(),
        earned=earned,
        taken_back=taken_back,
        spent=spent,
        returned=returned,
        redemptions=redemptions.exclude(state=Redemption.State.FAILED).exclude(points=0).count(),
        orders=orders,
    )


def days(program: Program, last: date, number: int) -> list[Day]:
    """So many local days up to `last`, each with its points, quiet days included."""
    first = last - timedelta(days=number - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (happened_at AT TIME ZONE %s)::date,
                   COALESCE(sum(points) FILTER (WHERE source = %s), 0),
                   COALESCE(sum(points) FILTER (WHERE target = %s), 0)
            FROM rewards_movement WHERE program_id = %s AND happened_at >= %s AND happened_at < %s
            GROUP BY 1
            """,
            [
                program.timezone,
                str(Bucket.ISSUED),
                str(Bucket.SPENT),
                program.pk,
                _midnight(program, first),
                _midnight(program, last + timedelta(days=1)),
            ],
        )
        found = {day: (int(earned), int(spent)) for day, earned, spent in cursor.fetchall()}
    dates = [first + timedelta(days=offset) for offset in range(number)]
    return [Day(day, *found.get(day, (0, 0))) for day in dates]


def _midnight(program: Program, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(program.timezone))
