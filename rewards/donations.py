"""Money that shoppers gave to a cause with their points, and what the merchant has passed on of it.

What is given is final: everybody can read the sum, and it never falls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum

from rewards import tallies
from rewards.models import Payout, Program

Json = dict[str, Any]


class MoreThanGiven(ValueError):
    """As much can't be paid out."""

    def __init__(self, still_open: int) -> None:
        super().__init__("More than was given.")
        self.still_open = still_open


@dataclass(frozen=True, slots=True)
class Account:
    """Of one donation, in minor units: what was given, how often, and what was paid out of it."""

    given: int
    times: int
    paid: int

    @property
    def still_open(self) -> int:
        return self.given - self.paid


def accounts(program_id: int, reward_ids: Sequence[str]) -> dict[str, Account]:
    """By reward."""
    rows = Payout.objects.filter(program_id=program_id, reward__in=list(reward_ids))
    paid = dict(rows.values_list("reward").annotate(Sum("amount")).order_by())
    return {
        id: Account(tally.value, tally.count, paid.get(id, 0))
        for id, tally in tallies.known(program_id, reward_ids).items()
    }


@transaction.atomic
def pay_out(
    program: Program, reward_id: str, amount: int, *, paid_on: date, receipt: str, author: str, key: str
) -> Payout:
    """Note what was passed on, in minor units; the same key notes it once. Raises MoreThanGiven."""
    tallies.locked(program.pk, [reward_id])
    if known := Payout.objects.filter(program_id=program.pk, reward=reward_id, key=key).first():
        return known
    still_open = accounts(program.pk, [reward_id])[reward_id].still_open
    if amount > still_open:
        raise MoreThanGiven(still_open)
    return Payout.objects.create(
        program=program,
        reward=reward_id,
        amount=amount,
        paid_on=paid_on,
        receipt=receipt,
        author=author[:120],
        key=key,
    )
