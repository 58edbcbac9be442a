"""Extra points for a member's first order."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.rules.base import Circumstances, Flat, Json
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class FirstOrder(Flat):
    kind: ClassVar[str] = "first_order"
    label: ClassVar[str] = "First order"

    @property
    def needs_history(self) -> bool:
        return True

    def holds(self, who: Circumstances) -> bool:
        return who.ordinal == 1 and Flat.holds(self, who)

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for the first order"
