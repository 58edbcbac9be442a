"""What a schema can't say of referrals: amounts of the currency, risks."""

from collections.abc import Iterator
from typing import Any

from rewards.money import BadMoney, major, minor

Json = dict[str, Any]
Problem = tuple[str, str]
"""(path, sentence)."""


def errors(document: Json, currency: str) -> Iterator[Problem]:
    """What makes the referrals of a complete document impossible, beside the friend's reward."""
    minimum = document["referrals"]["minimum"]
    try:
        if minimum is not None and minor(minimum, currency) <= 0:
            yield "referrals.minimum", "must be above 0."
    except BadMoney as error:
        yield "referrals.minimum", str(error)


def risks(document: Json, currency: str) -> Iterator[Problem]:
    """What is hardly meant."""
    said = document["referrals"]
    if not said["active"]:
        return
    reward = said["reward"]
    if not said["points"]:
        yield "referrals.points", "Members get nothing for inviting a friend: few will."
    if said["most"] is None and said["most_ever"] is None:
        yield "referrals.most", "A member can be paid for any number of friends: there is no limit."
    if not said["hold_suspicious"]:
        yield "referrals.hold_suspicious", "Suspicious referrals are paid without anybody looking at them."
    least = minor(reward["minimum_subtotal"] or "0", currency)
    if reward["kind"] == "fixed" and minor(reward["value"], currency) > least:
        yield (
            "referrals.reward",
            f"The friend's reward of {reward['value']} {currency} may be more than the friend's order: "
            "say what the smallest order is.",
        )


def write_alike(document: Json, currency: str) -> None:
    """`"5"` becomes `"5.00"`."""
    said = document["referrals"]
    if said["minimum"] is not None:
        said["minimum"] = major(minor(said["minimum"], currency), currency)
