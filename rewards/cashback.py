"""Cashback: what a program says of points that become store credit by themselves. Pure; `payouts` pays it."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from rewards.money import major, minor

Json = dict[str, Any]
REWARD_ID = ":cashback"
"""No reward of a document can be called so."""
MOST = 10**14 - 1
"""Minor units in one payout; what a member has above that is paid by the next."""
TITLE = "{amount} {currency} cashback"


@dataclass(frozen=True, slots=True)
class Cashback:
    """So many points are worth so many minor units; less than `least` of these waits."""

    points: int
    value: int
    least: int
    days: int | None
    currency: str

    @classmethod
    def of(cls, document: Json, currency: str) -> "Cashback | None":
        """What a complete document says; None: nothing."""
        said = document["cashback"]
        if said is None:
            return None
        least = minor(said["least"], currency) if said["least"] else 1
        return cls(said["points"], minor(said["value"], currency), least, said["credit_days"], currency)

    def worth(self, points: int) -> int:
        """Whole minor units; what is left over waits for more."""
        return int(points * self.of_a_point)

    def price(self, amount: int) -> int:
        """The fewest points that are worth an amount of minor units."""
        return ceil(amount / self.of_a_point)

    @property
    def of_a_point(self) -> Fraction:
        return Fraction(self.value, self.points)

    @property
    def from_points(self) -> int:
        """With so many points something is paid."""
        return self.price(self.least)

    def reward(self, points: int) -> Json:
        """What so many points become, as if it stood in a document."""
        amount = min(self.worth(points), MOST)
        said = major(amount, self.currency)
        return {
            "id": REWARD_ID,
            "kind": "store_credit",
            "title": TITLE.format(amount=said, currency=self.currency),
            "points": self.price(amount),
            "value": said,
            "credit_days": self.days,
        }

    def shown(self, available: int, pending: int) -> Json:
        """What a member sees: money that waits to be paid, and that is on hold still."""
        return {
            "waits": major(self.worth(available), self.currency),
            "coming": major(self.worth(pending), self.currency),
            "least": major(self.least, self.currency),
        }


def shown(document: Json, currency: str, available: int, pending: int) -> Json | None:
    """What a member of a program sees of cashback; None: it gives none."""
    found = Cashback.of(document, currency)
    return found.shown(available, pending) if found else None


def as_reward(document: Json, currency: str) -> list[Json]:
    """Cashback beside the rewards on offer, where it is about what points are worth."""
    found = Cashback.of(document, currency)
    return [{**found.reward(found.points), "title": "Cashback"}] if found else []
