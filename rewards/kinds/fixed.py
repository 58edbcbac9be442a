"""A fixed amount off one order."""

from rewards.kinds.base import Json, Kind
from rewards.money import minor
from rewards.rules.words import Saying


class Fixed(Kind):
    name = "fixed"
    amounts = ("value",)

    def value(self, reward: Json, currency: str) -> int:
        return minor(reward["value"], currency)

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"{saying.money(reward['value'])} off an order"
