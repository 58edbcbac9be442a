"""What friends do with a member's link: follow it, and take what it promises.

    visited
    reserved -> issued -> used | ended
    reserved -> failed
    ended | failed -> used                    when a use is seen late
    refused

A visit is kept of signed-in customers alone, so that their first order is known from any device. A reward is
a code, chosen and stored before anybody is asked to make it; whoever makes it in the shop calls back here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from rewards import advocates, clock, programs, redemptions
from rewards import referral_guards as guards
from rewards.advocates import COUNTED, KEPT, NoSuchLink
from rewards.mail_addresses import Mail
from rewards.models import Advocate, Claim, Order, Program
from rewards.redemption_changes import SECOND_LOOK
from rewards.referral_guards import ClaimSeen, Traces

State = Claim.State
TAKEN = (State.RESERVED, State.ISSUED, State.USED)
"""States of somebody who has a reward."""
FIRST_TRY = timedelta(seconds=15)
DAY = timedelta(days=1)
OTHERS_LOOKED_AT = 200
OF_A_LINK_A_DAY = 100
"""More rewards than these nobody gives away in a day, wherever friends say that they are."""


@dataclass(frozen=True, slots=True)
class Friend:
    """Who follows a link. A guest is no customer and no member; `address`: of their internet connection."""

    source_id: int
    customer_id: int | None = None
    member_id: int | None = None
    mail: Mail | None = None
    address: str = ""


@transaction.atomic
def visit(program: Program, code: str, friend: Friend, *, now: datetime | None = None) -> Advocate:
    """Somebody followed a link. Raises NoSuchLink, also for the member's own."""
    now = now or clock.now()
    advocate = advocates.open_link(program, code)
    if friend.member_id == advocate.member_id:
        raise NoSuchLink("This is your own link.")
    advocates.clicked(advocate)
    if friend.member_id is not None and not _is_known(program, friend.member_id):
        seen = advocates.traces(program, None, friend.address)
        _new(program, advocate, friend, seen, now, state=State.VISITED).save(force_insert=True)
    return advocate


@transaction.atomic
def take(
    program: Program, code: str, friend: Friend, key: str, *, now: datetime | None = None
) -> tuple[Claim, bool]:
    """The friend asks for the reward; the bool says whether this call wrote it down. It may be refused.

    The same `key` gets its first answer. Raises NoSuchLink, also for who has a reward already: whose address
    it is that somebody types is nobody's to find out.
    """
    now = now or clock.now()
    advocate = _locked(program, advocates.open_link(program, code))
    seen = advocates.traces(program, friend.mail, friend.address)
    if known := _repeated(program, advocate, friend, seen, key):
        return known, False
    if _is_flooded(advocate, now):
        raise NoSuchLink("Too many came by this link today.")
    judged = _seen(program, advocate, friend, seen, now)
    verdict = guards.of_claim(judged)
    claim = _new(program, advocate, friend, seen, now, state=State.RESERVED)
    claim.key = key
    claim.reasons = list(verdict.refused or verdict.suspicious)
    if verdict.refused:
        claim.state = State.REFUSED
        if judged.claims_of_day > judged.most_claims:
            return claim, False  # one of them is written down, and not each of a flood
    else:
        _promise(program, claim, now)
    claim.save(force_insert=True)
    return claim, True


def issued(claim: Claim, external_ref: str) -> None:
    """The code exists in the shop."""
    _change(claim, State.RESERVED, state=State.ISSUED, external_ref=external_ref, due_at=claim.expires_at)


def failed(claim: Claim, note: str) -> None:
    """The code will not exist."""
    again = clock.now() + SECOND_LOOK
    _change(claim, State.RESERVED, state=State.FAILED, note=note[:1000], due_at=again)


def ended(claim: Claim) -> None:
    """Its last day is over, and it is disabled."""
    _change(claim, State.ISSUED, state=State.ENDED, due_at=None)


def put_off(claim: Claim, until: datetime, note: str = "", *, absent: bool = False) -> None:
    """Look at it again later; `absent`: the shop had no such code when it was asked."""
    since = (claim.absent_since or clock.now()) if absent else None
    rows = _rows(claim).filter(state=claim.state)
    rows.update(due_at=until, note=note[:1000], attempts=claim.attempts + 1, absent_since=since)


def choose_again(claim: Claim) -> None:
    """Another code, since this one belongs to something else; only while nothing was made."""
    prefix = (claim.code or "")[: -redemptions.CODE_LENGTH]
    rows = _rows(claim).filter(state=State.RESERVED, code=claim.code)
    rows.update(code=prefix + redemptions.new_code(), absent_since=None)


def at_rest(claim: Claim) -> None:
    """Nothing more to look at for this state."""
    _rows(claim).filter(state=claim.state).update(due_at=None)


def carried_by(program_id: int, codes: Iterable[str]) -> dict[str, Claim]:
    """The claims with these codes, by code."""
    wanted = sorted(redemptions.like_ours(codes))
    if not wanted:
        return {}
    rows = Claim.objects.filter(program_id=program_id, code__in=wanted).order_by("pk")
    return {claim.code: claim for claim in rows if claim.code}


def _locked(program: Program, advocate: Advocate) -> Advocate:
    """One friend of a member after the other: limits hold for those who come at once, too."""
    rows = Advocate.objects.filter(program_id=program.pk, pk=advocate.pk)
    return rows.select_for_update(no_key=True).get()


def _is_known(program: Program, member_id: int) -> bool:
    """Whether somebody ordered before, or followed a link before."""
    mine = Claim.objects.filter(program_id=program.pk, member_id=member_id)
    return mine.exclude(state=State.REFUSED).exists() or _has_ordered(program, member_id)


def _has_ordered(program: Program, member_id: int) -> bool:
    orders = Order.objects.filter(program_id=program.pk, member_id=member_id, context__isnull=False)
    return orders.exists()


def _repeated(program: Program, advocate: Advocate, friend: Friend, seen: Traces, key: str) -> Claim | None:
    """What this friend was answered before. Raises NoSuchLink for what is somebody else's."""
    rows = Claim.objects.filter(program_id=program.pk)
    if known := rows.filter(advocate_id=advocate.pk, key=key).first():
        if known.mail_digest and seen.mail and bytes(known.mail_digest) != seen.mail:
            raise NoSuchLink("This key was used by somebody else.")
        return known
    if friend.member_id is not None:
        mine = rows.filter(member_id=friend.member_id, state__in=TAKEN).order_by("pk").first()
        if mine and mine.advocate_id == advocate.pk:
            return mine  # on another device
        if mine:
            raise NoSuchLink("This friend came by another link.")
    if seen.mail and rows.filter(mail_digest=seen.mail, state__in=TAKEN).exists():
        raise NoSuchLink("This friend has a reward.")
    return None


def _is_flooded(advocate: Advocate, now: datetime) -> bool:
    rows = Claim.objects.filter(program_id=advocate.program_id, advocate_id=advocate.pk)
    return rows.filter(created_at__gt=now - DAY).exclude(state=State.VISITED).count() >= OF_A_LINK_A_DAY


def _seen(program: Program, advocate: Advocate, friend: Friend, seen: Traces, now: datetime) -> ClaimSeen:
    rows = Claim.objects.filter(program_id=program.pk)
    others = rows.filter(advocate_id=advocate.pk).exclude(state=State.REFUSED).order_by("-pk")
    if friend.member_id is not None:
        others = others.exclude(member_id=friend.member_id)
    today = rows.filter(place_digest=seen.place, created_at__gt=now - DAY).exclude(state=State.VISITED)
    return ClaimSeen(
        advocate=advocate.member_id,
        friend=friend.member_id,
        theirs=seen,
        own=_traces(advocate),
        others=tuple(_traces(other) for other in others[:OTHERS_LOOKED_AT]),
        has_ordered=friend.member_id is not None and _has_ordered(program, friend.member_id),
        is_disposable=friend.mail is not None and friend.mail.is_disposable,
        claims_of_day=today.count() if seen.place else 0,
        most_claims=programs.invitations(program).claims_per_day,
        is_full=advocates.is_full(program, advocate, now, *COUNTED),
    )


def _traces(row: Advocate | Claim) -> Traces:
    found = (row.mail_digest, row.stem_digest, row.place_digest)
    return Traces(*(bytes(part) if part is not None else None for part in found))


def _new(
    program: Program, advocate: Advocate, friend: Friend, seen: Traces, now: datetime, *, state: State
) -> Claim:
    return Claim(
        program_id=program.pk,
        advocate_id=advocate.pk,
        member_id=friend.member_id,
        source_id=friend.source_id,
        customer_id=friend.customer_id or 0,
        version=program.version,
        state=state,
        mail_digest=seen.mail,
        stem_digest=seen.stem,
        place_digest=seen.place,
        digests_until=now + KEPT,
        created_at=now,
    )


def _promise(program: Program, claim: Claim, now: datetime) -> None:
    """The code, and what it will be good for."""
    said = programs.invitations(program)
    days = said.reward["valid_days"]
    claim.reward, claim.value = said.reward, said.value
    claim.code = programs.document(program)["code_prefix"] + redemptions.new_code()
    claim.expires_at = now + timedelta(days=days) if days else None
    claim.due_at = now + FIRST_TRY


def _change(claim: Claim, before: State, **fields: object) -> None:
    _rows(claim).filter(state=before).update(**fields, attempts=0, absent_since=None)


def _rows(claim: Claim) -> QuerySet[Claim]:
    return Claim.objects.filter(program_id=claim.program_id, pk=claim.pk)
