"""Rewards without points: given by hand, or by a rule of the program.

A gift is a redemption of no points. It is made, used and ended like any other; nothing comes back at its end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from rewards import clock, histories, kinds, redemption_rows, redemptions
from rewards.ledger import Book
from rewards.models import Identity, Program, Redemption

Json = dict[str, Any]
GIVEN = "given"
FIRST_TRY = timedelta(seconds=15)
"""Who gives one by hand has it made at once; after this the worker takes over."""


class NotGivable(ValueError):
    """It can't be given; the message says why."""


@dataclass(frozen=True, slots=True)
class Gift:
    """What somebody is to have: a complete reward, once for each key. `why` is for the shopper, `note` isn't.

    `source_id`: the shop it is for, where they are a customer of it.
    """

    member_id: int
    reward: Json
    key: str
    rule: str = ""
    by: str = ""
    why: str = ""
    note: str = ""
    source_id: int = 0
    # Its last moment; None: as the reward says.
    until: datetime | None = None
    # Where it has taken a place, which is free again if it can't be made.
    budget: str = ""


def givable(document: Json) -> list[Json]:
    """The rewards of a complete document that can be given; archived ones too, as they may be for that."""
    return [reward for reward in document["rewards"] if kinds.of(reward).can_be_given]


@transaction.atomic
def give(program: Program, gift: Gift, *, now: datetime | None = None) -> tuple[Redemption, bool]:
    """Give somebody something; the bool says whether this call did it, or one with the same key before.

    Raises NotGivable, and MemberMerged.
    """
    now = now or clock.now()
    Book.open(program.pk, [gift.member_id], now=now, spenders=())
    if new := give_all(program, [gift], now):
        return new[0], True
    known = Redemption.objects.filter(program_id=program.pk, member_id=gift.member_id, key=gift.key).first()
    if known is None:
        raise NotGivable("This customer was erased, so there is nobody to give it to.")
    return known, False


def give_all(program: Program, gifts: Sequence[Gift], now: datetime) -> list[Redemption]:
    """Give what wasn't given before; needs the members' locks. Who is no customer any more gets nothing.

    What is new has its code made by whoever works on redemptions.
    """
    if not gifts:
        return []
    customers = _customers(program.pk, {gift.member_id for gift in gifts})
    new = [
        _redemption(program, gift, _customer(customers[gift.member_id], gift.source_id), now)
        for gift in gifts
        if gift.member_id in customers
    ]
    return redemption_rows.insert(program.pk, new)


def _customers(program_id: int, member_ids: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """(shop, customer) of each member, the newest first; without those that went into another."""
    found: dict[int, list[tuple[int, int]]] = {}
    rows = Identity.objects.filter(program_id=program_id, member_id__in=sorted(member_ids), merged=False)
    # Sorted here: of many members PostgreSQL might rather walk through all identities there are.
    for _, member_id, *ref in sorted(
        rows.values_list("id", "member_id", "source_id", "external_id"), reverse=True
    ):
        found.setdefault(member_id, []).append((ref[0], ref[1]))
    return found


def _customer(refs: list[tuple[int, int]], source_id: int) -> tuple[int, int]:
    return next((ref for ref in refs if ref[0] == source_id), refs[0])


def _redemption(program: Program, gift: Gift, customer: tuple[int, int], now: datetime) -> Redemption:
    reward = {**gift.reward, "points": 0, "version": program.version, "asked": None, "budget": gift.budget}
    days = kinds.of(reward).days(reward)
    given = histories.entry(GIVEN, now, rule=gift.rule, by=gift.by, why=gift.why, note=gift.note)
    return Redemption(
        program=program,
        member_id=gift.member_id,
        source_id=customer[0],
        customer_id=customer[1],
        key=gift.key,
        reward=reward,
        points=0,
        value=kinds.of(reward).value(reward, program.currency),
        rule=gift.rule,
        history=[given],
        code=redemptions.code_for(program, reward),
        starts_at=now,
        expires_at=gift.until or (now + timedelta(days=days) if days else None),
        due_at=now + (FIRST_TRY if gift.by else timedelta()),
    )
