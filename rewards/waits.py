"""The line for a reward of which none is left.

Whoever is first in line may have the first that is free, and so on: it needs no deal, only counting. They are
told when there is one, and it is kept for them for the hours that the reward says; then they leave the line.
Locks: the member's, then the reward's budget.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from rewards import budgets, clock, offers, programs, recurring
from rewards.ledger import Book
from rewards.models import Member, Notice, Program, Wait

Json = programs.Json
PLACE = "place"
"""The kind of the notice."""
LINES = "SELECT DISTINCT program_id, reward FROM rewards_wait"


class NoNeed(Exception):
    """There is one to be had at once, so nobody waits."""


def left(reward: Json, number: int) -> int | None:
    """How many there are yet where so many are taken; None: any number."""
    return None if reward["in_total"] is None else max(0, reward["in_total"] - number)


def taken(program_id: int, reward_id: str, *, lock: bool = False) -> int:
    """How many members have one; `lock`: nobody gets another one before this transaction ends."""
    budget = offers.budget_of(reward_id)
    return budgets.used(program_id, [budget], lock=lock).get(budget, 0)


def in_line(program_id: int, reward_id: str, now: datetime) -> QuerySet[Wait]:
    """Who waits, or has one kept, in their order."""
    rows = Wait.objects.filter(program_id=program_id, reward=reward_id)
    return rows.filter(Q(kept_until=None) | Q(kept_until__gt=now)).order_by("id")


def ahead(program_id: int, reward_id: str, member_id: int, now: datetime) -> int:
    """How many come before a member: those who wait for longer, or all who wait."""
    line = in_line(program_id, reward_id, now)
    own = line.filter(member_id=member_id).values_list("id", flat=True).first()
    return (line if own is None else line.filter(id__lt=own)).count()


@transaction.atomic
def join(program: Program, member_id: int, reward: Json, *, now: datetime | None = None) -> tuple[Wait, bool]:
    """Wait for a reward; who waits already stays where they are. The bool says whether this call did it.

    Raises NoNeed, and MemberMerged.
    """
    now = now or clock.now()
    Book.open(program.pk, [member_id], now=now, spenders=())
    free = left(reward, taken(program.pk, reward["id"], lock=True))
    mine = Wait.objects.filter(program_id=program.pk, member_id=member_id, reward=reward["id"])
    mine.filter(kept_until__lte=now).delete()
    if known := mine.first():
        return known, False
    if free is None or free > ahead(program.pk, reward["id"], member_id, now):
        raise NoNeed(f"“{reward['title']}” can be had now.")
    return Wait.objects.create(program_id=program.pk, member_id=member_id, reward=reward["id"]), True


def leave(program_id: int, member_id: int, reward_id: str) -> None:
    """Wait no longer."""
    Wait.objects.filter(program_id=program_id, member_id=member_id, reward=reward_id).delete()


def tell_due(*, now: datetime | None = None) -> int:
    """Tell all for whom something has become free; returns how many were told."""
    with connection.cursor() as cursor:
        cursor.execute(LINES)
        lines = cursor.fetchall()
    return recurring.each("line", lines, lambda line: tell(*line, now=now))


@transaction.atomic
def tell(program_id: int, reward_id: str, *, now: datetime | None = None) -> int:
    """Keep what is free for the first in line, and let those go whose time is over."""
    now = now or clock.now()
    reward = programs.reward(programs.document(Program.objects.get(pk=program_id)), reward_id)
    rows = Wait.objects.filter(program_id=program_id, reward=reward_id)
    if reward is None or reward["archived"] or reward["kind"] != "exclusive":
        rows.delete()
        return 0
    # A notice refers to its member, so their rows come first here too.
    first = _first(program_id, reward, taken(program_id, reward_id), now)
    members = Member.objects.select_for_update().filter(
        program_id=program_id, pk__in=[wait.member_id for wait in first]
    )
    known = set(members.order_by("pk").values_list("pk", flat=True))
    number = taken(program_id, reward_id, lock=True)
    rows.filter(kept_until__lte=now).delete()
    told = [
        wait
        for wait in _first(program_id, reward, number, now)
        if wait.kept_until is None and wait.member_id in known
    ]
    until = now + timedelta(hours=reward["keep_hours"])
    rows.filter(pk__in=[wait.pk for wait in told]).update(kept_until=until)
    Notice.objects.bulk_create(
        Notice(
            program_id=program_id,
            member_id=wait.member_id,
            kind=PLACE,
            days=0,
            about=until,
            reward=reward_id,
            points=reward["points"],
        )
        for wait in told
    )
    return len(told)


def _first(program_id: int, reward: Json, number: int, now: datetime) -> list[Wait]:
    """Those in line for whom there is one."""
    return list(in_line(program_id, reward["id"], now)[: left(reward, number)])


def carry_over(program_id: int, gone_id: int, kept_id: int) -> None:
    """Of two who became one, whoever waited for longer waits on. Needs the locks of both."""
    rows = Wait.objects.filter(program_id=program_id, member_id__in=(gone_id, kept_id)).order_by("id")
    first: dict[str, Wait] = {}
    for wait in rows:
        first.setdefault(wait.reward, wait)
    rows.exclude(pk__in=[wait.pk for wait in first.values()]).delete()
    rows.update(member_id=kept_id)


def forget(program_id: int, member_id: int) -> None:
    """Nobody waits any more who asked to be forgotten."""
    Wait.objects.filter(program_id=program_id, member_id=member_id).delete()
