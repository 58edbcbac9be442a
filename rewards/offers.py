"""What a reward costs, and what it is worth: pure functions over a reward of the program document."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from rewards.money import major, minor


class BadChoice(ValueError):
    """The shopper asked for something the reward doesn't offer; the message says what it offers."""


HIDDEN = ("archived", "combines_with", "version", "asked")
"""What only the merchant needs."""


@dataclass(frozen=True, slots=True)
class Price:
    """Points to pay, and the value in minor units where the reward has one."""

    points: int
    value: int | None


def price(reward: dict[str, Any], currency: str, points: int | None = None) -> Price:
    """The price of a reward; a variable one needs the points to spend. Raises BadChoice."""
    if reward["kind"] == "variable":
        return _variable(reward, currency, points)
    if points is not None and points != reward["points"]:
        raise BadChoice(f"This reward costs {reward['points']} points.")
    value = minor(reward["value"], currency) if reward["kind"] == "fixed" else None
    return Price(reward["points"], value)


def public(reward: dict[str, Any]) -> dict[str, Any]:
    """A reward as anybody may see it."""
    return {name: value for name, value in reward.items() if name not in HIDDEN and value not in (None, [])}


def is_for(reward: dict[str, Any], tier: str | None) -> bool:
    """Whether a reward is on offer to members of this tier."""
    return not reward.get("tiers") or tier in reward["tiers"]


def cheapest(reward: dict[str, Any], currency: str) -> int:
    """The least points with which a member can have it."""
    if reward["kind"] == "variable":
        return _points_for(minor(reward["min"], currency), reward, currency)
    points: int = reward["points"]
    return points


def worth(points: int, rewards: list[dict[str, Any]], currency: str) -> Fraction | None:
    """Points in minor units of money, by the most generous reward that says so; None: none does."""
    rates = [
        Fraction(minor(reward["value" if reward["kind"] == "fixed" else "per"], currency), reward["points"])
        for reward in rewards
        if reward["kind"] in ("fixed", "variable")
    ]
    return points * max(rates) if rates else None


def _variable(reward: dict[str, Any], currency: str, points: int | None) -> Price:
    """Only whole steps within the range; the price of each is rounded up."""
    low, high, step = (minor(reward[name], currency) for name in ("min", "max", "step"))
    if points is not None and points > 0:
        worth = Fraction(points * minor(reward["per"], currency), reward["points"])
        value = low + (int(worth) - low) // step * step
        if low <= value <= high and _points_for(value, reward, currency) == points:
            return Price(points, value)
    raise BadChoice(
        f"Choose an amount from {reward['min']} to {reward['max']} {currency} in steps of {reward['step']}: "
        f"{_points_for(low, reward, currency)} points give {major(low, currency)}, "
        f"{_points_for(high, reward, currency)} points give {major(high, currency)}."
    )


def _points_for(value: int, reward: dict[str, Any], currency: str) -> int:
    return ceil(Fraction(value * reward["points"], minor(reward["per"], currency)))
