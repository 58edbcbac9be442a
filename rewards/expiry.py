"""Points lapse: each lot at its own end, or a whole balance after a time without activity.

One policy per program. A change of it never lapses anything sooner than one full period after the change.
The work here is recurring, in batches, safe to stop and to run twice at once, and early by no clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from rewards import clock, dates, due, programs, recurring
from rewards.ledger import Book, MemberMerged, opened
from rewards.lifetimes import Policy
from rewards.models import Bucket, Lot, Member, Program

BATCH = 1000
Json = dict[str, Any]


def lapse_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Lapse every lot and balance that is due; returns the points."""
    now = now or clock.certain()
    return recurring.each("step", (_lapse_lots_due, _lapse_balances_due), lambda step: step(now, batch))


def redate(*, batch: int = BATCH) -> int:
    """After a change of a program's expiry: the new end of each open lot; returns how many lots changed."""
    programs = Program.objects.filter(dated_version__lt=F("version")).order_by("pk")
    return recurring.each("program", programs, lambda program: _redate(program, batch))


def note_expiring(*, now: datetime | None = None) -> int:
    """Record who is to be told that points lapse soon; returns how many notices are new."""
    now = now or clock.certain()
    return recurring.each("program", Program.objects.order_by("pk"), lambda program: _note(program, now))


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


def _lapse_lots_due(now: datetime, batch: int) -> int:
    changed = Q(dated_version__lt=F("version"))
    programs = Program.objects.filter(changed | Q(pk__in=due.ENDING.programs(now))).order_by("pk")
    return recurring.of_members(
        programs,
        lambda program: _ending(program, now, batch),
        lambda program, members: _lapse_lots(program.pk, members, now),
    )


def _ending(program: Program, now: datetime, batch: int) -> Iterator[set[int]]:
    """Whose lots end. Those of a program whose expiry just changed get their new ends first."""
    if program.dated_version < program.version:
        _redate(program, batch)
    yield from due.ENDING.members(program.pk, now, batch)


def _lapse_balances_due(now: datetime, batch: int) -> int:
    return recurring.of_members(
        [program for program in Program.objects.order_by("pk") if Policy.of(program).kind == "inactivity"],
        lambda program: _resting(program, now, batch),
        lambda program, members: _lapse_balances(program, members, now),
    )


def _notice_days(program: Program) -> list[int]:
    days: list[int] = programs.document(program).get("expiry", {}).get("notice_days", [])
    return days


def _redate(program: Program, batch: int) -> int:
    policy, last, changed = Policy.of(program), 0, 0
    while lots := list(_open_lots(program.pk).filter(pk__gt=last).order_by("pk")[:batch]):
        changed += _redate_lots(program.pk, policy, lots)
        last = lots[-1].pk
    Program.objects.filter(pk=program.pk).update(dated_version=program.version)
    return changed


def _open_lots(program_id: int) -> Any:
    return Lot.objects.filter(
        Q(available__gt=0) | Q(reserved__gt=0), program_id=program_id, pending=0, grace=False
    )


def _redate_lots(program_id: int, policy: Policy, lots: list[Lot]) -> int:
    changed = []
    for lot in lots:
        end = policy.redated(lot.available_at, lot.expires_at)
        if end != lot.expires_at:
            lot.expires_at = end
            changed.append(lot)
    Lot.objects.filter(program_id=program_id).bulk_update(changed, ["expires_at"])
    members = Member.objects.filter(program_id=program_id, pk__in={lot.member_id for lot in changed})
    members.update(version=F("version") + 1)
    return len(changed)


def _lapse_lots(program_id: int, member_ids: Iterable[int], now: datetime) -> int:
    try:
        with opened(program_id, member_ids, now=now) as book:
            points = 0
            for lot in book.lots:
                if lot.expires_at and lot.expires_at <= now and (left := lot.buckets[Bucket.AVAILABLE]):
                    explanation = {"rule": "lapse", "points": left}
                    # With its end: a lot whose end was moved on after a part had lapsed has another one.
                    key = f"lapse:{lot.id}:{lot.expires_at.isoformat()}"
                    posting = book.posting(lot.member_id, key, "lapse", explanation, lot.expires_at)
                    posting.move(lot, Bucket.AVAILABLE, Bucket.EXPIRED, left)
                    points += left
            return points
    except MemberMerged:
        return 0  # the survivor holds these lots; the next round finds them there


def _resting(program: Program, now: datetime, batch: int) -> Iterator[list[int]]:
    """Whose rest was too long, as far as that can be said without a lock."""
    policy = Policy.of(program)
    for members in _idle(program, policy, now, batch):
        resting = [member.pk for member in members if _rests_too_long(policy, member.active_at, now)]
        if resting:
            yield resting


def _idle(program: Program, policy: Policy, until: datetime, batch: int) -> Iterator[list[Member]]:
    """Members with points whose rest may end by then, part after part; the policy decides.

    Months are of different length, and a day of 23 hours is one too: three days more than may be needed.
    """
    day = dates.add_months(dates.local_date(until, policy.zone), -policy.months) + timedelta(days=3)
    latest = dates.end_of_day(day, policy.zone)
    after, last = due.BEGINNING, 0
    while True:
        members = list(
            Member.objects.raw(
                """
                SELECT * FROM rewards_member
                WHERE program_id = %s AND available > 0 AND active_at <= %s AND (active_at, id) > (%s, %s)
                ORDER BY active_at, id LIMIT %s
                """,
                [program.pk, latest, after, last, batch],
            )
        )
        if not members:
            return
        assert members[-1].active_at is not None  # filtered above
        after, last = members[-1].active_at, members[-1].pk
        yield members


def _rests_too_long(policy: Policy, active_at: datetime | None, now: datetime) -> bool:
    end = policy.end_of_rest(active_at) if active_at else None
    return end is not None and end <= now


@transaction.atomic
def _lapse_balances(program: Program, member_ids: Sequence[int], now: datetime) -> int:
    policy, points = Policy.of(program), 0
    book = Book.open(program.pk, member_ids, now=now)
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


def _note(program: Program, now: datetime) -> int:
    policy, noted = Policy.of(program), 0
    for days in sorted(_notice_days(program), reverse=True):
        last_day = dates.local_date(now, policy.zone) + timedelta(days=days)
        until = dates.end_of_day(last_day, policy.zone)
        if policy.kind == "inactivity":
            noted += _note_rests(program, policy, days, now, until)
        else:
            noted += _note_lots(program.pk, days, now, until)
    return noted


def _note_lots(program_id: int, days: int, now: datetime, until: datetime) -> int:
    """One notice per member, end and distance, of what lapses at the nearest end; returns the new ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_notice (program_id, kind, days, member_id, about, points)
            SELECT program_id, 'expiring', %s, member_id, expires_at, sum(available)
            FROM (SELECT program_id, member_id, expires_at, available,
                         min(expires_at) OVER (PARTITION BY member_id) AS nearest
                  FROM rewards_lot
                  WHERE program_id = %s AND available > 0 AND expires_at > %s AND expires_at <= %s) AS ending
            WHERE expires_at = nearest GROUP BY program_id, member_id, expires_at
            ON CONFLICT DO NOTHING
            """,
            [days, program_id, now, until],
        )
        return int(cursor.rowcount)


def _note_rests(program: Program, policy: Policy, days: int, now: datetime, until: datetime) -> int:
    """The same where a whole balance lapses after a rest."""
    noted = 0
    for members in _idle(program, policy, until, BATCH):
        ends = [(member, policy.end_of_rest(member.active_at)) for member in members if member.active_at]
        ending = [(member, end) for member, end in ends if end is not None and now < end <= until]
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
                    [member.pk for member, _ in ending],
                    [end for _, end in ending],
                    [member.available for member, _ in ending],
                ],
            )
            noted += cursor.rowcount
    return noted


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
