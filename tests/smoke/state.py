"""What one step hands to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.smoke.demo import Demo
from tests.smoke.expected import Sale
from tests.smoke.shop import Shop, expect, wait_until

if TYPE_CHECKING:
    from tests.smoke.second import Second


@dataclass
class Run:
    demo: Demo
    sales: list[Sale] = field(default_factory=list)
    customers: dict[int, int] = field(default_factory=dict)  # household -> customer id
    sold: list[tuple[int, list[int]]] = field(default_factory=list)  # order id and line ids, as in `sales`
    owed: dict[int, int] = field(default_factory=dict)  # customer id -> points they must have
    selling_seconds: float = 0.0
    second: Second | None = None

    def __post_init__(self) -> None:
        self.shop = Shop(self.demo)

    def by_wealth(self) -> list[int]:
        """Customers, those with the most points first."""
        return sorted(self.owed, key=lambda customer: (-self.owed[customer], customer))

    def check_balance(self, customer: int, seconds: float = 12) -> None:
        """The storefront and the metafield say what this customer is owed."""
        owed = self.owed[customer]
        seen = self.shop.browser(customer).available()
        expect(seen == owed, f"customer {customer} has {seen} points and is owed {owed}")
        what = f"the metafield of customer {customer} says {owed}"
        wait_until(seconds, what, lambda: self.shop.points(customer) == owed)
