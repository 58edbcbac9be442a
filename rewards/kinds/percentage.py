"""A share of one order. Shopify knows no maximum for it."""

from collections.abc import Iterator
from fractions import Fraction

from rewards.kinds import codes
from rewards.kinds.base import Json, Kind, Problem
from rewards.money import major, minor, units
from rewards.rules.words import Saying


class Percentage(Kind):
    name = "percentage"

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        if not 0 < float(reward["percent"]) <= 100:
            yield "percent", "must be above 0 and at most 100."

    def start(self, currency: str) -> Json:
        return {"title": "10% off", "points": 200, "percent": "10"}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"{reward['percent']}% {codes.off(reward, saying)}"

    def at_worst(self, reward: Json, saying: Saying) -> str:
        order = units(1000, saying.currency)
        share = Fraction(reward["percent"]) / 100 * minor(order, saying.currency)
        given = saying.money(major(round(share), saying.currency))
        return f"Shopify knows no maximum: of an order of {saying.money(order)} that is {given}."
