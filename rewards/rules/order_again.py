"""Extra points for coming back soon: so many local days after the order before, at the most."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.rules.base import Circumstances, Flat, Json, Reading
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class OrderAgain(Flat):
    within_days: int = 0

    kind: ClassVar[str] = "order_again"
    label: ClassVar[str] = "Back so soon"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "within_days": setting["within_days"]}

    @property
    def needs_history(self) -> bool:
        return True

    def holds(self, who: Circumstances) -> bool:
        days = who.days_since_previous()
        return days is not None and days <= self.within_days and Flat.holds(self, who)

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        points = saying.points(setting["points"])
        return f"{points} for ordering again within {setting['within_days']} days"
