"""Extra points for an order of at least an amount, judged on what of it counts now."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.money import minor
from rewards.rules.base import Basket, Flat, Json, Reading
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class OrderOver(Flat):
    # Minor units.
    amount: int = 0

    kind: ClassVar[str] = "order_over"
    label: ClassVar[str] = "Large order"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "amount": minor(setting["amount"], reading.currency)}

    def is_due(self, basket: Basket) -> bool:
        return bool(basket.basis >= self.amount)

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        points, amount = saying.points(setting["points"]), saying.money(setting["amount"])
        return f"{points} for an order of at least {amount}"
