"""Points become a reward: a small state machine that never loses a point between two systems.

    reserved -> issued -> used -> returned
    reserved -> failed
    issued -> ending -> expired | cancelled
    expired | cancelled | failed -> used      when a use is seen late

The code is chosen and stored with the reservation; whoever makes it in the shop calls back here.
Each change of state is conditional on the state before it, in one transaction with its movements.
"""

import secrets
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from rewards import offers, programs
from rewards.facts import OrderFact
from rewards.ledger import Book, MemberMerged, OpenLot, Overdrawn, Posting, following_merges, opened
from rewards.models import Bucket, Movement, Order, Program, Redemption
from rewards.money import major

State = Redemption.State

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 characters that nobody confuses; 12 of them are 60 bits."""
CODE_LENGTH = 12
FIRST_TRY = timedelta(seconds=15)
"""The web process tries at once; after this the worker takes over."""
SECOND_LOOK = timedelta(minutes=15)
"""After a code ended or was never found it is looked for once more."""


class NoSuchReward(LookupError):
    """The program has no such reward on offer."""


class KeyReused(ValueError):
    """The idempotency key belongs to another request."""


class TooMany(Exception):
    """The member redeems faster than the program's limit; try again in a minute."""


class NotNow(Exception):
    """The redemption is in a state in which this can't be done."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a shopper asked for. `points` only for a variable reward, `key` made by the caller."""

    member_id: int
    source_id: int
    customer_id: int
    reward_id: str
    key: str
    points: int | None = None


def reserve(program: Program, request: Request, *, now: datetime | None = None) -> tuple[Redemption, bool]:
    """Set the points aside and choose the code; the bool says whether this call did it.

    Raises NoSuchReward, BadChoice, Overdrawn, KeyReused, TooMany.
    """
    now = now or datetime.now(UTC)
    if known := _repeated(program.pk, request):
        return known, False
    document = programs.document(program)
    reward = programs.reward(document, request.reward_id)
    if reward is None or reward["archived"]:
        raise NoSuchReward(f"There is no reward “{request.reward_id}”.")
    price = offers.price(reward, program.currency, request.points)
    with opened(program.pk, [request.member_id], now=now) as book:
        if known := _repeated(program.pk, request):  # while we waited for the lock
            return known, False
        account = book.accounts[request.member_id]
        if price.points > account.available:
            raise Overdrawn(price.points, account.available)
        _within_limit(program.pk, request.member_id, document["redemptions_per_minute"], now)
        redemption = Redemption.objects.create(
            program=program,
            member_id=request.member_id,
            source_id=request.source_id,
            customer_id=request.customer_id,
            key=request.key,
            reward={**reward, "version": program.version, "asked": request.points},
            points=price.points,
            value=price.value,
            code=document["code_prefix"] + new_code(),
            starts_at=now,
            expires_at=now + timedelta(days=reward["valid_days"]) if reward["valid_days"] else None,
            due_at=now + FIRST_TRY,
        )
        posting = _posting(book, redemption, "reserve", now)
        posting.take(price.points, Bucket.AVAILABLE, Bucket.RESERVED)
    return redemption, True


def issued(program_id: int, redemption_id: int, external_ref: str, *, now: datetime | None = None) -> bool:
    """The code exists in the shop: reserved -> issued. False when it isn't reserved any more."""
    return _change(program_id, redemption_id, _Issue(external_ref), now)


def failed(program_id: int, redemption_id: int, reason: str, *, now: datetime | None = None) -> bool:
    """The code will not exist: reserved -> failed, the points are free again."""
    return _change(program_id, redemption_id, _Fail(reason), now)


def start_ending(
    program_id: int, redemption_id: int, ending_as: State, *, now: datetime | None = None
) -> bool:
    """issued -> ending: from here on the shop is asked to disable the code, and whether it was used."""
    now = now or datetime.now(UTC)
    return bool(
        Redemption.objects.filter(program_id=program_id, pk=redemption_id, state=State.ISSUED).update(
            state=State.ENDING, ending_as=ending_as, due_at=now, changed_at=now, attempts=0
        )
    )


def ended(program_id: int, redemption_id: int, *, now: datetime | None = None) -> bool:
    """The code is disabled and no order carries it: ending -> expired or cancelled, points return."""
    return _change(program_id, redemption_id, _End(), now)


def put_off(redemption: Redemption, until: datetime, reason: str = "", *, absent: bool = False) -> None:
    """Look at it again later; `absent`: the shop had no such code when it was asked."""
    now = datetime.now(UTC)
    Redemption.objects.filter(
        pk=redemption.pk, program_id=redemption.program_id, state=redemption.state
    ).update(
        due_at=until,
        reason=reason[:1000],
        attempts=redemption.attempts + 1,
        absent_since=(redemption.absent_since or now) if absent else None,
    )


def at_rest(redemption: Redemption) -> None:
    """Nothing more to look at for this state."""
    Redemption.objects.filter(
        pk=redemption.pk, program_id=redemption.program_id, state=redemption.state
    ).update(due_at=None)


def new_code() -> str:
    """12 characters of the alphabet, from the system's cryptographic source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def carried_by(program_id: int, orders: Iterable[OrderFact]) -> list[Redemption]:
    """The redemptions whose codes these orders carry."""
    codes = {code.upper() for order in orders for code in order.codes}
    if not codes:
        return []
    return list(Redemption.objects.filter(program_id=program_id, code__in=codes))


def note_orders(book: Book, pairs: Sequence[tuple[Order, OrderFact]]) -> None:
    """Orders that carry codes of ours use them, and give them back when they are undone."""
    carried = carried_by(book.program_id, [fact for _, fact in pairs])
    if not carried:
        return
    rows = Redemption.objects.select_for_update().filter(
        program_id=book.program_id, pk__in=[redemption.pk for redemption in carried]
    )
    by_code = {redemption.code: redemption for redemption in rows.order_by("pk")}
    for order, fact in pairs:
        for code in fact.codes:
            redemption = by_code.get(code.upper())
            if redemption is not None:
                _note_order(book, redemption, order, fact)


def _note_order(book: Book, redemption: Redemption, order: Order, fact: OrderFact) -> None:
    if redemption.member_id not in book.accounts:
        raise MemberMerged({})
    if redemption.state not in (State.USED, State.RETURNED):
        _apply(book, redemption, _Use(order), fact.updated_at)
    undone = fact.cancelled or fact.wholly_refunded
    if undone and redemption.state == State.USED and redemption.order_id == order.pk:
        _apply(book, redemption, _Return(), fact.updated_at)


# What a change does to the points, and to the row.


class _Change(ABC):
    name: str
    kind = "redemption"
    before: tuple[State, ...]

    @abstractmethod
    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        """Move the points to where they belong afterwards."""

    @abstractmethod
    def row(self, redemption: Redemption, now: datetime) -> None:
        """Say in the row what happened."""


class _Issue(_Change):
    name = "issue"
    before = (State.RESERVED,)

    def __init__(self, external_ref: str) -> None:
        self.external_ref = external_ref

    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        held.capture(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.ISSUED
        redemption.external_ref = self.external_ref
        redemption.due_at = redemption.expires_at
        redemption.reason = ""


class _Fail(_Change):
    name = "fail"
    before = (State.RESERVED,)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        held.release(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.FAILED
        redemption.reason = self.reason[:1000]
        # A request on its way may still make the code.
        redemption.due_at = now + SECOND_LOOK


class _End(_Change):
    name = "end"
    kind = "return"
    before = (State.ENDING,)

    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        program = Program.objects.get(pk=redemption.program_id)
        if programs.document(program)["return_unused"] or redemption.ending_as == State.CANCELLED:
            held.give_back(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State(redemption.ending_as)
        redemption.due_at = now + SECOND_LOOK


class _Use(_Change):
    """Seen in an order. Whatever we thought before, the reward was had: its points are spent."""

    name = "use"
    before = (State.RESERVED, State.ISSUED, State.ENDING, State.EXPIRED, State.CANCELLED, State.FAILED)

    def __init__(self, order: Order) -> None:
        self.order = order

    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        held.capture(posting)
        held.take_again(posting, redemption.points)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.USED
        redemption.order_id = self.order.pk
        redemption.due_at = None


class _Return(_Change):
    """Its order was cancelled or wholly refunded."""

    name = "return"
    kind = "return"
    before = (State.USED,)

    def points(self, posting: Posting, held: "_Held", redemption: Redemption) -> None:
        held.give_back(posting)

    def row(self, redemption: Redemption, now: datetime) -> None:
        redemption.state = State.RETURNED
        redemption.due_at = None


@following_merges
def _change(program_id: int, redemption_id: int, change: _Change, now: datetime | None) -> bool:
    now = now or datetime.now(UTC)
    member_id = Redemption.objects.values_list("member_id", flat=True).get(
        program_id=program_id, pk=redemption_id
    )
    with opened(program_id, [member_id], now=now, redemption_ids=[redemption_id]) as book:
        redemption = Redemption.objects.select_for_update().get(program_id=program_id, pk=redemption_id)
        if redemption.state not in change.before:
            return False
        _apply(book, redemption, change, now)
    return True


def _apply(book: Book, redemption: Redemption, change: _Change, now: datetime) -> None:
    posting = _posting(book, redemption, change.name, now, change.kind)
    change.points(posting, _Held.by(book, redemption), redemption)
    change.row(redemption, now)
    redemption.turns += 1
    redemption.changed_at = now
    redemption.attempts = 0
    redemption.absent_since = None
    redemption.save()


def _posting(
    book: Book, redemption: Redemption, name: str, now: datetime, kind: str = "redemption"
) -> Posting:
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


class _Held:
    """Where a redemption's points are, by lot, out of its movements."""

    def __init__(self, book: Book, reserved: dict[int, int], spent: dict[int, int]) -> None:
        self.book = book
        self.reserved = reserved
        self.spent = spent

    @classmethod
    def by(cls, book: Book, redemption: Redemption) -> "_Held":
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
        self._unreserve(posting, Bucket.SPENT)

    def release(self, posting: Posting) -> None:
        """reserved -> available"""
        self._unreserve(posting, Bucket.AVAILABLE)

    def give_back(self, posting: Posting) -> None:
        """spent -> available, to the lots the points came from."""
        for lot_id, points in sorted(self.spent.items()):
            if points > 0:
                lot = self.book.lot(lot_id)
                posting.move(self._own(lot, posting, points), Bucket.SPENT, Bucket.AVAILABLE, points)

    def take_again(self, posting: Posting, points: int) -> None:
        """What had been given back is spent again: available points first, then debt."""
        missing = points - sum(self.spent.values()) - sum(self.reserved.values())
        rest = posting.take(missing, Bucket.AVAILABLE, Bucket.SPENT)
        if rest:
            origin = self.book.lot(min(self.spent or self.reserved))
            posting.move(origin, Bucket.DEBT, Bucket.SPENT, rest)

    def _unreserve(self, posting: Posting, target: Bucket) -> None:
        for lot_id, points in sorted(self.reserved.items()):
            # After a merge the points stand in an heir of the lot.
            heirs = [lot for lot in posting.account.lots if lot_id in (lot.id, lot.parent_id)]
            missing = posting.take(points, Bucket.RESERVED, target, heirs)
            posting.take(missing, Bucket.RESERVED, target)

    def _own(self, lot: OpenLot, posting: Posting, points: int) -> OpenLot:
        """The lot itself, or a child of it where it belongs to a member who was merged away."""
        if lot.member_id == posting.account.id:
            return lot
        child = replace(
            lot,
            id=None,
            member_id=posting.account.id,
            parent_id=lot.id,
            given=points,
            buckets=dict.fromkeys(lot.buckets, 0),
        )
        self.book.add(child)
        return child


def _repeated(program_id: int, request: Request) -> Redemption | None:
    """The answer to the same request, if it was made before. Raises KeyReused for another request."""
    known = Redemption.objects.filter(
        program_id=program_id, member_id=request.member_id, key=request.key
    ).first()
    if known and (known.reward["id"], known.reward["asked"]) != (request.reward_id, request.points):
        raise KeyReused("This key was used for another redemption.")
    return known


def _within_limit(program_id: int, member_id: int, limit: int, now: datetime) -> None:
    recent = Redemption.objects.filter(
        program_id=program_id, member_id=member_id, created_at__gt=now - timedelta(minutes=1)
    )
    if recent.count() >= limit:
        raise TooMany(f"At most {limit} redemptions a minute.")
