"""What each change of a redemption does: to its points, and to its row.

A change is applied in an open book, in the transaction that saves the row; see `redemptions` for the states.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Sum

from rewards import programs
from rewards.ledger import Book, OpenLot, Posting
from rewards.models import Bucket, Movement, Order, Program, Redemption
from rewards.money import major

State = Redemption.State
SECOND_LOOK = timedelta(minutes=15)
"""After a code ended or was never found it is looked for once more."""


def apply(book: Book, redemption: Redemption, change: "Change", now: datetime) -> None:
    """Move the points and save the row. The caller has checked that the state allows it."""
    posting = open_posting(book, redemption, change.name, now, change.kind)
    change.points(posting, Held.by(book, redemption), redemption)
    change.row(redemption, now)
    redemption.turns += 1
    redemption.changed_at = now
    redemption.attempts = 0
    redemption.absent_since = None
    redemption.save()


def open_posting(
    book: Book, redemption: Redemption, name: str, now: datetime, kind: str = "redemption"
) -> Posting:
    """What happens to a redemption; its turn makes the key new each time."""
    explanation = {
        "rule": "redemption",
        "change": name if name != "end" else redemption.ending_as,
        "reward": _named(redemption),
        "points": redemption.points,
    }
    return book.posting(
        redemption.member_id,
        f"redemption:{redemption.pk}:{redemption.turns}:{name}",
        kind,
        explanation,
        now,
        redemption_id=redemption.pk,
    )


def _named(redemption: Redemption) -> str:
    """The reward as the shopper knows it; of a variable one also what was chosen."""
    title: str = redemption.reward["title"]
    if redemption.reward["kind"] != "variable" or redemption.value is None:
        return title
    currency = redemption.program.currency
    return f"{title}: {major(redemption.value, currency)} {currency}"


class Held:
    """Where a redemption's points are, by lot, out of its movements."""

    def __init__(self, book: Book, reserved: dict[int, int], spent: dict[int, int]) -> None:
        self.book = book
        self.reserved = reserved
        self.spent = spent

    @classmethod
    def by(cls, book: Book, redemption: Redemption) -> "Held":
        held: dict[str, dict[int, int]] = {Bucket.RESERVED: defaultdict(int), Bucket.SPENT: defaultdict(int)}
        rows = (
            Movement.objects.filter(program_id=book.program_id, redemption_id=redemption.pk)
            .values_list("lot_id", "source", "target")
            .annotate(points=Sum("points"))
        )
        for lot_id, source, target, points in rows:
            if target in held:
                held[target][lot_id] += points
            if source in held:
                held[source][lot_id] -= points
        return cls(book, held[Bucket.RESERVED], held[Bucket.SPENT])

    def capture(self, posting: Posting) -> None:
        """reserved -> spent"""
        for lot, points in self._reserved_now(posting):
            posting.move(lot, Bucket.RESERVED, Bucket.SPENT, points)

    def release(self, posting: Posting) -> None:
        """reserved -> available"""
        for lot, points in self._reserved_now(posting):
            home = self._home(lot, posting, points, own_undo=False)
            if home is lot:
                posting.move(lot, Bucket.RESERVED, Bucket.AVAILABLE, points)
            else:
                posting.move(lot, Bucket.RESERVED, Bucket.TRANSFERRED, points)
                posting.move(home, Bucket.TRANSFERRED, Bucket.AVAILABLE, points)

    def give_back(self, posting: Posting, *, own_undo: bool = False) -> None:
        """spent -> available, to the lots the points came from."""
        for lot_id, points in sorted(self.spent.items()):
            if points > 0:
                home = self._home(self.book.lot(lot_id), posting, points, own_undo)
                posting.move(home, Bucket.SPENT, Bucket.AVAILABLE, points)

    def take_again(self, posting: Posting, points: int) -> None:
        """What had been given back is spent again: available points first, then debt."""
        missing = points - sum(self.spent.values()) - sum(self.reserved.values())
        rest = posting.take(missing, Bucket.AVAILABLE, Bucket.SPENT)
        if rest:
            origin = self.book.lot(min(self.spent or self.reserved))
            posting.move(origin, Bucket.DEBT, Bucket.SPENT, rest)

    def _reserved_now(self, posting: Posting) -> list[tuple[OpenLot, int]]:
        """The lots that hold the reserved points; after a merge those are heirs of the ones they left."""
        parts: list[tuple[OpenLot, int]] = []
        for lot_id, points in sorted(self.reserved.items()):
            heirs = [lot for lot in posting.account.lots if lot_id in (lot.id, lot.parent_id)]
            others = [lot for lot in posting.account.lots_with(Bucket.RESERVED) if lot not in heirs]
            for lot in [*heirs, *others]:
                taken = sum(part for other, part in parts if other is lot)
                if part := min(points, lot.buckets[Bucket.RESERVED] - taken):
                    parts.append((lot, part))
                    points -= part
        return parts

    def _home(self, lot: OpenLot, posting: Posting, points: int, own_undo: bool) -> OpenLot:
        """Where points come back to: their lot, or a child of it.

        A lot that has lapsed, or is about to, gets a child with some days of grace, once per point. A
        shopper's own undo gets none beyond the end of the day. A merged member's lot gets an heir.
        """
        policy, now = self.book.policy, self.book.now
        end, grace = lot.expires_at, lot.grace
        if end is not None and not (own_undo or lot.grace) and end < policy.grace(now):
            end, grace = policy.grace(now), True
        elif end is not None and end <= now:
            end, grace = policy.today(now), True
        if lot.member_id == posting.account.id and end == lot.expires_at:
            return lot
        child = replace(
            lot,
            id=None,
            member_id=posting.account.id,
            parent_id=lot.id,
            given=points,
            expires_at=end,
            grace=grace,
            buckets=dict.fromkeys(lot.buckets, 0),
        )
        self.book.add(child)
        return child


class Change(ABC):
    name: str
    kind = "redemption"
    before: tuple[State, ...]

    @abstractmethod
    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        """Move the points to where they belong afterwards."""

    @abstractmethod
    def row(self, redemption: Redemption, now: datetime) -> None:
        """Say in the row what happened."""


class Issue(Change):
    name = "issue"
    before = (State.RESERVED,)

    def __init__(self, external_ref: str) -> None:
        self.external_ref = external_ref

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.capture(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.ISSUED
        redemption.external_ref = self.external_ref
        redemption.due_at = redemption.expires_at
        redemption.reason = ""


class Fail(Change):
    name = "fail"
    before = (State.RESERVED,)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.release(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.FAILED
        redemption.reason = self.reason[:1000]
        # A request on its way may still make the code.
        redemption.due_at = now + SECOND_LOOK


class End(Change):
    name = "end"
    kind = "return"
    before = (State.ENDING,)

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        program = Program.objects.get(pk=redemption.program_id)
        if programs.document(program)["return_unused"] or redemption.ending_as == State.CANCELLED:
            held.give_back(posting, own_undo=redemption.ending_as == State.CANCELLED)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State(redemption.ending_as)
        redemption.due_at = now + SECOND_LOOK


class Use(Change):
    """Seen in an order. Whatever we thought before, the reward was had: its points are spent."""

    name = "use"
    before = (State.RESERVED, State.ISSUED, State.ENDING, State.EXPIRED, State.CANCELLED, State.FAILED)

    def __init__(self, order: Order) -> None:
        self.order = order

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.capture(posting)
        held.take_again(posting, redemption.points)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.USED
        redemption.order_id = self.order.pk
        redemption.due_at = None


class Return(Change):
    """Its order was cancelled or wholly refunded."""

    name = "return"
    kind = "return"
    before = (State.USED,)

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.give_back(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.RETURNED
        redemption.due_at = None
