"""The ledger: the only writer of points.

A `Book` holds the locked accounts of some members in memory. Every change is a movement from one
bucket to another, said through a `Posting` (the legs of one event, under one key); `write` puts lots,
movements and balances into the database, set-based, in the caller's transaction. One member is a
book of one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial, wraps
from typing import Any, ParamSpec, TypeVar

from django.db import transaction
from django.db.models import Sum

from rewards import budgets, clock, ledger_rows
from rewards.accounts import (
    LARGEST,
    OWN,
    Account,
    LedgerBroken,
    Leg,
    MemberMerged,
    OpenLot,
    Overdrawn,
    Overtaken,
)
from rewards.lifetimes import Policy
from rewards.models import Bucket, Movement, Program, Redemption
from rewards.signals import standing_changed

__all__ = [
    "OWN",
    "Account",
    "Book",
    "LedgerBroken",
    "MemberMerged",
    "OpenLot",
    "Opening",
    "Overdrawn",
    "Posting",
    "adjust",
    "again_if_overtaken",
    "moved",
    "open_books",
    "opened",
    "reverse",
    "write_books",
]

P = ParamSpec("P")
R = TypeVar("R")
ATTEMPTS = 5
BEGINNINGS = (Bucket.ISSUED, Bucket.ADJUSTED, Bucket.PENDING)
"""Where points come from that the member could never spend before."""


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
        source: Bucket = Bucket.ISSUED,
    ) -> OpenLot:
        """A new lot. It goes on hold when its moment is still to come; its life begins at the end of that."""
        account = self.account
        lot = OpenLot(None, account.program_id, account.id, self.order_id, kind, points, available_at, None)
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

    def move(
        self, lot: OpenLot, source: Bucket, target: Bucket, points: int, redemption_id: int | None = None
    ) -> None:
        """One leg. Whatever becomes available pays debt first, and what is new has an end from then on.

        `redemption_id`: of this leg alone, where the posting is about something else.
        """
        self._leg(lot, source, target, points, redemption_id)
        if target == Bucket.AVAILABLE and source in BEGINNINGS and not lot.grace:
            # Heard of late, they still live a full period after a change, as those heard of in time.
            lot.expires_at = self.book.policy.redated(lot.available_at, None)
        if target == Bucket.AVAILABLE and self.account.owed:
            self._leg(lot, Bucket.AVAILABLE, Bucket.DEBT, min(points, self.account.owed))

    def _leg(
        self, lot: OpenLot, source: Bucket, target: Bucket, points: int, redemption_id: int | None = None
    ) -> None:
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
        if source == Bucket.ISSUED or (source, target) == (Bucket.AVAILABLE, Bucket.RESERVED):
            self.account.active_at = max(self.account.active_at or self.happened_at, self.happened_at)
        self.book.legs.append(
            Leg(
                f"{self.key}:{self.legs}",
                self.account.id,
                lot,
                self.order_id,
                redemption_id or self.redemption_id,
                self.kind,
                source,
                target,
                points,
                self.explanation,
                self.happened_at,
            )
        )
        self.legs += 1


@dataclass(frozen=True, slots=True)
class Opening:
    """Whose accounts a book is to hold, locked, and which lots.

    Those are the lots with points in them of `spenders` - all these members unless said: who only gets
    points needs none of the old ones -, of these orders, and of these redemptions.
    """

    program_id: int
    member_ids: Iterable[int]
    now: datetime
    spenders: Iterable[int] | None = None
    order_ids: Iterable[int] = ()
    redemption_ids: Iterable[int] = ()


class Book:
    """The locked accounts of some members of one program."""

    def __init__(self, program_id: int, now: datetime) -> None:
        self.program_id = program_id
        self.now = now
        self.accounts: dict[int, Account] = {}
        self.lots: list[OpenLot] = []
        self.lots_by_order: defaultdict[int | None, list[OpenLot]] = defaultdict(list)
        self.legs: list[Leg] = []
        # In budgets, by their names: how many are taken with all this, or given back.
        self.places: Counter[str] = Counter()

    @classmethod
    def open(
        cls,
        program_id: int,
        member_ids: Iterable[int],
        *,
        now: datetime,
        spenders: Iterable[int] | None = None,
        order_ids: Iterable[int] = (),
        redemption_ids: Iterable[int] = (),
    ) -> "Book":
        """Lock the members and load the lots that may move; see `Opening`. Needs a transaction."""
        (book,) = open_books([Opening(program_id, member_ids, now, spenders, order_ids, redemption_ids)])
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

    @cached_property
    def policy(self) -> Policy:
        """How long points of this program live. Who has just read the program may say it."""
        return Policy.of(Program.objects.get(pk=self.program_id))

    def add(self, lot: OpenLot) -> None:
        """Take a lot into the book, and into its member's account if that is open."""
        self.lots.append(lot)
        self.lots_by_order[lot.order_id].append(lot)
        if lot.member_id in self.accounts:
            self.accounts[lot.member_id].lots.append(lot)

    def lots_of(self, order_id: int) -> list[OpenLot]:
        """The lots an order gave, to whomever: after a merge the lost member's are among them."""
        return sorted(self.lots_by_order[order_id], key=lambda lot: lot.turn)

    def posted(self, key: str) -> bool:
        """Whether this event was posted before."""
        return ledger_rows.posted(self.program_id, f"{key}:0")

    def write(self) -> None:
        """Put all that changed into the database."""
        write_books([self])

    def lot(self, lot_id: int) -> OpenLot:
        """A lot of this program, loaded if it wasn't."""
        for lot in self.lots:
            if lot.id == lot_id:
                return lot
        self.add(ledger_rows.lot(self.program_id, lot_id))
        return self.lots[-1]


def open_books(openings: Sequence[Opening]) -> list[Book]:
    """Books of several programs, a program once at most: all members are locked, in the order of their ids.

    Needs a transaction; lock order rows before.
    """
    members = {one.program_id: sorted(set(one.member_ids)) for one in openings}
    accounts = ledger_rows.lock_accounts(members)
    books = [Book(one.program_id, one.now) for one in openings]
    for book, one in zip(books, openings, strict=True):
        book.accounts = {id: accounts[id] for id in members[one.program_id]}
        spenders = members[one.program_id] if one.spenders is None else sorted(set(one.spenders))
        orders, redemptions = sorted(set(one.order_ids)), sorted(set(one.redemption_ids))
        for lot in ledger_rows.lots(one.program_id, spenders, orders, redemptions):
            book.add(lot)
    return books


def write_books(books: Iterable[Book]) -> None:
    """Put all that changed in these books into the database."""
    books = list(books)
    for book in books:
        # Locked last: who holds one waits for nobody.
        budgets.change(book.program_id, book.places)
        book.places.clear()
    books = [book for book in books if book.legs or any(one.changed for one in book.accounts.values())]
    if not books:
        return
    lots = [lot for book in books for lot in book.lots if lot.changed]
    known = [lot for lot in lots if lot.id is not None]
    if new := [lot for lot in lots if lot.id is None]:
        ledger_rows.insert_lots(new)
    if known:
        ledger_rows.update_lots(known)
    if legs := [leg for book in books for leg in book.legs]:
        ledger_rows.insert_movements(legs)
    accounts = [account for book in books for account in book.accounts.values() if account.changed]
    ledger_rows.update_accounts(accounts)
    _are_written(books, lots, accounts)


def _are_written(books: Iterable[Book], lots: Iterable[OpenLot], accounts: Iterable[Account]) -> None:
    for lot in lots:
        lot.changed = False
    for account in accounts:
        account.changed = False
        account.version += 1
    for book in books:
        book.legs = []
        tell = partial(standing_changed.send, sender=Book, program_id=book.program_id)
        transaction.on_commit(tell, robust=True)


def again_if_overtaken(work: Callable[P, R]) -> Callable[P, R]:
    """Do it again, from the start, when a member was merged away, say, while we waited for the lock."""

    @wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                return work(*args, **kwargs)
            except Overtaken:
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
            now=now or clock.now(),
            order_ids=order_ids,
            redemption_ids=redemption_ids,
        )
        yield book
        book.write()


def moved(redemption: Redemption) -> Iterable[tuple[int, str, str, int]]:
    """(lot, from, to, points) of a redemption's movements, as far as they are written."""
    movements = Movement.objects.filter(program_id=redemption.program_id, redemption_id=redemption.pk)
    rows = movements.values_list("lot_id", "source", "target").annotate(points=Sum("points"))
    return rows.order_by("lot_id")


def reverse(posting: Posting, points: int, own: list[OpenLot], *, forgive: bool) -> None:
    """Take back what was given, in `own` lots, and is no longer deserved.

    In this order: what is on hold or left of these lots, what of it lapsed already (which costs the
    member nothing), the member's other points, and then debt - or, where the merchant forgives, nothing.
    """
    for source in (Bucket.PENDING, Bucket.AVAILABLE, Bucket.EXPIRED):
        points = posting.take(points, source, Bucket.ISSUED, own)
    points = posting.take(points, Bucket.AVAILABLE, Bucket.ISSUED)
    if points:
        # The points were spent. What is missing belongs to the first of these lots.
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
    now = now or clock.now()
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
