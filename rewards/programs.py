"""The program as data: a JSON document in versions, checked against `docs/program.schema.json`.

Orders keep the version of their first award, so a change never reaches back.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rewards import clock, closed_tiers, kept_rewards, memories, tenancy
from rewards.differences import differences
from rewards.documents import checked, fill_in
from rewards.earning import Rules
from rewards.kinds import KINDS
from rewards.models import (
    Achievement,
    Action,
    Advocate,
    Budget,
    Claim,
    Drawing,
    GiftRound,
    Identity,
    Lot,
    Member,
    MemberTier,
    Movement,
    Notice,
    Order,
    Payout,
    Program,
    ProgramVersion,
    PromoCode,
    Promotion,
    Redemption,
    Referral,
    Tally,
    TierChange,
    TierGrant,
    Tombstone,
    Wait,
)
from rewards.money import units
from rewards.offers import Offer
from rewards.referral_settings import Invitations
from rewards.tier_settings import Settings

Json = dict[str, Any]


class NotTheNewest(Exception):
    """Somebody else has changed the program since it was looked at."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"Version {newest} is in force by now.")
        self.newest = newest


FRIENDS = "/friends"
"""Stands for the friend's reward; no reward can have this id."""
DOCUMENTS_REMEMBERED = 2_000
"""Whole documents are much larger than what is made of them."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The first version holds for everything before it, so that past orders have rules."""
ERASED = (
    *(
        Movement,
        Referral,
        Claim,
        Advocate,
        Notice,
        Wait,
        Action,
        Achievement,
        MemberTier,
        TierChange,
        TierGrant,
        Redemption,
        PromoCode,
        Promotion,
        Lot,
        Order,
        Identity,
        Tombstone,
    ),
    *(GiftRound, Budget, Tally, Payout, Drawing, Member, ProgramVersion),
)
"""Rows of a program, those that refer to others first."""
STARTING_REWARDS = {
    "five-off": "fixed",
    "ten-percent": "percentage",
    "free-shipping": "free_shipping",
    "choose": "variable",
}
"""What a new program has on offer: ids, and of what kind they are."""


def starter(name: str, currency: str) -> Json:
    """What a new program says: 1 point per unit of money, a sign-up bonus, four rewards."""
    return {
        "name": f"{name} Rewards"[:120],
        "points": {"one": "point", "many": "points"},
        "earning": {"rate": {"points": 1, "per": units(1, currency)}, "signup_bonus": 50},
        "rewards": [
            {"id": id, "kind": kind, **KINDS[kind].start(currency)} for id, kind in STARTING_REWARDS.items()
        ],
    }


def start(name: str, currency: str, timezone: str) -> Program:
    """A new program with the starter document. `name` is the shop's own."""
    with transaction.atomic():
        program = Program.objects.create(
            name=name[:120], currency=currency, timezone=timezone, salt=secrets.token_bytes(16)
        )
        document = checked(starter(name, currency), currency)
        ProgramVersion.objects.create(
            program=program, number=1, document=document, effective_from=BEGINNING, author="start"
        )
    return program


def document(program: Program) -> Json:
    """The document in force, complete with defaults."""
    return document_of(program.pk, program.version)


@memories.memory(DOCUMENTS_REMEMBERED)
def document_of(program_id: int, number: int) -> Json:
    """What a version says, complete with defaults. Raises ProgramVersion.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT document FROM rewards_programversion WHERE program_id = %s AND number = %s",
            [program_id, number],
        )
        row = cursor.fetchone()
    if row is None:
        raise ProgramVersion.DoesNotExist(f"Program {program_id} has no version {number}.")
    return _complete(row[0])


def _complete(text: str) -> Json:
    document: Json = json.loads(text)
    fill_in(document)
    return document


def rules(program: Program, number: int, currency: str = "") -> Rules:
    """The earning rules of a version; in another currency than the program's, if need be."""
    return _rules(program.pk, number, currency or program.currency, program.timezone)


@memories.remembered
def _rules(program_id: int, number: int, currency: str, timezone: str) -> Rules:
    return Rules.of(document_of(program_id, number), number, currency, timezone)


def needs_products(program: Program) -> bool:
    """Whether any version's rules ask for tags or collections of what is bought."""
    return any(version.needs_products for version in _every(program))


def look_at_lines(program: Program) -> bool:
    """Whether it matters to any version's rules what is bought, and not only for how much."""
    return any(version.looks_at_lines for version in _every(program))


def _every(program: Program) -> Iterator[Rules]:
    return (rules(program, number) for number in range(1, program.version + 1))


def tiers(program: Program, number: int | None = None) -> Settings:
    """The tiers of a version, or of the one in force."""
    return _tiers(program.pk, number or program.version, program.currency)


@memories.remembered
def _tiers(program_id: int, number: int, currency: str) -> Settings:
    return Settings.of(document_of(program_id, number), currency)


def invitations(program: Program, number: int | None = None) -> Invitations:
    """What a version says of referrals, or the one in force."""
    return _invitations(program.pk, number or program.version, program.currency)


@memories.remembered
def _invitations(program_id: int, number: int, currency: str) -> Invitations:
    return Invitations.of(document_of(program_id, number), number, currency)


def can_invite(program: Program) -> bool:
    """Whether members can invite friends now."""
    return invitations(program).active and FRIENDS not in program.withheld


def has_invited(program: Program) -> bool:
    """Whether members could invite friends by any version: what was promised then counts."""
    return any(invitations(program, number).active for number in range(1, program.version + 1))


def on_offer(document: Json) -> list[Json]:
    """The rewards a shopper can have."""
    return [reward for reward in document["rewards"] if not reward["archived"]]


def offered(program: Program) -> list[Offer]:
    """What the version in force has on offer, now or at another time, and can be had. Don't change it."""
    offers = _offered(program.pk, program.version, program.currency, program.timezone)
    if not program.withheld:
        return offers
    return [offer for offer in offers if offer.reward["id"] not in program.withheld]


@memories.remembered
def _offered(program_id: int, number: int, currency: str, timezone: str) -> list[Offer]:
    rewards = on_offer(document_of(program_id, number))
    return [Offer.of(reward, currency, ZoneInfo(timezone)) for reward in rewards]


def given_out(document: Json) -> dict[str, Json]:
    """All rewards of a complete document, the friends' too, by the ids under which they are withheld."""
    rewards = {reward["id"]: reward for reward in document["rewards"]}
    return {**rewards, FRIENDS: document["referrals"]["reward"]}


def withhold(program_id: int, reward_id: str, code: str, why: str) -> None:
    """Offer a reward, or FRIENDS, to nobody until it is changed, or `offer_again`. `why`: for staff."""
    with transaction.atomic():
        program = Program.objects.select_for_update(no_key=True).get(pk=program_id)
        program.withheld[reward_id] = {"code": code, "why": why}
        program.save(update_fields=["withheld"])


def offer_again(program_id: int, code: str) -> bool:
    """What kept these rewards from being had is over; whether there were any."""
    with transaction.atomic():
        program = Program.objects.select_for_update(no_key=True).filter(pk=program_id).first()
        if program is None or not any(said["code"] == code for said in program.withheld.values()):
            return False
        program.withheld = {id: said for id, said in program.withheld.items() if said["code"] != code}
        program.save(update_fields=["withheld"])
    return True


Dated = tuple[tuple[datetime, int], ...]
"""(effective from, number), newest first."""


def versions(program: Program) -> Dated:
    """From when on each version holds, up to the one in force."""
    return _versions(program.pk, program.version)


@memories.memory(memories.REMEMBERED)
def _versions(program_id: int, number: int) -> Dated:
    return _learn({program_id: number})[program_id]


def learn(programs: Iterable[Program]) -> None:
    """Read the versions of all these programs at once, as far as they aren't remembered."""
    numbers = {program.pk: program.version for program in programs}
    unknown = [key for key in numbers.items() if key not in _versions]
    for some in tenancy.shares(unknown):
        for program_id, dated in _learn(dict(some)).items():
            _versions.keep((program_id, numbers[program_id]), dated)


def _learn(newest: Mapping[int, int]) -> dict[int, Dated]:
    """The versions of these programs, up to these numbers; what they say is remembered."""
    dated: dict[int, Dated] = {}
    for program_id, group in groupby(_rows(newest), key=itemgetter(0)):
        rows = list(group)
        dated[program_id] = tuple((start, number) for _, number, start, _ in rows)
        # The newest last: when room is made, the oldest go.
        for _, number, _, text in reversed(rows):
            if (program_id, number) not in document_of:
                document_of.keep((program_id, number), _complete(text))
    return dated


def _rows(newest: Mapping[int, int]) -> list[tuple[int, int, datetime, str]]:
    """(program, number, effective from, document), the newest of each program first."""
    if not newest:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT v.program_id, v.number, v.effective_from, v.document FROM rewards_programversion v
            JOIN unnest(%s::bigint[], %s::int[]) AS w (program_id, number)
              ON v.program_id = w.program_id AND v.number <= w.number
            WHERE {tenancy.of("v", newest)}
            ORDER BY v.program_id, v.effective_from DESC, v.number DESC
            """,  # noqa: S608
            [list(newest), list(newest.values())],
        )
        return list(cursor.fetchall())


def in_force(dated: Dated, moment: datetime) -> int:
    """The number of the version that held at a moment, out of `versions`."""
    return next(number for start, number in dated if start <= moment)


def known_at(program_id: int, moment: datetime) -> int | None:
    """The number of the version that people could read at a moment, whichever holds for orders of then."""
    made = ProgramVersion.objects.filter(
        program_id=program_id, created_at__lt=moment.replace(microsecond=0) + timedelta(seconds=1)
    )
    return made.order_by("-number").values_list("number", flat=True).first()


def beginnings(program_id: int, number: int, part: str) -> dict[str, datetime]:
    """When people could first read of each entry of a list: a second is what orders' moments are cut to."""
    rows = ProgramVersion.objects.filter(program_id=program_id, number__lte=number).order_by("number")
    since: dict[str, datetime] = {}
    for document, made in rows.values_list("document", "created_at"):
        for setting in document.get(part, ()):
            since.setdefault(setting["id"], made.replace(microsecond=0))
    return since


def apply(
    program: Program, document: Json, author: str, *, note: str = "", expect: int | None = None
) -> ProgramVersion:
    """Check a document and make it the version in force from now on; one that says the same makes no new one.

    While no order has earned by another, it holds for all that was before, too: who sets the program up and
    then brings in past orders gets what the page says.
    `expect`: the version that the author has seen. Raises BadProgram, and NotTheNewest.
    """
    complete = checked(document, program.currency)
    # Payments are dated in whole seconds: the second of the change belongs to the new version.
    now = clock.now().replace(microsecond=0)
    with transaction.atomic():
        locked = Program.objects.select_for_update().get(pk=program.pk)
        if expect not in (None, locked.version):
            raise NotTheNewest(locked.version)
        before = document_of(locked.pk, locked.version)
        complete = closed_tiers.kept(locked, before, complete)
        complete = kept_rewards.kept(locked, before, complete)
        if complete == before:
            program.version = locked.version
            return ProgramVersion.objects.get(program=locked, number=locked.version)
        version = ProgramVersion.objects.create(
            program=locked,
            number=locked.version + 1,
            document=complete,
            effective_from=now if _has_awarded(locked.pk) else BEGINNING,
            author=author[:120],
            note=note[:200],
        )
        if lifetime(complete) != lifetime(before):
            locked.expiry_since = now
        locked.withheld = _still_withheld(locked, complete)
        locked.version = version.number
        locked.name = complete["name"]
        locked.save(update_fields=["version", "name", "expiry_since", "withheld"])
    program.version, program.name, program.expiry_since = locked.version, locked.name, locked.expiry_since
    program.withheld = locked.withheld
    return version


def _still_withheld(program: Program, complete: Json) -> Json:
    """Whatever is changed has another chance."""
    before, after = given_out(document_of(program.pk, program.version)), given_out(complete)
    return {id: said for id, said in program.withheld.items() if before.get(id) == after.get(id)}


def _has_awarded(program_id: int) -> bool:
    return Order.objects.filter(program_id=program_id, context__isnull=False).exists()


def restore(
    program: Program, number: int, author: str, *, note: str = "", expect: int | None = None
) -> ProgramVersion:
    """Make what an old version said the newest again, as far as today's rules allow it.

    Raises ProgramVersion.DoesNotExist, BadProgram and NotTheNewest.
    """
    document = document_of(program.pk, number)
    return apply(program, document, author, note=note or restored_note(number), expect=expect)


def restored_note(number: int) -> str:
    """What the history says of a version that was restored."""
    return f"As in version {number}"


def changes(program: Program, number: int) -> list[str]:
    """What a version changed, in words. The first has nothing before it."""
    if number == 1:
        return []
    before, after = (document_of(program.pk, one) for one in (number - 1, number))
    return differences(before, after, program.currency)


def lifetime(document: Json) -> Json:
    """What decides when points lapse; notices don't."""
    said = document.get("expiry", {"policy": "never"})
    return {name: value for name, value in said.items() if name != "notice_days"}


def erase(program_id: int) -> None:
    """Delete a program with all its people, orders and movements. For a merchant who has left."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The only way past the wall that keeps movements; see the migration `walls`.
        cursor.execute("SET LOCAL rewards.erasing = %s", [str(program_id)])
        for model in ERASED:
            model.objects.filter(program_id=program_id)._raw_delete("default")
        Program.objects.filter(pk=program_id).delete()
    memories.forget()


def reward(document: Json, reward_id: str) -> Json | None:
    """The reward with this id, archived ones included."""
    return next((found for found in document["rewards"] if found["id"] == reward_id), None)
