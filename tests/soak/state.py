"""How big a soak is, and what its stages share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.smoke.state import Run
from tests.soak.books import Books
from tests.soak.wires import Wires


@dataclass(frozen=True)
class Size:
    name: str
    customers: int
    orders: int
    kills: int
    valkey_losses: int
    """Of the kills, those that take Valkey and all its data."""
    holds: int
    """How often the wires to PostgreSQL or Valkey are held still."""
    redemptions: int
    """Asked for by one member who can afford a tenth of them."""
    creates: int
    """Redemptions whose calls to Shopify meet accidents."""
    postgres_kills: int
    """While deliveries pour in and each 2xx is noted."""
    read_seconds: float
    """How long the app waits for an answer of the shop; accidents keep it waiting longer."""
    standard_orders: int
    """Before all that, on a plan with 100 cost points a second."""


SHORT = Size("short", 100, 5_000, 8, 2, 4, 320, 200, 3, read_seconds=2, standard_orders=0)
LONG = Size("long", 1_000, 100_000, 20, 2, 20, 10_000, 10_000, 50, read_seconds=0.5, standard_orders=2_000)


@dataclass
class Soak:
    run: Run
    books: Books
    wires: Wires
    size: Size
    seed: int
    asking: list[int] = field(default_factory=list)
    """Customers whose redemptions met accidents."""
    killed: dict[str, int] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    """Seconds for which wires were held still, by name."""

    @property
    def too_late(self) -> float:
        """Seconds after which the app has given up waiting for an answer."""
        return 2 * self.size.read_seconds

    def chance(self, stage: str) -> random.Random:
        """Each stage draws from its own source, so that one more draw here changes nothing there."""
        return random.Random(f"{self.seed}:{stage}")

    def hold(self, wire: str, seconds: float) -> None:
        self.wires.hold(wire, seconds)
        self.held[wire] = self.held.get(wire, 0.0) + seconds
