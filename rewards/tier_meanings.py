"""What a schema can't say of tiers: amounts of the metric, thresholds that rise."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from rewards.money import BadMoney, major, minor

Json = dict[str, Any]
Problem = tuple[str, str]
"""(path, sentence)."""
AMOUNTS = ("from", "keep")


def errors(document: Json, currency: str) -> Iterator[Problem]:
    """What makes the tiers of a complete document impossible."""
    said = document["tiers"]
    reached: list[int] = []
    products: set[int] = set()
    for index, level in enumerate(said["levels"]):
        path = f"tiers.levels.{index}"
        if level["closed"]:
            continue  # its amounts may be of another metric, and decide nothing
        try:
            start, keep = (_amount(level, name, said["metric"], currency) for name in AMOUNTS)
        except _NoAmount as problem:
            yield f"{path}.{problem.field}", str(problem)
            continue
        yield from _thresholds(level, start, keep, reached, path)
        if level["multiplier"] and Fraction(level["multiplier"]["factor"]) == 0:
            yield f"{path}.multiplier.factor", "must be above 0."
        reached += [start] if start else []
        bought = level["membership"]
        if bought and bought["product"] in products:
            yield f"{path}.membership.product", "comes with another tier already."
        products |= {bought["product"]} if bought else set()


def write_alike(document: Json, currency: str) -> None:
    """`"100"` becomes `"100.00"`, and of points or orders `"0100"` becomes `"100"`."""
    said = document["tiers"]
    for level in said["levels"]:
        for name in AMOUNTS:
            if level[name] is not None and not level["closed"]:
                level[name] = _alike(level[name], said["metric"], currency)


class _NoAmount(ValueError):
    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def _amount(level: Json, name: str, metric: str, currency: str) -> int | None:
    if level[name] is None:
        return None
    if metric != "spend":
        if not level[name].isdecimal():
            raise _NoAmount(name, f"must be a whole number of {metric}.")
        return int(level[name])
    try:
        return minor(level[name], currency)
    except BadMoney as error:
        raise _NoAmount(name, str(error)) from error


def _thresholds(
    level: Json, start: int | None, keep: int | None, reached: list[int], path: str
) -> Iterator[Problem]:
    """`reached`: with what the tiers below are reached."""
    if start is None:
        if keep is not None:
            yield f"{path}.keep", "needs the amount with which the tier is reached."
        return
    if level["by_invitation"]:
        yield f"{path}.from", "must be empty where members come by invitation only."
    elif start <= 0:
        yield f"{path}.from", "must be above 0."
    elif reached and start <= reached[-1]:
        yield f"{path}.from", "must be above that of the tier below."
    if keep is not None and keep > start:
        yield f"{path}.keep", "must not be above the amount with which the tier is reached."


def _alike(amount: str, metric: str, currency: str) -> str:
    return major(minor(amount, currency), currency) if metric == "spend" else str(int(amount))
