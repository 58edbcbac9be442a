"""A share of one order. Shopify knows no maximum for it."""

from collections.abc import Iterator

from rewards.kinds.base import Json, Kind, Problem
from rewards.rules.words import Saying


class Percentage(Kind):
    name = "percentage"

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        if not 0 < float(reward["percent"]) <= 100:
            yield "percent", "must be above 0 and at most 100."

    def start(self, currency: str) -> Json:
        return {"title": "10% off", "points": 200, "percent": "10"}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"{reward['percent']}% off an order"
