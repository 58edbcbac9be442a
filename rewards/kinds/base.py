"""What every kind of reward has: what it costs, what it is worth, what a schema can't say of its settings.

A reward is a part of a program's complete document; see `docs/program.schema.json`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from rewards.rules.words import Saying

Json = dict[str, Any]
Problem = tuple[str, str]
"""(setting, sentence that goes on after its name)."""


class BadChoice(ValueError):
    """The shopper asked for something the reward doesn't offer; the message says what it offers."""


@dataclass(frozen=True, slots=True)
class Price:
    """Points to pay, and the value in minor units where the reward has one."""

    points: int
    value: int | None


class Kind(ABC):
    """A kind of reward, as `KINDS` knows it by its name."""

    name: ClassVar[str]
    # Who makes it real: one of the issuers of the room above.
    made_by: ClassVar[str] = "discount"
    # An order uses it up. Otherwise it is used when it is handed over.
    used_by_order: ClassVar[bool] = True
    # Once it is made it is the shopper's own: there is nothing to be used, and nothing to be undone.
    handed_over: ClassVar[bool] = False
    # It can be given for nothing: the shopper has no choice to make.
    can_be_given: ClassVar[bool] = True
    # How many are taken, and what they are worth in all, is known without counting them; see `tallies`.
    is_counted: ClassVar[bool] = False
    # Settings that are amounts of the program's currency, beside those that all rewards have.
    amounts: ClassVar[tuple[str, ...]] = ()
    # The setting that says for how many days it is good, from the moment it is asked for.
    lasts: ClassVar[str] = "valid_days"
    # Of a code without the program's prefix, how long it is.
    code_length: ClassVar[int | None] = None
    # Permissions of the shop that it takes, beyond those that every shop gives.
    scopes: ClassVar[tuple[str, ...]] = ()

    def price(self, reward: Json, currency: str, points: int | None = None) -> Price:
        """What a shopper pays, and gets. `points`: what they said they would. Raises BadChoice."""
        if points is not None and points != reward["points"]:
            raise BadChoice(f"This reward costs {reward['points']} points.")
        return Price(reward["points"], self.value(reward, currency))

    def value(self, reward: Json, currency: str) -> int | None:
        """What it is worth in minor units; None: that depends on the order, or nobody can say."""
        return None

    def days(self, reward: Json) -> int | None:
        """For how many days it is good; None: for ever."""
        days: int | None = reward.get(self.lasts)
        return days

    def cheapest(self, reward: Json, currency: str) -> int:
        """The least points with which a member can have it."""
        points: int = reward["points"]
        return points

    def of_a_point(self, reward: Json, currency: str) -> Fraction | None:
        """Minor units of money that each of its points is worth; None: the reward doesn't say."""
        value = self.value(reward, currency)
        return None if value is None else Fraction(value, reward["points"])

    def discount_class(self, reward: Json) -> str | None:
        """What it lowers, as the cart sees it: `order`, `product`, `shipping`; None: it is no discount.

        Two discounts count together where each allows the other's class.
        """
        if self.made_by != "discount":
            return None
        return "product" if any(reward.get("on", {}).values()) else "order"

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        """What makes these settings impossible, though each of them could be."""
        yield from ()

    def start(self, currency: str) -> Json:
        """What a new one says until somebody says something else: its name, its price, its own settings."""
        return {}

    def at_worst(self, reward: Json, saying: Saying) -> str:
        """What it can cost the shop where its value has no limit, as a sentence."""
        return ""

    @abstractmethod
    def gives(self, reward: Json, saying: Saying) -> str:
        """What a shopper gets, in words: `5.00 EUR off an order`."""
