"""Tiers that are given: to whom the merchant invites, and with a product, as long as it isn't given back."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import QuerySet

from rewards import clock, dates, programs, tiers
from rewards.facts import OrderFact
from rewards.ledger import Book
from rewards.models import Program, TierGrant
from rewards.order_rows import OpenOrder


class NoSuchLevel(LookupError):
    """The program has no such tier."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A level that came with an order, for so many days; none: all of it went back."""

    order_id: int
    member_id: int
    level: str
    starts_on: date
    days: int


@transaction.atomic
def invite(
    program: Program,
    member_id: int,
    level: str,
    until: date | None,
    author: str,
    reason: str = "",
    *,
    now: datetime | None = None,
) -> None:
    """Give a member a tier, through this day or for good; in place of an earlier invitation to it.

    Raises NoSuchLevel, and ValueError for a day that has passed.
    """
    now = now or clock.now()
    today = dates.local_date(now, ZoneInfo(program.timezone))
    known = programs.tiers(program).level(level)
    if known is None or known.closed:
        raise NoSuchLevel(f"There is no tier “{level}” that one can come to.")
    if until is not None and until < today:
        raise ValueError("The last day of an invitation must not have passed.")
    book = Book.open(program.pk, [member_id], now=now, spenders=())
    _open_invitations(program.pk, member_id, level).update(revoked_at=now, revoked_by=author[:120])
    TierGrant.objects.create(
        program=program,
        member_id=member_id,
        level=level,
        starts_on=today,
        ends_on=until,
        author=author[:120],
        reason=reason[:300],
    )
    tiers.review(book, program, [member_id], now)
    book.write()


@transaction.atomic
def uninvite(
    program: Program, member_id: int, level: str, author: str, *, now: datetime | None = None
) -> bool:
    """Take an invitation back; what was earned or bought stays. False when there was none."""
    now = now or clock.now()
    book = Book.open(program.pk, [member_id], now=now, spenders=())
    ended = _open_invitations(program.pk, member_id, level).update(revoked_at=now, revoked_by=author[:120])
    if ended:
        tiers.review(book, program, [member_id], now)
        book.write()
    return bool(ended)


def bought(program: Program, order: OpenOrder, fact: OrderFact) -> Mapping[str, int]:
    """The levels that came with the products of an order, by the version of its first award: days of each.

    What went back is among them, with the days that are left.
    """
    assert order.context is not None  # who asks has looked
    memberships = programs.tiers(program, order.context["version"]).memberships
    days: Counter[str] = Counter()
    for line in fact.lines if memberships else ():
        if line.product_id in memberships:
            level, each = memberships[line.product_id]
            days[level] += 0 if fact.cancelled else each * line.current
    return days


def note(program: Program, orders: Iterable[tuple[OpenOrder, OrderFact]]) -> None:
    """Keep what came with these orders as it is now. Before their members are reviewed."""
    zone = ZoneInfo(program.timezone)
    rows = [
        Bought(order.id, order.member_id, level, dates.local_date(order.paid_at, zone), days)
        for order, fact in orders
        if order.member_id is not None and order.paid_at is not None
        for level, days in bought(program, order, fact).items()
    ]
    if rows:
        _save(program.pk, rows)


def _save(program_id: int, rows: list[Bought]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_tiergrant AS g (program_id, order_id, member_id, level, starts_on, days,
                                                author, reason, revoked_by, revoked_at)
            SELECT %s, v.*, '', '', '', CASE WHEN v.days = 0 THEN clock_timestamp() END
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::int[])
                AS v (order_id, member_id, level, starts_on, days)
            ON CONFLICT (program_id, order_id, level) WHERE order_id IS NOT NULL DO UPDATE
            SET days = excluded.days,
                revoked_at = CASE WHEN excluded.days = 0 THEN COALESCE(g.revoked_at, excluded.revoked_at) END
            """,
            [
                program_id,
                [row.order_id for row in rows],
                [row.member_id for row in rows],
                [row.level for row in rows],
                [row.starts_on for row in rows],
                [row.days for row in rows],
            ],
        )


def _open_invitations(program_id: int, member_id: int, level: str) -> QuerySet[TierGrant]:
    return TierGrant.objects.filter(
        program_id=program_id, member_id=member_id, level=level, order=None, revoked_at=None
    )
