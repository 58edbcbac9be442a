"""The shipping of one order."""

from rewards.kinds.base import Json, Kind
from rewards.rules.words import Saying


class FreeShipping(Kind):
    name = "free_shipping"

    def discount_class(self, reward: Json) -> str:
        return "shipping"

    def start(self, currency: str) -> Json:
        return {"title": "Free shipping", "points": 150}

    def gives(self, reward: Json, saying: Saying) -> str:
        return "the shipping of an order"
