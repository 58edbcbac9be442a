"""Members' links for friends: a code each, made when first looked at, and what guards know of its owner.

A link is open while its member may invite. Whoever follows another one finds nothing: whether it was never
there, was blocked, or belongs to somebody who was erased, is nobody's business.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q

from rewards import clock, programs
from rewards.digests import digest, network
from rewards.mail_addresses import Mail
from rewards.models import Advocate, Claim, Program, Referral
from rewards.redemptions import ALPHABET
from rewards.referral_guards import ERASED, Traces

CODE_LENGTH = 8
"""40 bits: short enough to be read out, too many to be guessed through a shop's door."""
CODES_TRIED = 5
KEPT = timedelta(days=90)
"""So long digests of addresses are kept."""
COUNTED = (Referral.State.WAITING, Referral.State.HELD, Referral.State.PAID)
NO_TRACES = {"mail_digest": None, "stem_digest": None, "place_digest": None, "digests_until": None}
# Each program has a first version. It drives the question, since it lies with the program's other rows.
PROGRAMS_WITH_OLD_DIGESTS = """
    SELECT v.program_id FROM rewards_programversion v
    WHERE v.number = 1 AND (
        EXISTS (SELECT 1 FROM rewards_advocate a WHERE a.program_id = v.program_id AND a.digests_until <= %s)
        OR EXISTS (SELECT 1 FROM rewards_claim c WHERE c.program_id = v.program_id AND c.digests_until <= %s)
    )
    ORDER BY v.program_id
"""


class NoSuchLink(LookupError):
    """Nothing is open here; why, nobody is told."""


def traces(program: Program, mail: Mail | None, address: str) -> Traces:
    """What is kept of somebody's addresses, and nothing else of them."""
    place = network(address)
    return Traces(
        mail=digest(program, "mail", mail.box) if mail else None,
        stem=digest(program, "stem", mail.stem) if mail and mail.stem else None,
        place=digest(program, "place", place) if place else None,
    )


def of_member(program: Program, member_id: int) -> Advocate | None:
    """A member's own link, if they looked at it before."""
    own = Advocate.objects.filter(program_id=program.pk, member_id=member_id, former=False)
    return own.order_by("former").first()


def made(program: Program, member_id: int) -> Advocate:
    """A member's own link, made now if there was none."""
    for _ in range(CODES_TRIED):
        if known := of_member(program, member_id):
            return known
        new = Advocate(program_id=program.pk, member_id=member_id, code=new_code())
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError:
            continue  # another tab was quicker, or somebody has this code
        return new
    raise NoSuchLink("No free code was found.")


def remember(advocate: Advocate, seen: Traces, *, now: datetime | None = None) -> None:
    """Keep what was seen of the member just now; what wasn't, stays as it was."""
    known = {"mail_digest": seen.mail, "stem_digest": seen.stem, "place_digest": seen.place}
    fresh = {name: value for name, value in known.items() if value is not None}
    if fresh:
        rows = Advocate.objects.filter(program_id=advocate.program_id, pk=advocate.pk)
        rows.update(**fresh, digests_until=(now or clock.now()) + KEPT)


def open_link(program: Program, code: str) -> Advocate:
    """The link with this code. Raises NoSuchLink."""
    if programs.can_invite(program):
        rows = Advocate.objects.filter(program_id=program.pk, code=code.upper(), blocked_at=None)
        rows = rows.filter(member__program_id=program.pk, member__redacted_at=None)
        if found := rows.first():
            return found
    raise NoSuchLink("There is no such link.")


def clicked(advocate: Advocate) -> None:
    """Somebody followed the link."""
    rows = Advocate.objects.filter(program_id=advocate.program_id, pk=advocate.pk)
    rows.update(clicks=F("clicks") + 1)


def is_full(program: Program, advocate: Advocate, at: datetime, *states: Referral.State) -> bool:
    """Whether as many referrals are in these states as a member can be paid for."""
    limits = programs.invitations(program)
    if limits.most is None and limits.most_ever is None:
        return False
    rows = Referral.objects.filter(program_id=program.pk, advocate_id__in=_links(program.pk, advocate))
    begin = at - limits.window
    counts = rows.filter(state__in=states).aggregate(
        ever=Count("pk"), lately=Count("pk", filter=Q(happened_at__gt=begin))
    )
    too_many = limits.most is not None and counts["lately"] >= limits.most
    return too_many or (limits.most_ever is not None and counts["ever"] >= limits.most_ever)


def block(program_id: int, advocate: Advocate, author: str, now: datetime) -> None:
    """From now on none of the member's links is open."""
    rows = Advocate.objects.filter(program_id=program_id, pk__in=_links(program_id, advocate))
    rows.update(blocked_at=now, blocked_by=author[:120])


def unblock(program_id: int, advocate: Advocate) -> None:
    rows = Advocate.objects.filter(program_id=program_id, pk__in=_links(program_id, advocate))
    rows.update(blocked_at=None, blocked_by="")


def carry_over(program_id: int, gone_id: int, kept_id: int) -> None:
    """One member became another: both links go on leading to them. Needs the locks of both."""
    gone = Advocate.objects.filter(program_id=program_id, member_id=gone_id)
    if Advocate.objects.filter(program_id=program_id, member_id=kept_id, former=False).exists():
        gone.update(former=True)
    gone.update(member_id=kept_id)
    for model in (Claim, Referral):
        model.objects.filter(program_id=program_id, member_id=gone_id).update(member_id=kept_id)


def forget(program_id: int, member_id: int, now: datetime, *, wholly: bool) -> None:
    """Erase what is known of a member's addresses; of somebody `wholly` gone nobody is thanked any more."""
    own = Advocate.objects.filter(program_id=program_id, member_id=member_id)
    own.update(**NO_TRACES)
    ordered = Referral.objects.filter(program_id=program_id, member_id=member_id).values("claim_id")
    as_friend = Claim.objects.filter(Q(member_id=member_id) | Q(pk__in=ordered), program_id=program_id)
    as_friend.update(**NO_TRACES, customer_id=0, key="")
    if wholly:
        waiting = Referral.objects.filter(
            program_id=program_id,
            advocate_id__in=list(own.values_list("pk", flat=True)),
            state__in=(Referral.State.WAITING, Referral.State.HELD),
        )
        waiting.update(state=Referral.State.REFUSED, reasons=[ERASED], due_at=None, decided_at=now)


def forget_old(*, now: datetime | None = None) -> int:
    """Erase digests whose time is over; returns of how many rows."""
    now = now or clock.certain()
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS_WITH_OLD_DIGESTS, [now, now])
        found = [program_id for (program_id,) in cursor.fetchall()]
    return sum(
        model.objects.filter(program_id=program_id, digests_until__lte=now).update(**NO_TRACES)
        for program_id in found
        for model in (Advocate, Claim)
    )


def new_code() -> str:
    """From the system's cryptographic source, of letters and digits that nobody confuses."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def _links(program_id: int, advocate: Advocate) -> Iterable[int]:
    """All of the member's links: those of who became part of them are theirs too."""
    rows = Advocate.objects.filter(program_id=program_id, member_id=advocate.member_id)
    return list(rows.values_list("pk", flat=True))
