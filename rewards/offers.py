"""What rewards cost, what they are worth, and who may have them: pure functions over rewards of a program's
document. What differs from kind to kind stands in `kinds`.
"""

from fractions import Fraction
from typing import Any

from rewards import kinds
from rewards.kinds import BadChoice, Price

__all__ = ["BadChoice", "Price", "cheapest", "is_for", "price", "public", "worth"]

HIDDEN = ("archived", "version", "asked")
"""What only the merchant needs."""


def price(reward: dict[str, Any], currency: str, points: int | None = None) -> Price:
    """The price of a reward; a variable one needs the points to spend. Raises BadChoice."""
    return kinds.of(reward).price(reward, currency, points)


def public(reward: dict[str, Any]) -> dict[str, Any]:
    """A reward as anybody may see it. `discount`: what its code lowers; see `Kind.discount_class`."""
    shown = {**reward, "discount": kinds.of(reward).discount_class(reward)}
    return {name: value for name, value in shown.items() if name not in HIDDEN and value not in (None, [])}


def is_for(reward: dict[str, Any], tier: str | None) -> bool:
    """Whether a reward is on offer to members of this tier."""
    return not reward.get("tiers") or tier in reward["tiers"]


def cheapest(reward: dict[str, Any], currency: str) -> int:
    """The least points with which a member can have it."""
    return kinds.of(reward).cheapest(reward, currency)


def worth(points: int, rewards: list[dict[str, Any]], currency: str) -> Fraction | None:
    """Points in minor units of money, by the most generous reward that says so; None: none does."""
    rates = (kinds.of(reward).of_a_point(reward, currency) for reward in rewards)
    known = [rate for rate in rates if rate is not None]
    return points * max(known) if known else None
