"""A fixed amount off one order."""

from rewards.kinds import codes
from rewards.kinds.base import Json, Kind
from rewards.money import minor, units
from rewards.rules.words import Saying


class Fixed(Kind):
    name = "fixed"
    amounts = ("value",)

    def value(self, reward: Json, currency: str) -> int:
        return minor(reward["value"], currency)

    def start(self, currency: str) -> Json:
        value = units(5, currency)
        return {"title": f"{value} off", "points": 100, "value": value}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"{saying.money(reward['value'])} {codes.off(reward, saying)}"
