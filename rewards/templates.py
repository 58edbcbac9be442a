"""Programs to start with: each changes a document, and says nothing of what it isn't about. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rewards import programs
from rewards.money import units

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """`apply(document, currency, product)`: the document as it would be. Some need a product."""

    title: str
    explained: str
    apply: Callable[[Json, str, int], Json]
    needs_product: bool = False


def points(document: Json, currency: str, product: int = 0) -> Json:
    """Points for money, a bonus for joining, and four rewards."""
    start = programs.starter("", currency)
    earning = {**document["earning"], **start["earning"]}
    return {**document, "earning": earning, "rewards": _joined(document["rewards"], start["rewards"])}


def tiers(document: Json, currency: str, product: int = 0) -> Json:
    """Three levels by what is spent in twelve months, each with more points."""
    levels = [
        _level("Bronze", units(50, currency), "1.1", 0, []),
        _level("Silver", units(200, currency), "1.25", 100, ["Early access to sales"]),
        _level("Gold", units(500, currency), "1.5", 250, ["Early access to sales"]),
    ]
    said = {"metric": "spend", "window": "rolling_year", "grace_days": 30, "levels": levels}
    return {**document, "tiers": said}


def cashback(document: Json, currency: str, product: int = 0) -> Json:
    """3% of what is spent comes back as store credit, once most refunds have come."""
    earning = {**document["earning"], "hold_days": document["earning"]["hold_days"] or 14}
    earning["rate"] = {"points": 1, "per": units(1, currency)}
    said = {"points": 100, "value": units(3, currency), "least": units(1, currency), "credit_days": 365}
    return {**document, "earning": earning, "cashback": said}


def cause(document: Json, currency: str, product: int = 0) -> Json:
    """Points for money, which members give to a cause: 5% of what they spend, passed on by the merchant."""
    earning = {**document["earning"], "rate": {"points": 1, "per": units(1, currency)}}
    donation = {
        "id": "cause",
        "kind": "donation",
        "title": "Give to our cause",
        "points": 20,
        "cause": "Our cause",
        "about": "Say here whom it helps.",
        "per": units(1, currency),
        "min": units(1, currency),
        "max": units(100, currency),
        "step": units(1, currency),
    }
    return {**document, "earning": earning, "rewards": _joined(document["rewards"], [donation])}


def membership(document: Json, currency: str, product: int) -> Json:
    """A club that comes for a year with a product, above whatever tiers there are."""
    club = {
        **_level("Club", None, "2", 0, ["Twice the points on everything"]),
        "membership": {"product": product, "days": 365},
    }
    levels = _joined(document["tiers"]["levels"], [club])
    return {**document, "tiers": {**document["tiers"], "levels": levels}}


def spend_milestone(document: Json, currency: str, product: int = 0) -> Json:
    """A discount for each 500.00 spent. It isn't on offer for points, so it stands in the archive."""
    reward = {
        "id": "milestone",
        "kind": "fixed",
        "title": f"{units(25, currency)} {currency} off",
        "points": 2500,
        "value": units(25, currency),
        "archived": True,
    }
    gift = {
        "id": "spend-milestone",
        "kind": "milestone",
        "title": f"Thank you for every {units(500, currency)} {currency}",
        "reward": "milestone",
        "amount": units(500, currency),
    }
    rewards, gifts = _joined(document["rewards"], [reward]), _joined(document.get("gifts", ()), [gift])
    return {**document, "rewards": rewards, "gifts": gifts}


def referral(document: Json, currency: str, product: int = 0) -> Json:
    """Friends get ten percent off, members points for those who order for enough."""
    reward = {"kind": "percentage", "title": "10% off", "percent": "10", "valid_days": 30}
    said = {
        "active": True,
        "points": 200,
        "minimum": units(25, currency),
        "most": 10,
        "window_days": 30,
        "reward": reward,
    }
    return {**document, "referrals": {**document["referrals"], **said}}


TEMPLATES = {
    "points": Template(
        "Points", "Shoppers earn points with each order and turn them into discounts.", points
    ),
    "tiers": Template(
        "Tiers", "Who spends more in twelve months climbs from Bronze to Gold and earns more.", tiers
    ),
    "referral": Template(
        "Referrals", "Members invite friends: both get something for the friend's first order.", referral
    ),
    "cashback": Template(
        "Cashback", "3% of each order becomes store credit by itself, without a click.", cashback
    ),
    "cause": Template(
        "Cause", "Members give their points to a cause, and everybody sees how much came together.", cause
    ),
    "membership": Template(
        "Paid membership",
        "A product you sell makes its buyer a member of a club for a year.",
        membership,
        needs_product=True,
    ),
    "spend-milestone": Template(
        "Spend milestone", "A discount for each 500 that somebody has spent, without points.", spend_milestone
    ),
}


def _level(name: str, reached: str | None, factor: str, entry_points: int, perks: list[str]) -> Json:
    return {
        "id": name.lower(),
        "name": name,
        "from": reached,
        "multiplier": {"factor": factor},
        "entry_points": entry_points,
        "perks": perks,
    }


def _joined(things: Iterable[Json], more: Iterable[Json]) -> list[Json]:
    """What is there stays as it is; what is missing comes to it."""
    found = {thing["id"]: thing for thing in things}
    return [*found.values(), *(thing for thing in more if thing["id"] not in found)]
