"""Some pieces of a product, or of whatever the shopper takes out of a collection."""

from collections.abc import Iterator

from rewards.kinds.base import Json, Kind, Problem
from rewards.rules.words import Saying


class FreeProduct(Kind):
    """Something else has to be bought: at Shopify, only buying X to get Y stops at a number of pieces."""

    name = "free_product"

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        if not any(reward["free"].values()):
            yield "free.products", "Choose what is free: products, variants or collections."
        if not any(reward["on"].values()):
            yield "on.collections", "Choose what has to be bought: products, variants or collections."

    def discount_class(self, reward: Json) -> str:
        return "product"

    def start(self, currency: str) -> Json:
        return {"title": "Free product", "points": 300, "free": {}}

    def gives(self, reward: Json, saying: Saying) -> str:
        pieces, free, bought = reward["quantity"], saying.goods(reward["free"]), saying.goods(reward["on"])
        number = "a piece" if pieces == 1 else f"{pieces} pieces"
        return f"{number} of {_named(free)} when they buy {_named(bought)}"

    def at_worst(self, reward: Json, saying: Saying) -> str:
        return "What that costs you depends on the price it then has."


def _named(goods: str) -> str:
    return goods.removeprefix(" on ") or "something"
