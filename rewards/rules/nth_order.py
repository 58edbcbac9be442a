"""Extra points for a member's n-th order, and for every n-th one if so set."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.rules.base import Circumstances, Flat, Json, Reading
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class NthOrder(Flat):
    n: int = 2
    repeat: bool = False

    kind: ClassVar[str] = "nth_order"
    label: ClassVar[str] = "Order after order"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "n": setting["n"], "repeat": setting["repeat"]}

    @property
    def needs_history(self) -> bool:
        return True

    def holds(self, who: Circumstances) -> bool:
        reached = who.ordinal % self.n == 0 if self.repeat else who.ordinal == self.n
        return reached and Flat.holds(self, who)

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        which = "every" if setting["repeat"] else "the"
        return f"{saying.points(setting['points'])} for {which} {ordinal(setting['n'])} order"


def ordinal(number: int) -> str:
    """`2nd`, `11th`, `23rd`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
