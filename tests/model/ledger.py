"""What the points of a program should be: a second ledger, pure, written from the rules and not from the app.

No database, no keys, no locks: members, lots, orders and redemptions as plain objects. The state machine next
to this file tells it and the app the same story and compares. One program over several shops, whose settings
change: some points per 1.00, rounded down, prices without tax, awarded on payment.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from rewards.facts import OrderFact
from tests.model.rules import GRACE_DAYS, Settings, end_of_day

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
Ref = tuple[int, int]
"""(shop, id there)"""


@dataclass(eq=False)
class Lot:
    owner: Ref
    order: Ref | None
    begins: datetime
    ends: datetime | None
    given: int
    number: int
    grace: bool = False
    pending: int = 0
    available: int = 0
    reserved: int = 0
    lapsed: int = 0

    @property
    def turn(self) -> tuple[datetime, datetime, int]:
        """What lapses first is spent first, then the oldest."""
        return (self.ends or END_OF_TIME, self.begins, self.number)


@dataclass(eq=False)
class Order:
    state: OrderFact | None = None
    paid_at: datetime | None = None
    member: Ref | None = None
    points: int = 0
    settled: bool = False


@dataclass(eq=False)
class Redemption:
    member: Ref
    points: int
    state: str
    parts: list[tuple[Lot, int]]  # where its points come from, and go back to
    origin: Lot
    code: str
    order: Ref | None = None


@dataclass
class Ledger:
    versions: list[tuple[datetime, Settings]]  # the oldest first
    since: datetime | None = None  # when points began to lapse as they do now, if that ever changed
    members: dict[Ref, Ref] = field(default_factory=dict)  # customer: member
    debts: dict[Ref, int] = field(default_factory=dict)  # of every member there ever was
    active: dict[Ref, datetime] = field(default_factory=dict)  # the last earning or redeeming
    forgotten: set[Ref] = field(default_factory=set)
    merged: set[Ref] = field(default_factory=set)
    lots: list[Lot] = field(default_factory=list)
    orders: dict[Ref, Order] = field(default_factory=dict)
    redemptions: list[Redemption] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return self.versions[-1][1]

    def balances(self, member: Ref) -> tuple[int, int, int, int]:
        own = self._of(member)
        sums = (sum(getattr(lot, bucket) for lot in own) for bucket in ("pending", "available", "reserved"))
        return (*sums, -self.debts[member])

    def change(self, settings: Settings, now: datetime) -> None:
        if settings.lifetime != self.settings.lifetime:
            self.since = now
        self.versions.append((now, settings))

    def join(self, customer: Ref, happened_at: datetime, now: datetime) -> Ref | None:
        if customer not in self.members and customer not in self.forgotten:
            self.members[customer] = customer
            self.debts[customer] = 0
            if self.settings.bonus:
                self._is_active(customer, happened_at)
                self._award(customer, self.settings.bonus, None, now, now)
        return self.members.get(customer)

    def hear(self, fact: OrderFact) -> Order:
        """That an order was once paid counts for good, whatever becomes of the rest of the news."""
        order = self.orders.setdefault((fact.source_id, fact.external_id), Order())
        if fact.paid and order.paid_at is None:
            order.paid_at = fact.processed_at
        return order

    def settle(self, fact: OrderFact, now: datetime) -> None:
        ref = fact.source_id, fact.external_id
        order = self.hear(fact)
        if order.state is None or fact.updated_at > order.state.updated_at:
            order.state = fact
        if order.member is None and order.state.customer_id:
            customer = fact.source_id, order.state.customer_id
            order.member = self.join(customer, order.state.processed_at, now)
        if order.member is not None and order.paid_at is not None:
            rules = self._rules_at(order.paid_at)
            difference = rules.deserved(order.state) - order.points
            moment = order.state.updated_at if order.settled else order.paid_at
            if difference > 0:
                self._is_active(order.member, moment)
                self._award(order.member, difference, ref, rules.begin(moment, now), now)
            elif difference < 0:
                self._reverse(order.member, ref, -difference, rules.forgive)
            order.settled |= difference != 0
            order.points += difference
        self._see_codes(ref, order.state, now)

    def adjust(self, member: Ref, points: int, now: datetime) -> None:
        if points > 0:
            self._award(member, points, None, now, now)
        else:
            self._take(member, -points)

    def reserve(self, member: Ref, points: int, code: str, now: datetime) -> Redemption:
        self._is_active(member, now)
        parts = self._take(member, points)
        for lot, part in parts:
            lot.reserved += part
        origin = min((lot for lot, _ in parts), key=lambda lot: lot.number)
        self.redemptions.append(Redemption(member, points, "reserved", parts, origin, code))
        return self.redemptions[-1]

    def issue(self, redemption: Redemption) -> None:
        self._leave_reserved(redemption)
        redemption.state = "issued"

    def fail(self, redemption: Redemption, now: datetime) -> None:
        self._leave_reserved(redemption)
        self._give_back(redemption, now)
        redemption.state = "failed"

    def end(self, redemption: Redemption, now: datetime, *, undo: bool) -> None:
        if undo or self.settings.return_unused:
            self._give_back(redemption, now, undo=undo)
        redemption.state = "cancelled" if undo else "expired"

    def release(self, now: datetime) -> None:
        for lot in sorted(self.lots, key=lambda lot: lot.turn):
            if lot.pending and lot.begins <= now:
                points, lot.pending, lot.ends = lot.pending, 0, self._end(lot.begins, None)
                self._enter(lot, points)

    def lapse(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.available + lot.reserved and not lot.grace:
                lot.ends = self._end(lot.begins, lot.ends)
        for lot in self.lots:
            rests = lot.ends is None and self._rests(lot.owner, now)
            if rests or (lot.ends and lot.ends <= now):
                lot.lapsed, lot.available = lot.lapsed + lot.available, 0

    def merge(self, survivor: Ref, lost: Ref, now: datetime) -> None:
        if survivor in self.forgotten:
            self.forget(lost)
            return
        kept, gone = self.join(survivor, now, now), self.join(lost, now, now)
        assert kept is not None
        if gone is not None:
            self.merged.add(lost)
            if gone != kept:
                self._join(gone, kept)

    def forget(self, customer: Ref) -> None:
        self.forgotten.add(customer)
        member = self.members.pop(customer, None)
        if customer not in self.merged:
            selves = [one for one in self.merged if one[0] == customer[0] and self.members.get(one) == member]
            for one in selves if member else ():
                self.forget(one)

    def _join(self, gone: Ref, kept: Ref) -> None:
        if gone in self.active:
            self._is_active(kept, self.active[gone])
        for lot in sorted(self._of(gone), key=lambda lot: lot.turn):
            if held := lot.pending + lot.available + lot.reserved:
                heir = self._open(lot, kept, held, lot.ends, lot.grace)
                heir.pending, heir.reserved = lot.pending, lot.reserved
                self._enter(heir, lot.available)
                lot.pending = lot.available = lot.reserved = 0
                for redemption in self.redemptions:
                    if redemption.state == "reserved":
                        parts = redemption.parts
                        redemption.parts = [(heir if part is lot else part, points) for part, points in parts]
        owed, self.debts[gone] = self.debts[gone], 0
        self.debts[kept] += owed - sum(points for _, points in self._take(kept, owed))
        for thing in (*self.orders.values(), *self.redemptions):
            thing.member = kept if thing.member == gone else thing.member
        self.members = {customer: kept if m == gone else m for customer, m in self.members.items()}

    def _of(self, member: Ref) -> list[Lot]:
        return [lot for lot in self.lots if lot.owner == member]

    def _is_active(self, member: Ref, moment: datetime) -> None:
        self.active[member] = max(moment, self.active.get(member, moment))

    def _rules_at(self, moment: datetime) -> Settings:
        return [settings for begin, settings in self.versions if begin <= moment][-1]

    def _award(self, member: Ref, points: int, order: Ref | None, begins: datetime, now: datetime) -> None:
        lot = Lot(member, order, begins, None, points, len(self.lots))
        self.lots.append(lot)
        if begins > now:
            lot.pending = points
        else:
            lot.ends = self._end(begins, None)
            self._enter(lot, points)

    def _enter(self, lot: Lot, points: int) -> None:
        """Whatever becomes available pays debt first."""
        paid = min(points, self.debts[lot.owner])
        self.debts[lot.owner] -= paid
        lot.available += points - paid

    def _take(self, member: Ref, points: int) -> list[tuple[Lot, int]]:
        """Up to so many available points, in their turn."""
        return _out_of(self._of(member), "available", points)

    def _reverse(self, member: Ref, order: Ref, points: int, forgive: bool) -> None:
        own = [lot for lot in self.lots if lot.order == order]
        for bucket in ("pending", "available", "lapsed"):
            points -= sum(part for _, part in _out_of(own, bucket, points))
        points -= sum(part for _, part in self._take(member, points))
        if not forgive:
            self.debts[member] += points

    def _leave_reserved(self, redemption: Redemption) -> None:
        if redemption.state == "reserved":
            for lot, part in redemption.parts:
                lot.reserved -= part

    def _give_back(self, redemption: Redemption, now: datetime, *, undo: bool = False) -> None:
        for lot, points in sorted(redemption.parts, key=lambda part: part[0].turn):
            self._enter(self._home(lot, redemption.member, points, now, undo), points)
        redemption.parts = []

    def _home(self, lot: Lot, member: Ref, points: int, now: datetime, undo: bool) -> Lot:
        """Its own lot, or a child that lives a little longer: once per point, and not for an own undo."""
        if not lot.grace:
            lot.ends = self._end(lot.begins, lot.ends)
        ends, grace = lot.ends, lot.grace
        over = self._rests(member, now) if ends is None else ends <= now
        if not undo and not grace and (over or (ends and ends < end_of_day(now, GRACE_DAYS))):
            ends, grace = end_of_day(now, GRACE_DAYS), True
        elif over:
            ends, grace = end_of_day(now), True
        full = lot.pending + lot.available + lot.reserved + lot.lapsed + points > lot.given
        if lot.owner == member and ends == lot.ends and not full:
            return lot
        return self._open(lot, member, points, ends, grace)

    def _open(self, lot: Lot, owner: Ref, given: int, ends: datetime | None, grace: bool) -> Lot:
        child = Lot(owner, lot.order, lot.begins, ends, given, len(self.lots), grace)
        self.lots.append(child)
        return child

    def _see_codes(self, order: Ref, state: OrderFact, now: datetime) -> None:
        for redemption in self.redemptions:
            if redemption.code in state.codes and redemption.state not in ("used", "returned"):
                self._use(redemption, order)
            undone = state.cancelled or state.wholly_refunded
            if undone and redemption.state == "used" and redemption.order == order:
                self._give_back(redemption, now)
                redemption.state = "returned"

    def _use(self, redemption: Redemption, order: Ref) -> None:
        self._leave_reserved(redemption)
        missing = redemption.points - sum(points for _, points in redemption.parts)
        redemption.parts += self._take(redemption.member, missing)
        if owed := redemption.points - sum(points for _, points in redemption.parts):
            self.debts[redemption.member] += owed
            redemption.parts.append((redemption.origin, owed))
        redemption.state, redemption.order = "used", order

    def _end(self, begins: datetime, before: datetime | None) -> datetime | None:
        """The end of points by their own date. One that a change brings nearer is a full life after it."""
        if self.settings.expiry not in ("rolling", "calendar"):
            return None
        end = self.settings.life(begins)
        nearer = before is None or end < before
        return max(end, self.settings.life(self.since)) if nearer and self.since else end

    def _rests(self, member: Ref, now: datetime) -> bool:
        """Whether a whole balance has to lapse, since its member did nothing for so long."""
        if self.settings.expiry != "inactivity" or member not in self.active:
            return False
        last = self.active[member]
        return self.settings.life(max(last, self.since) if self.since else last) <= now


def _out_of(lots: list[Lot], bucket: str, points: int) -> list[tuple[Lot, int]]:
    """Take up to so many points out of a bucket of these lots, in their turn; what was taken of which."""
    taken = []
    for lot in sorted(lots, key=lambda lot: lot.turn):
        if part := min(points, getattr(lot, bucket)):
            setattr(lot, bucket, getattr(lot, bucket) - part)
            points -= part
            taken.append((lot, part))
    return taken
