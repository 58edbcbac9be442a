"""A gift card of the shop: a code that pays for orders until nothing is left on it, whoever has it."""

from rewards.kinds.base import Json, Kind
from rewards.money import minor, units
from rewards.rules.words import Saying


class GiftCard(Kind):
    name = "gift_card"
    made_by = "gift_card"
    used_by_order = False
    amounts = ("value",)
    lasts = "card_days"
    # Whoever has the code has the money: it is longer than a code that is good for one customer. Shopify
    # takes 20 characters at the most, so there is no room for a prefix.
    code_length = 16
    scopes = ("write_gift_cards",)

    def value(self, reward: Json, currency: str) -> int:
        return minor(reward["value"], currency)

    def start(self, currency: str) -> Json:
        value = units(10, currency)
        return {"title": f"{value} gift card", "points": 200, "value": value}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"a gift card of {saying.money(reward['value'])}"
