"""What the points of a program should be: a second ledger, pure, written from the rules and not from the app.

No database, no keys, no locks: members, lots, orders and redemptions as plain objects. The state machine next
to this file tells it and the app the same story and compares. One program: 1 point per 1.00, rounded down,
prices without tax, awarded on payment.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from rewards.facts import OrderFact

ZONE = ZoneInfo("Europe/Berlin")
GRACE_DAYS = 30
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(eq=False)
class Lot:
    owner: int
    order: int | None
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
    member: int | None = None
    points: int = 0
    settled: bool = False


@dataclass(eq=False)
class Redemption:
    member: int
    points: int
    state: str
    parts: list[tuple[Lot, int]]  # where its points come from, and go back to
    origin: Lot
    code: str
    order: int | None = None


@dataclass
class Ledger:
    hold_days: int = 0
    months: int = 0  # 0: points never lapse
    forgive: bool = False
    bonus: int = 0
    return_unused: bool = True
    members: dict[int, int] = field(default_factory=dict)  # customer: member
    debts: dict[int, int] = field(default_factory=dict)  # of every member there ever was
    forgotten: set[int] = field(default_factory=set)
    lots: list[Lot] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    redemptions: list[Redemption] = field(default_factory=list)

    def balances(self, member: int) -> tuple[int, int, int, int]:
        own = [lot for lot in self.lots if lot.owner == member]
        sums = (sum(getattr(lot, bucket) for lot in own) for bucket in ("pending", "available", "reserved"))
        return (*sums, -self.debts[member])

    def join(self, customer: int, now: datetime) -> int | None:
        if customer not in self.members and customer not in self.forgotten:
            self.members[customer] = customer
            self.debts[customer] = 0
            if self.bonus:
                self._award(customer, self.bonus, None, now, now)
        return self.members.get(customer)

    def settle(self, fact: OrderFact, now: datetime) -> None:
        order = self.orders.setdefault(fact.external_id, Order())
        if fact.paid and order.paid_at is None:
            order.paid_at = fact.processed_at
        if order.state is None or fact.updated_at > order.state.updated_at:
            order.state = fact
        if order.member is None and order.state.customer_id:
            order.member = self.join(order.state.customer_id, now)
        if order.member is not None and order.paid_at is not None:
            difference = deserved(order.state) - order.points
            moment = order.state.updated_at if order.settled else order.paid_at
            if difference > 0:
                self._award(order.member, difference, fact.external_id, self._begin(moment, now), now)
            elif difference < 0:
                self._reverse(order.member, fact.external_id, -difference)
            order.settled |= difference != 0
            order.points += difference
        self._see_codes(fact.external_id, order.state, now)

    def adjust(self, member: int, points: int, now: datetime) -> None:
        if points > 0:
            self._award(member, points, None, now, now)
        else:
            self._take(member, -points)

    def reserve(self, member: int, points: int, code: str) -> Redemption:
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
        if undo or self.return_unused:
            self._give_back(redemption, now, undo=undo)
        redemption.state = "cancelled" if undo else "expired"

    def release(self, now: datetime) -> None:
        for lot in sorted(self.lots, key=lambda lot: lot.turn):
            if lot.pending and lot.begins <= now:
                points, lot.pending, lot.ends = lot.pending, 0, self._end(lot.begins)
                self._enter(lot, points)

    def lapse(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.ends and lot.ends <= now:
                lot.lapsed, lot.available = lot.lapsed + lot.available, 0

    def merge(self, survivor: int, lost: int, now: datetime) -> None:
        if survivor in self.forgotten:
            self.forget(lost)
            return
        kept, gone = self.join(survivor, now), self.members.get(lost)
        assert kept is not None
        if gone is None:
            if lost not in self.forgotten:
                self.members[lost] = kept
        elif gone != kept:
            self._join(gone, kept)

    def forget(self, customer: int) -> None:
        self.forgotten.add(customer)
        self.members.pop(customer, None)

    def _join(self, gone: int, kept: int) -> None:
        for lot in sorted((lot for lot in self.lots if lot.owner == gone), key=lambda lot: lot.turn):
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

    def _award(self, member: int, points: int, order: int | None, begins: datetime, now: datetime) -> None:
        lot = Lot(member, order, begins, None, points, len(self.lots))
        self.lots.append(lot)
        if begins > now:
            lot.pending = points
        else:
            lot.ends = self._end(begins)
            self._enter(lot, points)

    def _enter(self, lot: Lot, points: int) -> None:
        """Whatever becomes available pays debt first."""
        paid = min(points, self.debts[lot.owner])
        self.debts[lot.owner] -= paid
        lot.available += points - paid

    def _take(self, member: int, points: int) -> list[tuple[Lot, int]]:
        """Up to so many available points, in their turn."""
        return _out_of([lot for lot in self.lots if lot.owner == member], "available", points)

    def _reverse(self, member: int, order: int, points: int) -> None:
        own = [lot for lot in self.lots if lot.order == order]
        for bucket in ("pending", "available", "lapsed"):
            points -= sum(part for _, part in _out_of(own, bucket, points))
        points -= sum(part for _, part in self._take(member, points))
        if not self.forgive:
            self.debts[member] += points

    def _leave_reserved(self, redemption: Redemption) -> None:
        if redemption.state == "reserved":
            for lot, part in redemption.parts:
                lot.reserved -= part

    def _give_back(self, redemption: Redemption, now: datetime, *, undo: bool = False) -> None:
        for lot, points in sorted(redemption.parts, key=lambda part: part[0].turn):
            self._enter(self._home(lot, redemption.member, points, now, undo), points)
        redemption.parts = []

    def _home(self, lot: Lot, member: int, points: int, now: datetime, undo: bool) -> Lot:
        """Its own lot, or a child that lives a little longer: once per point, and not for an own undo."""
        ends, grace = lot.ends, lot.grace
        if ends and not undo and not grace and ends < _end_of_day(now, GRACE_DAYS):
            ends, grace = _end_of_day(now, GRACE_DAYS), True
        elif ends and ends <= now:
            ends, grace = _end_of_day(now), True
        full = lot.pending + lot.available + lot.reserved + lot.lapsed + points > lot.given
        if lot.owner == member and ends == lot.ends and not full:
            return lot
        return self._open(lot, member, points, ends, grace)

    def _open(self, lot: Lot, owner: int, given: int, ends: datetime | None, grace: bool) -> Lot:
        child = Lot(owner, lot.order, lot.begins, ends, given, len(self.lots), grace)
        self.lots.append(child)
        return child

    def _see_codes(self, order: int, state: OrderFact, now: datetime) -> None:
        for redemption in self.redemptions:
            if redemption.code in state.codes and redemption.state not in ("used", "returned"):
                self._use(redemption, order)
            undone = state.cancelled or state.wholly_refunded
            if undone and redemption.state == "used" and redemption.order == order:
                self._give_back(redemption, now)
                redemption.state = "returned"

    def _use(self, redemption: Redemption, order: int) -> None:
        self._leave_reserved(redemption)
        missing = redemption.points - sum(points for _, points in redemption.parts)
        redemption.parts += self._take(redemption.member, missing)
        if owed := redemption.points - sum(points for _, points in redemption.parts):
            self.debts[redemption.member] += owed
            redemption.parts.append((redemption.origin, owed))
        redemption.state, redemption.order = "used", order

    def _begin(self, moment: datetime, now: datetime) -> datetime:
        if not self.hold_days:
            return min(moment, now)
        return _end_of_day(moment, self.hold_days - 1) + timedelta(microseconds=1)

    def _end(self, begins: datetime) -> datetime | None:
        if not self.months:
            return None
        day = begins.astimezone(ZONE)
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        last = monthrange(year, month + 1)[1]
        return _end_of_day(day.replace(year=year, month=month + 1, day=min(day.day, last)))


def deserved(fact: OrderFact) -> int:
    """1 point per 1.00 of what is left of the lines, less what was given back as a mere amount."""
    if fact.cancelled or fact.test:
        return 0
    lines = (
        Fraction(max(0, line.price * line.ordered - line.discount) * line.current, line.ordered)
        for line in fact.lines
    )
    return floor(max(Fraction(0), sum(lines) - fact.unexplained_refund) / 100)


def _out_of(lots: list[Lot], bucket: str, points: int) -> list[tuple[Lot, int]]:
    """Take up to so many points out of a bucket of these lots, in their turn; what was taken of which."""
    taken = []
    for lot in sorted(lots, key=lambda lot: lot.turn):
        if part := min(points, getattr(lot, bucket)):
            setattr(lot, bucket, getattr(lot, bucket) - part)
            points -= part
            taken.append((lot, part))
    return taken


def _end_of_day(moment: datetime, days: int = 0) -> datetime:
    """The last instant of a local day, so many days on: a day of the calendar, not 24 hours."""
    day = moment.astimezone(ZONE) + timedelta(days=days + 1)
    return day.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC) - timedelta(microseconds=1)
