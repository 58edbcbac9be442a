"""What each change of a redemption does: to its points, and to its row.

A change is applied in an open book, in the transaction that writes the row; see `redemptions` for the states.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from rewards import histories, kinds, offers, programs, tallies
from rewards.accounts import LARGEST, OpenLot
from rewards.ledger import Book, Posting
from rewards.models import Bucket, Program, Redemption
from rewards.money import major
from rewards.redemption_rows import Locked

State = Redemption.State
EndingWith = Redemption.EndingWith
Json = dict[str, Any]
SECOND_LOOK = timedelta(minutes=15)
"""After a code ended or was never found it is looked for once more."""


def apply(book: Book, locked: Locked, change: "Change", now: datetime) -> None:
    """Move the points, and say so in the row, which the caller writes.

    The caller has checked that the state allows it.
    """
    redemption = locked.redemption
    posting = open_posting(book, redemption, change.name, now, change.kind, change.why)
    if redemption.points:
        change.points(posting, Held.by(book, locked), redemption)
    place, state = _place(redemption), redemption.state
    change.row(redemption, now)
    if not change.keeps_place:
        book.places.subtract(place)
        book.places.update(_place(redemption))
    tallies.follow(redemption, state)
    what = change.name if change.name != End.name else redemption.state
    histories.note(redemption, what, now, **change.tells(redemption))
    redemption.turns += 1
    redemption.changed_at = now
    redemption.attempts = 0
    redemption.absent_since = None


def _place(redemption: Redemption) -> list[str]:
    """The budget of which it holds a place, where it was granted with one.

    A gift keeps it also when it was taken back, but not when it couldn't be made.
    """
    reward = redemption.reward
    if reward.get("placed") and redemption.state not in Redemption.GIVEN_BACK:
        return [offers.budget_of(reward["id"])]
    if reward.get("budget") and redemption.state != State.FAILED:
        return [reward["budget"]]
    return []


def open_posting(
    book: Book, redemption: Redemption, name: str, now: datetime, kind: str = "redemption", reason: str = ""
) -> Posting:
    """What happens to a redemption; its turn makes the key new each time. `reason`: the shopper reads it."""
    explanation = {
        "rule": "redemption",
        "change": _told(name, redemption),
        "reward": _named(redemption),
        "points": redemption.points,
        **({"reason": reason} if reason else {}),
    }
    return book.posting(
        redemption.member_id,
        f"redemption:{redemption.pk}:{redemption.turns}:{name}",
        kind,
        explanation,
        now,
        redemption_id=redemption.pk,
    )


def _told(name: str, redemption: Redemption) -> str:
    """What a change is called in the history."""
    if name == "issue" and not kinds.of(redemption.reward).used_by_order:
        return "promise"
    return redemption.ending_as if name == "end" else name


def _named(redemption: Redemption) -> str:
    """The reward as the shopper knows it; where there is a choice of amounts, with what was chosen."""
    title: str = redemption.reward["title"]
    if "step" not in redemption.reward or redemption.value is None:
        return title
    currency = redemption.program.currency
    return f"{title}: {major(redemption.value, currency)} {currency}"


class Held:
    """Where a redemption's points are, reserved and spent, by lot."""

    def __init__(self, book: Book, reserved: dict[OpenLot, int], spent: dict[OpenLot, int]) -> None:
        self.book = book
        self.reserved = reserved
        self.spent = spent

    @classmethod
    def by(cls, book: Book, locked: Locked) -> "Held":
        """Out of its movements, unwritten ones too: news of an order may tell of a use and of its end."""
        written = ((book.lot(lot), source, target, points) for lot, source, target, points in locked.moved)
        own = (leg for leg in book.legs if leg.redemption_id == locked.redemption.pk)
        unwritten = ((leg.lot, leg.source, leg.target, leg.points) for leg in own)
        reserved: dict[OpenLot, int] = defaultdict(int)
        spent: dict[OpenLot, int] = defaultdict(int)
        for lot, source, target, points in chain(written, unwritten):
            reserved[lot] += points * ((target == Bucket.RESERVED) - (source == Bucket.RESERVED))
            spent[lot] += points * ((target == Bucket.SPENT) - (source == Bucket.SPENT))
        return cls(book, reserved, spent)

    def capture(self, posting: Posting) -> None:
        """reserved -> spent"""
        for lot, points in self._lots(self.reserved):
            posting.move(lot, Bucket.RESERVED, Bucket.SPENT, points)

    def release(self, posting: Posting) -> None:
        """reserved -> available"""
        self._bring_home(posting, self.reserved, Bucket.RESERVED, own_undo=False)

    def give_back(self, posting: Posting, *, own_undo: bool = False) -> None:
        """spent -> available, to the lots the points came from."""
        self._bring_home(posting, self.spent, Bucket.SPENT, own_undo)

    def take_again(self, posting: Posting, points: int) -> None:
        """What had been given back is spent again: available points first, then debt."""
        missing = points - sum(self.spent.values()) - sum(self.reserved.values())
        rest = posting.take(missing, Bucket.AVAILABLE, Bucket.SPENT)
        if rest:
            origin = min({*self.spent, *self.reserved}, key=lambda lot: lot.id or LARGEST)
            posting.move(origin, Bucket.DEBT, Bucket.SPENT, rest)

    def hand_over(self, posting: Posting, successor_id: int) -> None:
        """spent -> reserved for another redemption: the same points, for another code."""
        for lot, points in self._lots(self.spent):
            is_theirs = lot.member_id == posting.account.id and not _is_full(lot, points)
            home = lot if is_theirs else self._child(lot, posting, points, lot.expires_at, lot.grace)
            posting.move(lot, Bucket.SPENT, Bucket.TRANSFERRED, points)
            posting.move(home, Bucket.TRANSFERRED, Bucket.RESERVED, points, successor_id)

    def _bring_home(self, posting: Posting, held: dict[OpenLot, int], source: Bucket, own_undo: bool) -> None:
        for lot, points in self._lots(held):
            full = source == Bucket.SPENT and _is_full(lot, points)
            home = self._home(lot, posting, points, own_undo, full)
            if home is lot:
                posting.move(lot, source, Bucket.AVAILABLE, points)
            else:
                # Out of the one and into the other: what is spent again belongs to the lot it is then in.
                posting.move(lot, source, Bucket.TRANSFERRED, points)
                posting.move(home, Bucket.TRANSFERRED, Bucket.AVAILABLE, points)

    def _lots(self, held: dict[OpenLot, int]) -> list[tuple[OpenLot, int]]:
        """The lots with what they hold, in the order in which they would be spent."""
        found = [(lot, points) for lot, points in held.items() if points > 0]
        return sorted(found, key=lambda part: part[0].turn)

    def _home(self, lot: OpenLot, posting: Posting, points: int, own_undo: bool, full: bool) -> OpenLot:
        """Where points come back to: their lot, or a child of it.

        A lot that has lapsed, or is about to, gets a child with some days of grace, once per point; so does
        one of a member whose whole balance has lapsed for want of activity. A shopper's own undo gets none
        beyond the end of the day. A merged member's lot gets an heir, and one that others have filled
        meanwhile - after a debt was paid with other points - gets one too.
        """
        policy, now = self.book.policy, self.book.now
        if not lot.grace:
            # While it was empty, nobody gave it its end by a policy that has changed since.
            lot.expires_at = policy.redated(lot.available_at, lot.expires_at)
        end, grace = lot.expires_at, lot.grace
        over = policy.is_over(end, posting.account.active_at, now)
        soon = end is not None and end < policy.grace(now)
        if (over or soon) and not (own_undo or lot.grace):
            end, grace = policy.grace(now), True
        elif over:
            end, grace = policy.today(now), True
        if lot.member_id == posting.account.id and end == lot.expires_at and not full:
            return lot
        return self._child(lot, posting, points, end, grace)

    def _child(
        self, lot: OpenLot, posting: Posting, points: int, end: datetime | None, grace: bool
    ) -> OpenLot:
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


def _is_full(lot: OpenLot, points: int) -> bool:
    """Whether others have filled it meanwhile, so that these points have no room in it."""
    return lot.held + lot.buckets[Bucket.EXPIRED] + points > lot.given


class Change(ABC):
    name: str
    kind = "redemption"
    before: tuple[State, ...]
    # Its place in a reward's budget goes over to another redemption.
    keeps_place = False
    # Why, where somebody decides; the shopper reads it.
    why = ""

    @abstractmethod
    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        """Move the points to where they belong afterwards."""

    def tells(self, redemption: Redemption) -> Json:
        """What the history says of it besides its name."""
        return {}

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
        if redemption.ending_with == EndingWith.TAKEN:
            # It was taken back while it was being made.
            redemption.state, redemption.ending_as = State.ENDING, State.CANCELLED
            redemption.due_at = now


class Extend(Change):
    """The code lives longer, and the shop system knows it."""

    name = "extended"
    before = (State.ISSUED,)

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        """They stay spent."""

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.expires_at = redemption.due_at = redemption.extends_to
        redemption.extends_to = None
        redemption.reason = ""


class StayAsItWas(Extend):
    """The shop system refused another end."""

    name = "not_extended"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def tells(self, redemption: Redemption) -> Json:
        return {"note": self.reason[:1000]}

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.extends_to = None
        redemption.due_at = redemption.expires_at


class Deliver(Change):
    """The shopper has what they paid for, and no order has to use it."""

    name = "deliver"
    before: tuple[State, ...] = (State.RESERVED, State.ISSUED, State.FAILED)

    def __init__(self, external_ref: str, author: str, before: tuple[State, ...]) -> None:
        self.external_ref = external_ref
        self.author = author
        self.before = before

    def tells(self, redemption: Redemption) -> Json:
        return {"by": self.author}

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.capture(posting)
        # It came after all: the points that were given back are taken again.
        held.take_again(posting, redemption.points)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.USED
        redemption.external_ref = self.external_ref or redemption.external_ref
        redemption.due_at = None
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
        if redemption.ending_with == EndingWith.NOTHING:
            return
        program = Program.objects.get(pk=redemption.program_id)
        if programs.document(program)["return_unused"] or redemption.ending_as == State.CANCELLED:
            held.give_back(posting, own_undo=redemption.ending_as == State.CANCELLED)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State(redemption.ending_as)
        redemption.due_at = now + SECOND_LOOK


class Replace(End):
    """ending, with another code to come for the same points: they go over to that redemption."""

    name = "replace"
    keeps_place = True

    def __init__(self, successor: Redemption) -> None:
        self.successor = successor

    def tells(self, redemption: Redemption) -> Json:
        return {"new": self.successor.pk}

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.hand_over(posting, self.successor.pk)


class Use(Change):
    """Seen, in an order as a rule. Whatever we thought before, the reward was had: its points are spent."""

    name = "use"
    before = (State.RESERVED, State.ISSUED, State.ENDING, State.EXPIRED, State.CANCELLED, State.FAILED)

    def __init__(self, order_id: int | None) -> None:
        self.order_id = order_id

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.capture(posting)
        held.take_again(posting, redemption.points)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.USED
        redemption.order_id = self.order_id
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
        # Whatever the shop makes of the code of an undone order: it is to be disabled.
        redemption.due_at = now


class GiveBack(Change):
    """It can't be had after all; no order used it."""

    name = "give_back"
    kind = "return"

    def __init__(self, why: str, author: str, before: tuple[State, ...]) -> None:
        self.why = why
        self.author = author
        self.before = before

    def tells(self, redemption: Redemption) -> Json:
        return {"by": self.author, "why": self.why}

    def points(self, posting: Posting, held: "Held", redemption: Redemption) -> None:
        held.release(posting)
        held.give_back(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.CANCELLED
        redemption.due_at = None
