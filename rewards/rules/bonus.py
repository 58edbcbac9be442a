"""Extra points for every order, or for every order with some product in it: most often a campaign."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.rules.base import Basket, Flat, Json, Reading, Selection
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class Bonus(Flat):
    kind: ClassVar[str] = "bonus"
    label: ClassVar[str] = "Extra points"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "on": Selection.of(setting["on"])}

    @property
    def needs_products(self) -> bool:
        return self.on.needs_products

    def is_due(self, basket: Basket) -> bool:
        bought = [line for line in basket.lines if line.current > 0]
        return any(self.on.is_empty or self.on.names(line, basket.products) for line in bought)

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        goods = saying.goods(setting["on"]).replace(" on ", " with ", 1)
        return f"{saying.points(setting['points'])} for each order{goods}"
