"""What one step hands to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.smoke.demo import Demo
from tests.smoke.expected import SIGNUP_BONUS, Sale
from tests.smoke.shop import Json, Shop, expect, wait_until

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
    advocate: int = 0  # the customer who invited a friend
    second: Second | None = None
    program: Json | None = None  # the document, once it was asked for

    def __post_init__(self) -> None:
        self.shop = Shop(self.demo)

    def by_wealth(self) -> list[int]:
        """Customers, those with the most points first."""
        return sorted(self.owed, key=lambda customer: (-self.owed[customer], customer))

    def newcomer(self, name: str) -> int:
        """A new customer, who is a member already."""
        customer = self.shop.new_customer(name)
        browser = self.shop.browser(customer)
        wait_until(10, f"{name} is a member", lambda: browser.me()["member"])
        self.owed[customer] = SIGNUP_BONUS
        return customer

    def offer(self, *rewards: Json, **parts: Any) -> None:
        """The program with these rewards besides those that it has, and other parts of it changed."""
        before = self.program or json.loads(self._manage_program("export"))
        ours = {reward["id"] for reward in rewards}
        kept = [one for one in before["rewards"] if one["id"] not in ours]
        self.program = {**before, **parts, "rewards": [*kept, *rewards]}
        file = self.demo.var / "program.json"
        file.write_text(json.dumps(self.program))
        self._manage_program("apply", str(file))

    def _manage_program(self, action: str, *files: str) -> str:
        done = self.demo.manage("program", action, "--shop", self.demo.shop, *files)
        expect(done.returncode == 0, f"program {action}: {done.stderr[-500:]}")
        return done.stdout

    def check_balance(self, customer: int, seconds: float = 12) -> None:
        """The storefront and the metafield say what this customer is owed."""
        owed = self.owed[customer]
        seen = self.shop.browser(customer).available()
        expect(seen == owed, f"customer {customer} has {seen} points and is owed {owed}")
        what = f"the metafield of customer {customer} says {owed}"
        wait_until(seconds, what, lambda: self.shop.points(customer) == owed)
