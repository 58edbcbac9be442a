"""Two years of twenty members, told to the app's own code: what `history` copies a hundred thousand times.

Orders that are held, released, refunded and lapse, codes made, used, refused and undone, a debt, a gift by
hand, two customers who become one, and one who asks to be forgotten.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from rewards import documents, expiry, holds, people, programs, redemptions, reservations
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.ledger import adjust
from rewards.models import Identity, Program, Redemption
from rewards.orders import settle_orders

MEMBERS = 20
DAYS = 700
HOLD_DAYS = 14
FIRST_CUSTOMER = 7_001
SHOP = 1
Event = tuple[int, int, Callable[[datetime], object]]
"""(day, number of the customer, what happens)"""


@contextmanager
def told(currency: str) -> Iterator[Program]:
    """A program in which all this has happened; it is gone afterwards."""
    program = programs.start("History", currency, "Europe/Berlin")
    program.versions.update(document=_terms(currency))
    _tell(program)
    yield program
    programs.erase(program.pk)


def _terms(currency: str) -> programs.Json:
    """The starter's terms, with a hold and an end."""
    said = programs.starter("History", currency)
    said["earning"]["hold_days"] = HOLD_DAYS
    said["expiry"] = {"policy": "rolling", "months": 12}
    return documents.checked(said, currency)


def _tell(program: Program) -> None:
    """Each thing at its own time."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS + HOLD_DAYS)
    events = [event for number in range(MEMBERS) for event in _Customer(program, number).life()]
    for day, _, happen in sorted(events, key=lambda event: event[:2]):
        now = begin + timedelta(days=day)
        holds.release_due(now=now)
        expiry.lapse_due(now=now)
        happen(now)


class _Customer:
    def __init__(self, program: Program, number: int) -> None:
        self.program = program
        self.number = number
        self.customer_id = FIRST_CUSTOMER + number

    def life(self) -> Iterator[Event]:
        """What happens to this one. All join, buy four times, and meet one or two of the rarer things."""
        n = self.number
        yield n, n, self.joins
        for index in range(4):
            yield 30 + n + 170 * index, n, lambda now, index=index: self.buys(index, now)
        if n % 4 == 0:
            yield 225 + n, n, lambda now: self.returns_a_piece(1, now)
        if n % 3 == 0:
            yield 300 + n, n, lambda now: self.redeems("five-off", now)
        if n == 6:
            yield 320 + n, n, self.uses_a_code
        if n % 7 == 3:
            yield 610 + n, n, self.is_refused_a_code
        if n % 7 == 5:
            yield 620 + n, n, self.undoes_a_code
        if n == 4:
            yield 400, n, self.gets_a_present
        if n == 8:
            yield 560 + n, n, lambda now: self.redeems("choose", now, 200)
            yield 580 + n, n, lambda now: self.returns_everything(2, now)
            yield 581 + n, n, lambda now: self.returns_everything(3, now)
        if n == 18:
            yield 690, n, lambda now: self.becomes(17, now)
        if n == 19:
            yield 695, n, lambda now: people.forget(self.program, (SHOP, self.customer_id))

    def joins(self, now: datetime) -> None:
        people.enrol(self.program, {(SHOP, self.customer_id): now}, now=now)

    def buys(self, index: int, now: datetime) -> None:
        self._settle(self._order(index, now), now)

    def returns_a_piece(self, index: int, now: datetime) -> None:
        self._settle(self._order(index, now, kept=1), now)

    def returns_everything(self, index: int, now: datetime) -> None:
        self._settle(self._order(index, now, kept=0, cancelled=True), now)

    def redeems(self, reward: str, now: datetime, points: int | None = None) -> Redemption:
        key = f"{reward}-{now:%Y%m%d}"
        request = reservations.Request(self._member(), SHOP, self.customer_id, reward, key, points)
        redemption = reservations.reserve(self.program, request, now=now)[0]
        redemptions.issued(self.program.pk, redemption.pk, f"gid://shopify/Discount/{redemption.pk}", now=now)
        redemptions.at_rest(redemption)
        return redemption

    def uses_a_code(self, now: datetime) -> None:
        code = Redemption.objects.get(program=self.program, member_id=self._member()).code
        self._settle(self._order(4, now, codes=(code,)), now)

    def is_refused_a_code(self, now: datetime) -> None:
        request = reservations.Request(self._member(), SHOP, self.customer_id, "five-off", "refused")
        redemption = reservations.reserve(self.program, request, now=now)[0]
        redemptions.failed(self.program.pk, redemption.pk, "refused", now=now)

    def undoes_a_code(self, now: datetime) -> None:
        redemption = self.redeems("five-off", now)
        redemptions.start_ending(self.program.pk, redemption.pk, Redemption.State.CANCELLED, now=now)
        redemptions.ended(self.program.pk, redemption.pk, now=now)

    def gets_a_present(self, now: datetime) -> None:
        adjust(self.program.pk, self._member(), 25, key="present", reason="thanks", now=now)

    def becomes(self, other: int, now: datetime) -> None:
        survivor = (SHOP, FIRST_CUSTOMER + other)
        people.merge(self.program, survivor, (SHOP, self.customer_id), happened_at=now, now=now)

    def _member(self) -> int:
        return Identity.objects.get(
            program=self.program, source_id=SHOP, external_id=self.customer_id
        ).member_id

    def _settle(self, fact: OrderFact, now: datetime) -> None:
        settle_orders(self.program, [FetchedOrder(fact, paid_at=fact.processed_at)], now=now)

    def _order(
        self, index: int, now: datetime, kept: int = 2, cancelled: bool = False, codes: tuple[str, ...] = ()
    ) -> OrderFact:
        bought = now if kept == 2 else now - timedelta(days=20)
        price = 2_450 + 610 * index + 95 * self.number
        return OrderFact(
            source_id=SHOP,
            external_id=self.number * 10 + index + 1,
            updated_at=now,
            processed_at=bought,
            currency=self.program.currency,
            lines=(
                Line(id=1, price=price, ordered=2, current=kept, discount=price // 10),
                Line(id=2, price=990, ordered=1, current=min(kept, 1)),
            ),
            name=f"#{1000 + self.number * 10 + index}",
            customer_id=self.customer_id,
            paid=True,
            cancelled=cancelled,
            codes=codes,
        )
