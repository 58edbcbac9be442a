"""What a schema can't say of a program's document: amounts of its currency, ranges, unique ids, risks.

Paths are those of the document, such as `earning.rules.2.ends`; sentences go on after the path's name.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from rewards.money import BadMoney, major, minor

Json = dict[str, Any]
Problem = tuple[str, str]
"""(path, sentence)."""

FIELDS: dict[str, frozenset[str]] = {
    "fixed": frozenset({"value"}),
    "percentage": frozenset({"percent"}),
    "free_shipping": frozenset(),
    "variable": frozenset({"per", "min", "max", "step"}),
}
"""What a reward has besides what all have, by its kind."""
FIELDS_OF_KINDS = frozenset().union(*FIELDS.values())
MONEY_OF_REWARDS = ("value", "per", "min", "max", "step", "minimum_subtotal")


def errors(document: Json, currency: str) -> Iterator[Problem]:
    """What makes a complete document impossible."""
    yield from _positive_money(document["earning"]["rate"]["per"], "earning.rate.per", currency)
    for index, rule in enumerate(document["earning"]["rules"]):
        if "amount" in rule:
            yield from _positive_money(rule["amount"], f"earning.rules.{index}.amount", currency)
    yield from _once(document["rewards"], "rewards")
    for index, offer in enumerate(document["rewards"]):
        path = f"rewards.{index}"
        for name in MONEY_OF_REWARDS:
            if offer.get(name) is not None:
                yield from _positive_money(offer[name], f"{path}.{name}", currency)
        yield from _reward(offer, path, currency)


def write_alike(document: Json, currency: str) -> None:
    """`"5"` becomes `"5.00"`, so that versions compare by what they mean."""
    rate = document["earning"]["rate"]
    rate["per"] = major(minor(rate["per"], currency), currency)
    for rule in document["earning"]["rules"]:
        if "amount" in rule:
            rule["amount"] = major(minor(rule["amount"], currency), currency)
    for offer in document["rewards"]:
        for name in MONEY_OF_REWARDS:
            if offer.get(name) is not None:
                offer[name] = major(minor(offer[name], currency), currency)


def _once(things: Iterable[Json], path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, thing in enumerate(things):
        if thing["id"] in seen:
            yield f"{path}.{index}.id", f"“{thing['id']}” is used twice."
        seen.add(thing["id"])


def _reward(offer: Json, path: str, currency: str) -> Iterator[Problem]:
    for name in FIELDS_OF_KINDS - FIELDS[offer["kind"]]:
        if name in offer:
            yield f"{path}.{name}", "doesn't belong to a reward of this kind."
    if offer["kind"] == "percentage" and not 0 < float(offer["percent"]) <= 100:
        yield f"{path}.percent", "must be above 0 and at most 100."
    if offer["kind"] == "variable":
        try:
            low, high, step = (minor(offer[name], currency) for name in ("min", "max", "step"))
        except BadMoney:
            return
        if high < low:
            yield f"{path}.max", "must not be less than the minimum."
        elif step > 0 and (high - low) % step:
            yield f"{path}.step", "must lead from the minimum to the maximum in whole steps."


def _positive_money(amount: str, path: str, currency: str) -> Iterator[Problem]:
    try:
        if minor(amount, currency) <= 0:
            yield path, "must be above 0."
    except BadMoney as error:
        yield path, str(error)
