"""Points lapse: each lot at its own end, or a whole balance after a time without activity.

One policy per program. A change of it never lapses anything sooner than one full period after the change.
The work here is recurring, in batches, safe to stop and to run twice at once; time is the database's, so
that a process whose clock jumps lapses nothing early.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Q

from rewards import dates, programs
from rewards.ledger import Book, MemberMerged
from rewards.lifetimes import Policy
from rewards.models import Bucket, Lot, Member, Program

BATCH = 500
Json = dict[str, Any]


def database_now() -> datetime:
    """The one clock that all processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    found: datetime = now
    return found


def lapse_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Lapse every lot and balance that is due; returns the points."""
    now = now or database_now()
    redate(batch=batch)
    points = 0
    while (part := _lapse_lots(now, batch)) is not None:
        points += part
    return points + sum(_lapse_inactive(program, now, batch) for program in _programs_of("inactivity"))


def redate(*, batch: int = BATCH) -> int:
    """After a change of a program's expiry: the new end of each open lot; returns how many lots changed."""
    changed = 0
    for program in Program.objects.filter(dated_version__lt=F("version")).order_by("pk"):
        policy, last = Policy.of(program), 0
        while lots := list(_open_lots(program.pk).filter(pk__gt=last).order_by("pk")[:batch]):
            changed += _redate_lots(policy, lots)
            last = lots[-1].pk
        Program.objects.filter(pk=program.pk).update(dated_version=program.version)
    return changed


def note_expiring(*, now: datetime | None = None) -> int:
    """Record who is to be told that points lapse soon; returns how many notices are new."""
    now = now or database_now()
    noted = 0
    for program in Program.objects.order_by("pk"):
        zone = ZoneInfo(program.timezone)
        for days in sorted(_notice_days(program), reverse=True):
            until = dates.end_of_day(dates.local_date(now, zone) + timedelta(days=days), zone)
            noted += _note(program, days, _lapsing(program, now, until))
    return noted


def soonest(program: Program, member_ids: Iterable[int]) -> dict[int, Json]:
    """For each of these members whose points have an end: the nearest one, and how many points."""
    policy = Policy.of(program)
    if policy.kind == "inactivity":
        return _soonest_by_inactivity(program, policy, member_ids)
    found: dict[int, Json] = {}
    lots = Lot.objects.filter(
        program=program, member_id__in=list(member_ids), available__gt=0, expires_at__isnull=False
    )
    for lot in lots.order_by("expires_at", "pk"):
        assert lot.expires_at is not None  # filtered above
        on = dates.local_date(lot.expires_at, policy.zone).isoformat()
        first = found.setdefault(lot.member_id, {"points": 0, "on": on})
        if first["on"] == on:
            first["points"] += lot.available
    return found


def _notice_days(program: Program) -> list[int]:
    days: list[int] = programs.document(program).get("expiry", {}).get("notice_days", [])
    return days


def _programs_of(kind: str) -> list[Program]:
    return [program for program in Program.objects.order_by("pk") if Policy.of(program).kind == kind]


def _open_lots(program_id: int) -> Any:
    return Lot.objects.filter(
        Q(available__gt=0) | Q(reserved__gt=0), program_id=program_id, pending=0, grace=False
    )


def _redate_lots(policy: Policy, lots: list[Lot]) -> int:
    changed = []
    for lot in lots:
        end = policy.redated(lot.available_at, lot.expires_at)
        if end != lot.expires_at:
            lot.expires_at = end
            changed.append(lot)
    Lot.objects.bulk_update(changed, ["expires_at"])
    Member.objects.filter(pk__in={lot.member_id for lot in changed}).update(version=F("version") + 1)
    return len(changed)


def _lapse_lots(now: datetime, batch: int) -> int | None:
    """One batch of one program's due lots; None when nothing is due."""
    due = (
        Lot.objects.filter(available__gt=0, expires_at__lte=now)
        # Lots of a program whose expiry just changed get their new ends first.
        .filter(program__dated_version=F("program__version"))
        .order_by("expires_at", "pk")
    )
    first = due.values_list("program_id", flat=True).first()
    if first is None:
        return None
    members = set(due.filter(program_id=first).values_list("member_id", flat=True)[:batch])
    try:
        with transaction.atomic():
            book = Book.open(first, members, now=now)
            points = 0
            for lot in book.lots:
                if lot.expires_at and lot.expires_at <= now and (left := lot.buckets[Bucket.AVAILABLE]):
                    explanation = {"rule": "lapse", "points": left}
                    # With its end: a lot whose end was moved on after a part had lapsed has another one.
                    key = f"lapse:{lot.id}:{lot.expires_at.isoformat()}"
                    posting = book.posting(lot.member_id, key, "lapse", explanation, lot.expires_at)
                    posting.move(lot, Bucket.AVAILABLE, Bucket.EXPIRED, left)
                    points += left
            book.write()
            return points
    except MemberMerged:
        return 0  # the survivor holds these lots; the next round finds them there


def _lapse_inactive(program: Program, now: datetime, batch: int) -> int:
    policy, points, last = Policy.of(program), 0, 0
    idle = _idle(program, policy, now).order_by("pk")
    while members := list(idle.filter(pk__gt=last)[:batch]):
        last = members[-1].pk
        due = [member.pk for member in members if _rests_too_long(policy, member.active_at, now)]
        if due:
            points += _lapse_balances(program, policy, due, now)
    return points


def _idle(program: Program, policy: Policy, until: datetime) -> Any:
    """Members whose rest may end by then. Months have at least 28 days; the policy decides."""
    return Member.objects.filter(
        program=program,
        available__gt=0,
        active_at__lte=until - timedelta(days=28 * policy.months),
        merged_into=None,
    )


def _rests_too_long(policy: Policy, active_at: datetime | None, now: datetime) -> bool:
    end = policy.end_of_rest(active_at) if active_at else None
    return end is not None and end <= now


@transaction.atomic
def _lapse_balances(program: Program, policy: Policy, member_ids: list[int], now: datetime) -> int:
    book = Book.open(program.pk, member_ids, now=now)
    points = 0
    for account in book.accounts.values():
        if account.active_at is None or not _rests_too_long(policy, account.active_at, now):
            continue  # they came back while we waited for the lock
        left = [
            lot
            for lot in account.lots_with(Bucket.AVAILABLE)
            if lot.expires_at is None or lot.expires_at <= now
        ]
        total = sum(lot.buckets[Bucket.AVAILABLE] for lot in left)
        if total:
            end = policy.end_of_rest(account.active_at)
            assert end is not None  # it has passed
            explanation = {"rule": "lapse", "points": total, "idle_since": account.active_at.isoformat()}
            key = f"idle:{account.id}:{account.active_at.isoformat()}:{account.version}"
            book.posting(account.id, key, "lapse", explanation, end).take(
                total, Bucket.AVAILABLE, Bucket.EXPIRED, left
            )
            points += total
    book.write()
    return points


def _lapsing(program: Program, now: datetime, until: datetime) -> dict[int, tuple[datetime, int]]:
    """(end, points) of each member whose points lapse from now until then, the nearest end first."""
    policy = Policy.of(program)
    found: dict[int, tuple[datetime, int]] = {}
    if policy.kind == "inactivity":
        for member in _idle(program, policy, until):
            assert member.active_at is not None  # filtered there
            end = policy.end_of_rest(member.active_at)
            if end is not None and now < end <= until:
                found[member.pk] = (end, member.available)
        return found
    lots = Lot.objects.filter(program=program, available__gt=0, expires_at__gt=now, expires_at__lte=until)
    for lot in lots.order_by("expires_at", "pk"):
        assert lot.expires_at is not None  # filtered above
        end, points = found.get(lot.member_id, (lot.expires_at, 0))
        if lot.expires_at == end:
            found[lot.member_id] = (end, points + lot.available)
    return found


def _note(program: Program, days: int, lapsing: dict[int, tuple[datetime, int]]) -> int:
    """One notice per member, end and distance; returns how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_notice (program_id, kind, days, member_id, about, points)
            SELECT %s, 'expiring', %s, * FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[])
            ON CONFLICT DO NOTHING
            """,
            [
                program.pk,
                days,
                list(lapsing),
                [end for end, _ in lapsing.values()],
                [points for _, points in lapsing.values()],
            ],
        )
        return int(cursor.rowcount)


def _soonest_by_inactivity(program: Program, policy: Policy, member_ids: Iterable[int]) -> dict[int, Json]:
    members = Member.objects.filter(
        program=program, pk__in=list(member_ids), available__gt=0, active_at__isnull=False
    )
    found = {}
    for member in members:
        assert member.active_at is not None  # filtered above
        end = policy.end_of_rest(member.active_at)
        assert end is not None  # the policy is inactivity
        on = dates.local_date(end, policy.zone).isoformat()
        found[member.pk] = {"points": member.available, "on": on}
    return found
