"""The ledger: the only writer of points.

A `Book` holds the locked accounts of some members in memory. Every change is a movement from one
bucket to another, said through a `Posting` (the legs of one event, under one key); `write` puts lots,
movements and balances into the database, set-based, in the caller's transaction. One member is a
book of one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction

from rewards.models import Bucket
from rewards.signals import standing_changed

P = ParamSpec("P")
R = TypeVar("R")

OWN = (Bucket.PENDING, Bucket.AVAILABLE, Bucket.RESERVED)
NEVER = datetime.max.replace(tzinfo=UTC)
LARGEST = 2**63 - 1
ATTEMPTS = 3
LOT_COLUMNS = (
    "id, member_id, order_id, kind, given, available_at, expires_at, parent_id, "
    "pending, available, reserved, expired"
)


class Overdrawn(Exception):
    """More points were asked for than the member has there."""

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} points were asked for, {available} are available.")
        self.asked = asked
        self.available = available


class MemberMerged(Exception):
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
    member_id: int
    order_id: int | None
    kind: str
    given: int
    available_at: datetime
    expires_at: datetime | None
    parent_id: int | None = None
    buckets: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*OWN, Bucket.EXPIRED), 0))
    changed: bool = False

    @property
    def held(self) -> int:
        """Points of it that are still the member's."""
        return sum(self.buckets[bucket] for bucket in OWN)

    @property
    def turn(self) -> tuple[datetime, int]:
        """Spending takes what lapses first, then the oldest; lots of this very moment come last."""
        return (self.expires_at or NEVER, LARGEST if self.id is None else self.id)


@dataclass(slots=True, eq=False)
class Account:
    """One member while the book is open."""

    id: int
    version: int
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


@dataclass(slots=True)
class Leg:
    """One movement, not yet written."""

    key: str
    posting: "Posting"
    lot: OpenLot
    source: str
    target: str
    points: int


@dataclass(slots=True)
class Posting:
    """The legs of one event. The first leg's key says whether the event was posted before."""

    book: "Book"
    account: Account
    key: str
    kind: str
    explanation: dict[str, Any]
    happened_at: datetime
    order_id: int | None = None
    redemption_id: int | None = None
    legs: int = 0

    def award(
        self,
        points: int,
        kind: str,
        *,
        available_at: datetime,
        expires_at: datetime | None = None,
        source: Bucket = Bucket.ISSUED,
    ) -> OpenLot:
        """A new lot. It goes on hold when its moment is still to come."""
        lot = OpenLot(None, self.account.id, self.order_id, kind, points, available_at, expires_at)
        self.book.add(lot)
        on_hold = available_at > self.book.now
        self.move(lot, source, Bucket.PENDING if on_hold else Bucket.AVAILABLE, points)
        return lot

    def take(self, points: int, source: Bucket, target: Bucket, lots: list[OpenLot] | None = None) -> int:
        """Move up to `points` out of the lots that hold some, in their turn; returns what was missing."""
        for lot in self.account.lots_with(source) if lots is None else lots:
            if not points:
                break
            part = min(points, lot.buckets[source])
            if part:
                self.move(lot, source, target, part)
                points -= part
        return points

    def move(self, lot: OpenLot, source: Bucket, target: Bucket, points: int) -> None:
        """One leg. Whatever becomes available pays debt first."""
        self._leg(lot, source, target, points)
        if target == Bucket.AVAILABLE and self.account.owed:
            self._leg(lot, Bucket.AVAILABLE, Bucket.DEBT, min(points, self.account.owed))

    def _leg(self, lot: OpenLot, source: Bucket, target: Bucket, points: int) -> None:
        if points <= 0:
            raise LedgerBroken(f"A movement of {points} points ({self.key}).")
        for bucket, change in ((source, -points), (target, points)):
            if bucket in lot.buckets:
                lot.buckets[bucket] += change
                lot.changed = True
                if lot.buckets[bucket] < 0:
                    raise LedgerBroken(f"Lot {lot.id} would hold less than nothing in {bucket} ({self.key}).")
            if bucket in self.account.buckets:
                self.account.buckets[bucket] += change
        self.account.changed = True
        self.book.legs.append(Leg(f"{self.key}:{self.legs}", self, lot, source, target, points))
        self.legs += 1


class Book:
    """The locked accounts of some members of one program."""

    def __init__(self, program_id: int, now: datetime) -> None:
        self.program_id = program_id
        self.now = now
        self.accounts: dict[int, Account] = {}
        self.lots: list[OpenLot] = []
        self.legs: list[Leg] = []

    @classmethod
    def open(
        cls,
        program_id: int,
        member_ids: Iterable[int],
        *,
        now: datetime,
        order_ids: Iterable[int] = (),
        redemption_ids: Iterable[int] = (),
    ) -> "Book":
        """Lock the members, in the order of their ids, and load the lots that may move.

        Those are the lots with points in them, of these orders, and of these redemptions.
        Needs a transaction; lock order rows before.
        """
        book = cls(program_id, now)
        book._load_accounts(sorted(set(member_ids)))
        book._load_lots(sorted(set(order_ids)), sorted(set(redemption_ids)))
        return book

    def posting(
        self,
        member_id: int,
        key: str,
        kind: str,
        explanation: dict[str, Any],
        happened_at: datetime,
        *,
        order_id: int | None = None,
        redemption_id: int | None = None,
    ) -> Posting:
        """Start to say what happened to a member."""
        account = self.accounts[member_id]
        return Posting(self, account, key, kind, explanation, happened_at, order_id, redemption_id)

    def add(self, lot: OpenLot) -> None:
        """Take a lot into the book, and into its member's account if that is open."""
        self.lots.append(lot)
        if lot.member_id in self.accounts:
            self.accounts[lot.member_id].lots.append(lot)

    def lots_of(self, order_id: int) -> list[OpenLot]:
        """The lots an order gave, to whomever: after a merge the lost member's are among them."""
        return sorted((lot for lot in self.lots if lot.order_id == order_id), key=lambda lot: lot.turn)

    def posted(self, key: str) -> bool:
        """Whether this event was posted before."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM rewards_movement WHERE program_id = %s AND key = %s",
                [self.program_id, f"{key}:0"],
            )
            return cursor.fetchone() is not None

    def write(self) -> None:
        """Put all that moved into the database."""
        if not self.legs:
            return
        with connection.cursor() as cursor:
            self._write_new_lots(cursor)
            self._write_changed_lots(cursor)
            self._write_movements(cursor)
            self._write_accounts(cursor)
        transaction.on_commit(
            lambda: standing_changed.send(sender=Book, program_id=self.program_id), robust=True
        )

    def _load_accounts(self, member_ids: list[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT id, merged_into_id, version, pending, available, reserved, debt FROM rewards_member
                WHERE program_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE
                """,
                [self.program_id, member_ids],
            )
            rows = cursor.fetchall()
        if survivors := {id: merged_into for id, merged_into, *_ in rows if merged_into}:
            raise MemberMerged(survivors)
        for id, _, version, *balances in rows:
            buckets = dict(zip((*OWN, Bucket.DEBT), balances, strict=True))
            self.accounts[id] = Account(id, version, buckets)
        if missing := set(member_ids) - self.accounts.keys():
            raise LedgerBroken(f"Members {sorted(missing)} are not in program {self.program_id}.")

    def _load_lots(self, order_ids: list[int], redemption_ids: list[int]) -> None:
        members = list(self.accounts)
        wanted = [
            ("member_id = ANY(%s) AND (pending > 0 OR available > 0 OR reserved > 0)", members),
            ("order_id = ANY(%s)", order_ids),
            (
                "id IN (SELECT lot_id FROM rewards_movement"
                " WHERE program_id = rewards_lot.program_id AND redemption_id = ANY(%s))",
                redemption_ids,
            ),
        ]
        parts = [(which, ids) for which, ids in wanted if ids]
        self._load_lots_where(
            " UNION ".join(
                f"SELECT {LOT_COLUMNS} FROM rewards_lot WHERE program_id = %s AND {which}"  # noqa: S608
                for which, _ in parts
            ),
            [value for _, ids in parts for value in (self.program_id, ids)],
        )

    def lot(self, lot_id: int) -> OpenLot:
        """A lot of this program, loaded if it wasn't."""
        for lot in self.lots:
            if lot.id == lot_id:
                return lot
        self._load_lots_where(
            f"SELECT {LOT_COLUMNS} FROM rewards_lot WHERE program_id = %s AND id = %s",  # noqa: S608
            [self.program_id, lot_id],
        )
        return self.lots[-1]

    def _load_lots_where(self, sql: str, parameters: list[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            for id, member_id, order_id, kind, given, begins, ends, parent_id, *held in cursor.fetchall():
                buckets = dict(zip((*OWN, Bucket.EXPIRED), held, strict=True))
                self.add(OpenLot(id, member_id, order_id, kind, given, begins, ends, parent_id, buckets))

    def _lots(self) -> Iterator[OpenLot]:
        return (lot for lot in self.lots if lot.changed)

    def _write_new_lots(self, cursor: Any) -> None:
        lots = [lot for lot in self._lots() if lot.id is None]
        if not lots:
            return
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('rewards_lot', 'id')) FROM generate_series(1, %s)",
            [len(lots)],
        )
        for lot, (id,) in zip(lots, cursor.fetchall(), strict=True):
            lot.id = id
        cursor.execute(
            """
            INSERT INTO rewards_lot (program_id, id, member_id, order_id, parent_id, kind, given,
                                     available_at, expires_at, pending, available, reserved, expired)
            OVERRIDING SYSTEM VALUE
            SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
                %s::bigint[], %s::timestamptz[], %s::timestamptz[],
                %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
            """,
            [
                self.program_id,
                [lot.id for lot in lots],
                [lot.member_id for lot in lots],
                [lot.order_id for lot in lots],
                [lot.parent_id for lot in lots],
                [lot.kind for lot in lots],
                [lot.given for lot in lots],
                [lot.available_at for lot in lots],
                [lot.expires_at for lot in lots],
                *_columns(lots),
            ],
        )
        for lot in lots:
            lot.changed = False

    def _write_changed_lots(self, cursor: Any) -> None:
        lots = list(self._lots())
        if not lots:
            return
        cursor.execute(
            """
            UPDATE rewards_lot l
            SET pending = v.pending, available = v.available, reserved = v.reserved, expired = v.expired
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS v (id, pending, available, reserved, expired)
            WHERE l.program_id = %s AND l.id = v.id
            """,
            [[lot.id for lot in lots], *_columns(lots), self.program_id],
        )
        for lot in lots:
            lot.changed = False

    def _write_movements(self, cursor: Any) -> None:
        legs = self.legs
        cursor.execute(
            """
            INSERT INTO rewards_movement (program_id, key, member_id, lot_id, order_id, redemption_id, kind,
                                          source, target, points, explanation, happened_at)
            SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[]::jsonb[], %s::timestamptz[])
            """,
            [
                self.program_id,
                [leg.key for leg in legs],
                [leg.posting.account.id for leg in legs],
                [leg.lot.id for leg in legs],
                [leg.posting.order_id for leg in legs],
                [leg.posting.redemption_id for leg in legs],
                [leg.posting.kind for leg in legs],
                [str(leg.source) for leg in legs],
                [str(leg.target) for leg in legs],
                [leg.points for leg in legs],
                [json.dumps(leg.posting.explanation) for leg in legs],
                [leg.posting.happened_at for leg in legs],
            ],
        )
        self.legs = []

    def _write_accounts(self, cursor: Any) -> None:
        accounts = [account for account in self.accounts.values() if account.changed]
        cursor.execute(
            """
            UPDATE rewards_member m
            SET pending = v.pending, available = v.available, reserved = v.reserved, debt = v.debt,
                version = m.version + 1
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS v (id, version, pending, available, reserved, debt)
            WHERE m.program_id = %s AND m.id = v.id AND m.version = v.version
            """,
            [
                [account.id for account in accounts],
                [account.version for account in accounts],
                *([account.buckets[bucket] for account in accounts] for bucket in (*OWN, Bucket.DEBT)),
                self.program_id,
            ],
        )
        if cursor.rowcount != len(accounts):
            raise LedgerBroken("A member's balance changed under our lock.")
        for account in accounts:
            account.version += 1
            account.changed = False


def following_merges(work: Callable[P, R]) -> Callable[P, R]:
    """Do it again, from the start, when a member was merged away while we waited for the lock."""

    @wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                return work(*args, **kwargs)
            except MemberMerged:
                continue
        return work(*args, **kwargs)

    return again


@contextmanager
def opened(
    program_id: int,
    member_ids: Iterable[int],
    *,
    now: datetime | None = None,
    order_ids: Iterable[int] = (),
    redemption_ids: Iterable[int] = (),
) -> Iterator[Book]:
    """A book in a transaction of its own (or the caller's), written when the block ends well."""
    with transaction.atomic():
        book = Book.open(
            program_id,
            member_ids,
            now=now or datetime.now(UTC),
            order_ids=order_ids,
            redemption_ids=redemption_ids,
        )
        yield book
        book.write()


def reverse(posting: Posting, points: int, order_id: int, *, forgive: bool) -> None:
    """Take back what an order gave and no longer deserves.

    In this order: what is on hold or left of the order's own lots, what of it lapsed already (which
    costs the member nothing), the member's other points, and then debt - or, where the merchant
    forgives, nothing.
    """
    own = posting.book.lots_of(order_id)
    for source in (Bucket.PENDING, Bucket.AVAILABLE, Bucket.EXPIRED):
        points = posting.take(points, source, Bucket.ISSUED, own)
    points = posting.take(points, Bucket.AVAILABLE, Bucket.ISSUED)
    if points:
        # The points were spent. What is missing belongs to the order's own, first, lot.
        posting.move(own[0], Bucket.ADJUSTED if forgive else Bucket.DEBT, Bucket.ISSUED, points)


def adjust(
    program_id: int,
    member_id: int,
    points: int,
    *,
    key: str,
    reason: str,
    note: str = "",
    author: str = "",
    now: datetime | None = None,
) -> bool:
    """A change by hand: `points` above or below zero. False when this key was posted before.

    `reason` is for the shopper, `note` for the merchant's own people. Raises Overdrawn when more
    would be taken than is available.
    """
    if not points or abs(points) > LARGEST >> 10:
        raise ValueError("An adjustment needs a number of points that is not zero and can be counted.")
    now = now or datetime.now(UTC)
    explanation = {"rule": "adjustment", "reason": reason, "note": note, "author": author, "points": points}
    with opened(program_id, [member_id], now=now) as book:
        posting = book.posting(member_id, f"adjust:{key}", "adjustment", explanation, now)
        if book.posted(posting.key):
            return False
        if points > 0:
            posting.award(points, "adjustment", available_at=now, source=Bucket.ADJUSTED)
        else:
            if -points > posting.account.available:
                raise Overdrawn(-points, posting.account.available)
            posting.take(-points, Bucket.AVAILABLE, Bucket.ADJUSTED)
    return True


def _columns(lots: list[OpenLot]) -> list[list[int]]:
    return [[lot.buckets[bucket] for lot in lots] for bucket in (*OWN, Bucket.EXPIRED)]
