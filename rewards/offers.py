"""What rewards cost, what they are worth, and who may have them now: pure functions over rewards of a
program's document. What differs from kind to kind stands in `kinds`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from rewards import dates, kinds
from rewards.kinds import BadChoice, Price
from rewards.rules.base import Period

__all__ = [
    "BadChoice",
    "Offer",
    "Price",
    "Shopper",
    "budget_of",
    "cheapest",
    "price",
    "public",
    "tags_of",
    "worth",
]

Json = dict[str, Any]

HIDDEN = (
    *("archived", "version", "asked", "placed", "budget"),
    *("customer_tags", "in_total", "starts", "ends"),
)
"""What only the merchant needs, or what shoppers read in another form."""


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who looks at what is on offer; without anything, a guest."""

    available: int = 0
    tier: str | None = None
    # In small letters.
    tags: frozenset[str] = frozenset()
    # By reward: how many of it are theirs.
    had: Mapping[str, int] = field(default_factory=dict)
    # By the name of a budget: how many places are taken, by whomever.
    taken: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward of a version that isn't archived, ready to be looked at by everybody."""

    # As the document has it, and as anybody may see it. Don't change them.
    reward: Json
    shown: Json
    cheapest: int
    period: Period
    tiers: frozenset[str]
    tags: frozenset[str]
    has_limits: bool

    @classmethod
    def of(cls, reward: Json, currency: str, zone: ZoneInfo) -> "Offer":
        """From a reward of a complete document."""
        period = Period.of(reward, zone)
        return cls(
            reward,
            {**public(reward), **_days(period, zone)},
            cheapest(reward, currency),
            period,
            frozenset(reward["tiers"]),
            tags_of(reward["customer_tags"]),
            bool(reward["per_member"] or reward["in_total"]),
        )

    @property
    def budget(self) -> str:
        return budget_of(self.reward["id"])

    def is_for(self, shopper: Shopper) -> bool:
        """Whether it is meant for them, now or at another time."""
        return (not self.tiers or shopper.tier in self.tiers) and (
            not self.tags or not self.tags.isdisjoint(shopper.tags)
        )

    def is_over(self, now: datetime) -> bool:
        """Whether nobody can have it any more."""
        return self.period.ends is not None and self.period.ends <= now

    def left(self, shopper: Shopper) -> int | None:
        """How many more they can have by its limits; None: as many as they can pay."""
        limits = (
            (self.reward["per_member"], shopper.had.get(self.reward["id"], 0)),
            (self.reward["in_total"], shopper.taken.get(self.budget, 0)),
        )
        rooms = [max(0, most - number) for most, number in limits if most is not None]
        return min(rooms, default=None)

    def refusal(self, shopper: Shopper) -> str:
        """Which limit is reached: `all_taken`, `had_enough`, or none."""
        if not self.has_limits:
            return ""
        if self.left(Shopper(taken=shopper.taken)) == 0:
            return "all_taken"
        return "had_enough" if self.left(shopper) == 0 else ""

    def seen_by(self, shopper: Shopper) -> Json:
        """As a shopper sees it: whether they can have it now, and why not. `left`: for all together."""
        refusal = self.refusal(shopper)
        told = {
            **self.shown,
            "affordable": not refusal and self.cheapest <= shopper.available,
            "missing": max(0, self.cheapest - shopper.available),
        }
        if self.reward["in_total"]:
            told["left"] = max(0, self.reward["in_total"] - shopper.taken.get(self.budget, 0))
        if refusal:
            told["reason"] = refusal
        return told


def _days(period: Period, zone: ZoneInfo) -> Json:
    """`opens`, `closes`: its first and its last local day."""
    said: Json = {}
    if period.starts:
        said["opens"] = dates.local_date(period.starts, zone).isoformat()
    if last := period.last_day(zone):
        said["closes"] = last.isoformat()
    return said


def price(reward: Json, currency: str, points: int | None = None) -> Price:
    """The price of a reward; a variable one needs the points to spend. Raises BadChoice."""
    return kinds.of(reward).price(reward, currency, points)


def tags_of(tags: Iterable[str] | None) -> frozenset[str]:
    """A member's customer tags, as they are compared; None: nobody has told of any."""
    return frozenset(tag.casefold() for tag in tags or ())


def budget_of(reward_id: str) -> str:
    """What the places of a reward are called among the budgets; a rule may have the same id."""
    return f"reward:{reward_id}"


def public(reward: Json) -> Json:
    """A reward as anybody may see it. `discount`: what its code lowers; see `Kind.discount_class`."""
    shown = _said({**reward, "discount": kinds.of(reward).discount_class(reward)})
    return {name: value for name, value in shown.items() if name not in HIDDEN}


def _said(settings: Json) -> Json:
    """Without what they don't say."""
    inner = {name: _said(value) if isinstance(value, dict) else value for name, value in settings.items()}
    return {name: value for name, value in inner.items() if value not in (None, [], {})}


def cheapest(reward: Json, currency: str) -> int:
    """The least points with which a member can have it."""
    return kinds.of(reward).cheapest(reward, currency)


def worth(points: int, rewards: list[Json], currency: str) -> Fraction | None:
    """Points in minor units of money, by the most generous reward that says so; None: none does."""
    rates = (kinds.of(reward).of_a_point(reward, currency) for reward in rewards)
    known = [rate for rate in rates if rate is not None]
    return points * max(known) if known else None
