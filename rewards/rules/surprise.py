"""A surprise with a budget: the next so many orders of at least an amount."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.money import minor
from rewards.rules.base import Json, Reading
from rewards.rules.order_over import OrderOver
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class Surprise(OrderOver):
    # How many orders get it. Who has it keeps a place, also where a refund takes the points back.
    budget: int = 0

    kind: ClassVar[str] = "surprise"
    label: ClassVar[str] = "Surprise"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        amount = minor(setting["amount"], reading.currency)
        return {"points": setting["points"], "amount": amount, "budget": setting["budget"]}

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        points, amount = saying.points(setting["points"]), saying.money(setting["amount"])
        return f"{points} for the next {setting['budget']} orders of at least {amount}"
