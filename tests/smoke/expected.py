"""What the demo program owes for a sale, reckoned independently of the app: whole cents, no taxes.

1 point per 1.00 of goods after line discounts and refunds, rounded down once per order; 50 for signing up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SIGNUP_BONUS = 50
CENTS_PER_POINT = 100


@dataclass(frozen=True)
class Line:
    """One piece of something, in cents; `discounts` are amounts taken off this line."""

    title: str
    price: int
    discounts: tuple[int, ...] = ()
    department: str = ""

    @property
    def net(self) -> int:
        return self.price - sum(self.discounts)


@dataclass(frozen=True)
class Refund:
    """Lines taken off the order, by their place in it, and the money that went back with them."""

    lines: tuple[int, ...]
    money: int


@dataclass
class Sale:
    household: int
    sold_at: datetime
    lines: list[Line]
    refunds: list[Refund] = field(default_factory=list)

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def points(self) -> int:
        gone = {place for refund in self.refunds for place in refund.lines}
        kept = sum(line.net for place, line in enumerate(self.lines) if place not in gone)
        money_back = sum(refund.money for refund in self.refunds)
        unexplained = max(0, money_back - (self.net - kept))
        return max(0, kept - unexplained) // CENTS_PER_POINT


def balance(sales: list[Sale]) -> int:
    """Of a customer with these sales who has spent nothing."""
    return SIGNUP_BONUS + sum(sale.points for sale in sales)
