"""An amount off one order that the shopper chooses: whole steps within a range."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from rewards.kinds import codes
from rewards.kinds.base import BadChoice, Json, Kind, Price, Problem
from rewards.money import BadMoney, major, minor, units
from rewards.rules.words import Saying


class Variable(Kind):
    name = "variable"
    can_be_given = False
    amounts = ("per", "min", "max", "step")

    def price(self, reward: Json, currency: str, points: int | None = None) -> Price:
        """Needs the points to spend. The price of each step is rounded up."""
        low, high, step = (minor(reward[name], currency) for name in ("min", "max", "step"))
        if points is not None and points > 0:
            worth = Fraction(points * minor(reward["per"], currency), reward["points"])
            value = low + (int(worth) - low) // step * step
            if low <= value <= high and _points_for(value, reward, currency) == points:
                return Price(points, value)
        raise BadChoice(
            f"Choose an amount from {reward['min']} to {reward['max']} {currency} "
            f"in steps of {reward['step']}: "
            f"{_points_for(low, reward, currency)} points give {major(low, currency)}, "
            f"{_points_for(high, reward, currency)} points give {major(high, currency)}."
        )

    def cheapest(self, reward: Json, currency: str) -> int:
        return _points_for(minor(reward["min"], currency), reward, currency)

    def of_a_point(self, reward: Json, currency: str) -> Fraction:
        return Fraction(minor(reward["per"], currency), reward["points"])

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        try:
            low, high, step = (minor(reward[name], currency) for name in ("min", "max", "step"))
        except BadMoney:
            return
        if high < low:
            yield "max", "must not be less than the minimum."
        elif step > 0 and (high - low) % step:
            yield "step", "must lead from the minimum to the maximum in whole steps."

    def start(self, currency: str) -> Json:
        one, fifty = units(1, currency), units(50, currency)
        return {
            "title": "Choose your discount",
            "points": 20,
            "per": one,
            "min": one,
            "max": fifty,
            "step": one,
        }

    def gives(self, reward: Json, saying: Saying) -> str:
        low, high = saying.money(reward["min"]), saying.money(reward["max"])
        return f"{low} to {high} {codes.off(reward, saying)}"


def _points_for(value: int, reward: Json, currency: str) -> int:
    return ceil(Fraction(value * reward["points"], minor(reward["per"], currency)))
