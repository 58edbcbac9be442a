"""Accounts while a book is open: members and their lots in memory, and the movements not yet written."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rewards.models import Bucket

OWN = (Bucket.PENDING, Bucket.AVAILABLE, Bucket.RESERVED)
NEVER = datetime.max.replace(tzinfo=UTC)
LARGEST = 2**63 - 1


class Overdrawn(Exception):
    """More points were asked for than the member has there."""

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} points were asked for, {available} are available.")
        self.asked = asked
        self.available = available


class Overtaken(Exception):
    """Another transaction changed what this one was about to work on: do it again from the start."""


class MemberMerged(Overtaken):
    """A member was merged into another while we waited for the lock: look again who it is."""

    def __init__(self, survivors: dict[int, int]) -> None:
        super().__init__(f"Merged members: {survivors}.")
        self.survivors = survivors


class LedgerBroken(Exception):
    """An account changed under our lock, or a lot would hold what it doesn't have: a defect, not an input."""


@dataclass(slots=True, eq=False)
class OpenLot:
    """One award while the book is open. `id` is None until it is written."""

    id: int | None
    program_id: int
    member_id: int
    order_id: int | None
    kind: str
    given: int
    available_at: datetime
    expires_at: datetime | None
    parent_id: int | None = None
    grace: bool = False
    buckets: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*OWN, Bucket.EXPIRED), 0))
    changed: bool = False

    @property
    def held(self) -> int:
        """Points of it that are still the member's."""
        return sum(self.buckets[bucket] for bucket in OWN)

    @property
    def turn(self) -> tuple[datetime, datetime, int]:
        """Spending takes what lapses first, then the oldest; lots of this very moment come last."""
        return (self.expires_at or NEVER, self.available_at, LARGEST if self.id is None else self.id)


@dataclass(slots=True, eq=False)
class Account:
    """One member while the book is open."""

    id: int
    program_id: int
    version: int
    active_at: datetime | None
    buckets: dict[str, int]
    lots: list[OpenLot] = field(default_factory=list)
    changed: bool = False

    @property
    def available(self) -> int:
        return self.buckets[Bucket.AVAILABLE]

    @property
    def owed(self) -> int:
        return -self.buckets[Bucket.DEBT]

    def lots_with(self, bucket: Bucket) -> list[OpenLot]:
        """Lots that hold points in this bucket, in the order in which they are taken."""
        return sorted((lot for lot in self.lots if lot.buckets[bucket]), key=lambda lot: lot.turn)


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement, not yet written."""

    key: str
    member_id: int
    lot: OpenLot
    order_id: int | None
    redemption_id: int | None
    kind: str
    source: str
    target: str
    points: int
    explanation: dict[str, Any]
    happened_at: datetime
