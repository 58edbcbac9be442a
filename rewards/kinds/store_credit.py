"""An amount on the shopper's account with the shop. It pays for any order, as often as it lasts."""

from rewards.kinds.base import Json, Kind
from rewards.money import minor, units
from rewards.rules.words import Saying


class StoreCredit(Kind):
    name = "store_credit"
    made_by = "store_credit"
    used_by_order = False
    handed_over = True
    amounts = ("value",)
    lasts = "credit_days"
    scopes = ("read_store_credit_accounts", "write_store_credit_account_transactions")

    def value(self, reward: Json, currency: str) -> int:
        return minor(reward["value"], currency)

    def start(self, currency: str) -> Json:
        value = units(5, currency)
        return {"title": f"{value} of store credit", "points": 100, "value": value}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"{saying.money(reward['value'])} of store credit"
