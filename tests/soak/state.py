"""How big a soak is, and what its stages share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.smoke.state import Run
from tests.soak.books import Books


@dataclass(frozen=True)
class Size:
    name: str
    customers: int
    orders: int
    selling_seconds: float
    """Where the machine is slower, fewer orders are made, and the report says how many."""
    kills: int
    valkey_losses: int
    """Of the kills, those that take Valkey and all its data."""
    redemptions: int
    """Asked for by one member who can afford a tenth of them."""
    creates: int
    """Redemptions whose calls to Shopify meet accidents."""
    postgres_kills: int
    """While deliveries pour in and each 2xx is noted."""


SHORT = Size("short", 100, 2_000, 20, 8, 2, 400, 200, 3)
LONG = Size("long", 1_000, 100_000, 150, 20, 2, 10_000, 1_500, 25)


@dataclass
class Soak:
    run: Run
    books: Books
    size: Size
    seed: int
    asking: list[int] = field(default_factory=list)
    """Customers whose redemptions met accidents."""
    killed: dict[str, int] = field(default_factory=dict)

    def chance(self, stage: str) -> random.Random:
        """Each stage draws from its own source, so that one more draw here changes nothing there."""
        return random.Random(f"{self.seed}:{stage}")
