"""Money for a cause, of an amount that the shopper chooses, or of the only one there is."""

from rewards.kinds.base import Json, Price
from rewards.kinds.variable import Variable
from rewards.money import units
from rewards.rules.words import Saying


class Donation(Variable):
    name = "donation"
    made_by = "own"
    used_by_order = False
    handed_over = True
    is_counted = True

    def price(self, reward: Json, currency: str, points: int | None = None) -> Price:
        if points is None and reward["min"] == reward["max"]:
            points = self.cheapest(reward, currency)
        return super().price(reward, currency, points)

    def start(self, currency: str) -> Json:
        one, ten = units(1, currency), units(10, currency)
        amounts = {"per": one, "min": one, "max": ten, "step": one}
        return {"title": "Give to a good cause", "points": 20, "cause": "A good cause", **amounts}

    def gives(self, reward: Json, saying: Saying) -> str:
        amounts = " to ".join(
            saying.money(amount) for amount in dict.fromkeys((reward["min"], reward["max"]))
        )
        return f"{amounts} for {reward['cause']}"
