"""What kinds have in common that become a discount code: how Shopify lets it be limited."""

from collections.abc import Iterator
from typing import Any

from rewards.rules.words import THINGS, Saying, Thing

Json = dict[str, Any]
GOODS = ("on", "free")
"""Settings that name goods."""


def errors(reward: Json) -> Iterator[tuple[str, str]]:
    """(setting, sentence that goes on after its name) of what Shopify would refuse."""
    if reward["minimum_subtotal"] and reward["minimum_quantity"]:
        yield "minimum_quantity", "can't be asked for beside the smallest order: choose one of them."
    for name in GOODS:
        lists = [kind for kind, ids in reward.get(name, {}).items() if ids]
        if len(lists) > 1:
            yield f"{name}.{lists[-1]}", "can't be named beside others: use one of these lists."


def goods(reward: Json) -> set[Thing]:
    """All goods that a reward names."""
    return {(THINGS[kind], id) for name in GOODS for kind, ids in reward.get(name, {}).items() for id in ids}


def off(reward: Json, saying: Saying) -> str:
    """`off an order`, `off the collection Cups`."""
    goods = saying.goods(reward["on"]).removeprefix(" on ")
    return f"off {goods or 'an order'}"


def conditions(reward: Json, saying: Saying) -> Iterator[str]:
    """What a code asks for, each as a sentence."""
    if reward["minimum_subtotal"]:
        yield f"For orders of at least {saying.money(reward['minimum_subtotal'])}."
    if reward["minimum_quantity"]:
        yield f"For at least {reward['minimum_quantity']} items."
    if reward["purchase"] == "subscription":
        yield "For subscriptions only."
