"""The app and the reference ledger are told the same story; after each step every balance is the same.

One program over two shops, in which the same ids are other people and orders; its settings change on the way.
Another program has the same ids once more, and nothing of it may ever change.

`make soak-model` tells more stories: MODEL_STEPS sets how many steps in all, MODEL_SEED repeats a run.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from rewards import expiry, holds, ledger, orders, people, programs, redemptions, reservations
from rewards.audit import audit
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Identity, Lot, Member, Program, Redemption
from rewards.models import Order as OrderRow
from tests.model.ledger import Ledger, Ref
from tests.model.rules import Settings

STEPS = int(os.environ.get("MODEL_STEPS", "0"))
CUSTOMERS = st.sampled_from([(1, 7001), (1, 7002), (1, 7003), (2, 7001), (2, 7002)])
PICK = st.integers(0, 30)
PERIODS = {1: "month", 3: "quarter"}
LIFETIMES = {
    "never": [{"expiry": "never"}],
    "rolling": [{"expiry": "rolling", "months": 2}, {"expiry": "rolling", "months": 1}],
    "calendar": [
        {"expiry": "calendar", "months": 3, "periods": 1},
        {"expiry": "calendar", "months": 1, "periods": 0},
    ],
    "inactivity": [{"expiry": "inactivity", "months": 2}],
}


def said(*expiries: str) -> st.SearchStrategy[Settings]:
    lifetimes = [lifetime for expiry in expiries for lifetime in LIFETIMES[expiry]]
    return st.builds(
        lambda lifetime, **others: Settings(**lifetime, **others),
        lifetime=st.sampled_from(lifetimes),
        rate=st.sampled_from([1, 1, 3]),
        hold_days=st.sampled_from([0, 14]),
        bonus=st.sampled_from([0, 50]),
        forgive=st.booleans(),
        return_unused=st.sampled_from([True, True, False]),
    )


def document_of(settings: Settings, document: dict) -> dict:
    earning = {"signup_bonus": settings.bonus, "hold_days": settings.hold_days}
    earning["rate"] = {"points": settings.rate, "per": "1"}
    expiry: dict = {"policy": settings.expiry}
    if settings.expiry == "calendar":
        expiry |= {"period": PERIODS[settings.months], "periods": settings.periods}
    elif settings.months:
        expiry |= {"months": settings.months}
    return {
        **document,
        "earning": {**document["earning"], **earning},
        "debt": "forgive" if settings.forgive else "collect",
        "return_unused": settings.return_unused,
        "expiry": expiry,
    }


class Machine(RuleBasedStateMachine):
    """One program's life. What the shop once told may come again; what is late comes later, or never."""

    settings_at_first: st.SearchStrategy[Settings]

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.steps = 0
        self.now = datetime(2026, 1, 15, 12, tzinfo=UTC)
        self.states: dict[Ref, OrderFact] = {}
        self.told: list[OrderFact] = []
        self.late: list[OrderFact] = []
        self.made: list[int] = []  # the app's redemptions, as the model's
        self.undone: dict[int, bool] = {}
        self.real_ids: dict[Ref, int] = {}

    @initialize(data=st.data())
    def start(self, data) -> None:
        settings = data.draw(self.settings_at_first)
        self.model = Ledger([(programs.BEGINNING, settings)])
        self.program = programs.start("Test", "EUR", "Europe/Berlin")
        programs.apply(self.program, document_of(settings, programs.document(self.program)), "test")
        # The story begins long before today.
        self.program.versions.update(effective_from=programs.BEGINNING)
        Program.objects.filter(pk=self.program.pk).update(expiry_since=None)
        self.program.refresh_from_db()
        for customer in ((1, 7001), (1, 7002)):
            self.order(1, customer, [30000], 1, 0, True, None)
            self.learn_members()
        self.tell_another_program()

    def tell_another_program(self) -> None:
        """The same ids, to which nothing may happen."""
        self.other = programs.start("Other", "EUR", "Europe/Berlin")
        orders.settle_orders(self.other, list(self.states.values()), now=self.now)
        member = people.find(self.other.pk, [(1, 7001)])[1, 7001]
        for key in ("k0", "k1"):
            request = reservations.Request(member, 1, 7001, "five-off", key)
            reservations.reserve(self.other, request, now=self.now)
        self.before = self.rows_of(self.other)

    def rows_of(self, program: Program) -> list[list[tuple]]:
        models = (Member, Identity, OrderRow, Lot, Redemption)
        return [list(model.objects.filter(program=program).order_by("pk").values_list()) for model in models]

    def teardown(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self.check_promises()
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)

    # What happens in the shop

    @rule(
        shop=st.sampled_from([1, 1, 2]),
        customer=CUSTOMERS | st.none(),
        prices=st.lists(st.integers(100, 20000), min_size=1, max_size=3),
        pieces=st.integers(1, 4),
        discount=st.integers(0, 900),
        paid=st.booleans() | st.just(True),
        code=st.none() | PICK,
    )
    def order(self, shop, customer, prices, pieces, discount, paid, code) -> None:
        self.tick()
        shop = customer[0] if customer else shop
        ref = shop, 5001 + sum(1 for source, _ in self.states if source == shop)
        lines = [Line(n + 1, price, pieces, pieces, discount) for n, price in enumerate(prices)]
        self.states[ref] = OrderFact(
            *ref,
            self.now,
            self.now,
            "EUR",
            lines=tuple(lines),
            customer_id=customer[1] if customer else None,
            paid=paid,
            codes=(self.code(code),) if code is not None and self.made else (),
        )
        self.tell(self.states[ref])

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans())
    def pay(self, which, quietly) -> None:
        self.change(which, quietly, lambda fact: {"paid": True})

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans(), line=PICK, pieces=st.integers(1, 4))
    def refund_pieces(self, which, quietly, line, pieces) -> None:
        def fewer(fact):
            index = line % len(fact.lines)
            found = fact.lines[index]
            left = replace(found, current=max(0, found.current - pieces))
            lines = (*fact.lines[:index], left, *fact.lines[index + 1 :])
            return {"lines": lines, "wholly_refunded": not any(line.current for line in lines)}

        self.change(which, quietly, fewer)

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans(), amount=st.integers(1, 9000))
    def refund_amount(self, which, quietly, amount) -> None:
        self.change(which, quietly, lambda fact: {"unexplained_refund": fact.unexplained_refund + amount})

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans(), price=st.integers(100, 9000), paid=st.booleans())
    def edit_up(self, which, quietly, price, paid) -> None:
        """A line more. Until it is paid for, the order is no longer paid."""

        def more(fact):
            return {
                "lines": (*fact.lines, Line(len(fact.lines) + 1, price, 1, 1)),
                "paid": fact.paid and paid,
            }

        self.change(which, quietly, more)

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans())
    def edit_down(self, which, quietly) -> None:
        self.change(which, quietly, lambda fact: {"lines": fact.lines[:-1] or fact.lines})

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans())
    def cancel(self, which, quietly) -> None:
        self.change(which, quietly, lambda fact: {"cancelled": True})

    @precondition(lambda self: self.states)
    @rule(which=PICK, quietly=st.booleans(), customer_id=st.sampled_from([7001, 7002]))
    def attach_customer(self, which, quietly, customer_id) -> None:
        self.change(which, quietly, lambda fact: {"customer_id": fact.customer_id or customer_id})

    @precondition(lambda self: self.told)
    @rule(which=st.integers(0, 200))
    def tell_again(self, which) -> None:
        self.tick()
        self.tell(self.told[which % len(self.told)])

    @precondition(lambda self: self.late)
    @rule(which=PICK)
    def tell_late(self, which) -> None:
        """Newer news of the order may have come before."""
        self.tick()
        self.tell(self.late.pop(which % len(self.late)))

    # What members and merchants do

    @precondition(lambda self: self.rich())
    @rule(
        which=PICK,
        money=st.integers(1, 15),
        fixed=st.sampled_from([False, False, True]),
        then=st.sampled_from(["wait", "issue", "issue", "end"]),
    )
    def reserve(self, which, money, fixed, then) -> None:
        """A variable reward, 20 points for each 1.00; or the fixed one of 100 points."""
        self.tick()
        customer = self.rich()[which % len(self.rich())]
        member = self.model.members[customer]
        available = self.model.balances(member)[1]
        reward, points, asked = "choose", min(money * 20, available // 20 * 20), True
        if fixed and available >= 100:
            reward, points, asked = "five-off", 100, False
        request = reservations.Request(
            self.real_ids[member], *customer, reward, f"k{len(self.made)}", points if asked else None
        )
        redemption, _ = reservations.reserve(self.program, request, now=self.now)
        self.made.append(redemption.pk)
        self.model.reserve(member, points, redemption.code, self.now)
        last = len(self.made) - 1
        if then != "wait":
            self.issue(self.in_state("reserved").index(last))
        if then == "end":
            self.start_ending(self.in_state("issued").index(last), undo=which % 2 == 0)
            self.end(self.in_state("ending").index(last))

    @precondition(lambda self: self.made)
    @rule(which=PICK, cancelled=st.booleans())
    def use_code(self, which, cancelled) -> None:
        """At the checkout, whatever became of the code meanwhile."""
        shop = 1 + which % 2
        self.order(shop, None, [500], 1, 0, True, which)
        if cancelled:
            last = max(ref for ref in self.states if ref[0] == shop)
            self.cancel(sorted(self.states).index(last), quietly=False)

    @precondition(lambda self: self.in_state("reserved"))
    @rule(which=PICK)
    def issue(self, which) -> None:
        self.tick()
        number = self.pick("reserved", which)
        assert redemptions.issued(self.program.pk, self.made[number], "gid", now=self.now)
        self.model.issue(self.model.redemptions[number])

    @precondition(lambda self: self.in_state("reserved"))
    @rule(which=PICK)
    def fail(self, which) -> None:
        self.tick()
        number = self.pick("reserved", which)
        assert redemptions.failed(self.program.pk, self.made[number], "no", now=self.now)
        self.model.fail(self.model.redemptions[number], self.now)

    @precondition(lambda self: self.in_state("issued"))
    @rule(which=PICK, undo=st.booleans())
    def start_ending(self, which, undo) -> None:
        self.tick()
        number = self.pick("issued", which)
        ending_as = Redemption.State.CANCELLED if undo else Redemption.State.EXPIRED
        assert redemptions.start_ending(self.program.pk, self.made[number], ending_as, now=self.now)
        self.model.redemptions[number].state = "ending"
        self.undone[number] = undo

    @precondition(lambda self: self.in_state("ending"))
    @rule(which=PICK)
    def end(self, which) -> None:
        self.tick()
        number = self.pick("ending", which)
        assert redemptions.ended(self.program.pk, self.made[number], now=self.now)
        self.model.end(self.model.redemptions[number], self.now, undo=self.undone[number])

    @precondition(lambda self: self.model.members)
    @rule(which=PICK, points=st.integers(-2000, 200))
    def adjust(self, which, points) -> None:
        self.tick()
        members = sorted(set(self.model.members.values()))
        member = members[which % len(members)]
        points = max(points, -self.model.balances(member)[1])
        if points:
            real, key = self.real_ids[member], self.now.isoformat()
            ledger.adjust(self.program.pk, real, points, key=key, reason="test", now=self.now)
            self.model.adjust(member, points, self.now)

    @rule(survivor=CUSTOMERS, lost=CUSTOMERS, really=st.booleans())
    def merge(self, survivor, lost, really) -> None:
        if survivor != lost and survivor[0] == lost[0] and really:
            self.tick()
            people.merge(self.program, survivor, lost, happened_at=self.now, now=self.now)
            self.model.merge(survivor, lost, self.now)

    @precondition(lambda self: len(self.told) > 12)
    @rule(customer=CUSTOMERS)
    def forget(self, customer) -> None:
        people.forget(self.program, customer)
        self.model.forget(customer)

    @rule(settings=said(*LIFETIMES), really=st.booleans())
    def change_rules(self, settings, really) -> None:
        """From now on. What was earned before keeps its rules, and its life a full period."""
        if not really:
            return
        self.tick()
        before = self.program.expiry_since
        programs.apply(self.program, document_of(settings, programs.document(self.program)), "test")
        self.program.versions.filter(number=self.program.version).update(effective_from=self.now)
        if self.program.expiry_since != before:  # told by the clock of today
            Program.objects.filter(pk=self.program.pk).update(expiry_since=self.now)
            self.program.refresh_from_db()
        self.model.change(settings, self.now)

    # What time does

    @rule(days=st.sampled_from([1, 7, 14, 31, 62]), clock=st.booleans())
    def wait(self, days, clock) -> None:
        self.now += timedelta(days=days)
        if clock:
            self.release()
            self.lapse()

    @rule()
    def release(self) -> None:
        holds.release_due(now=self.now)
        self.model.release(self.now)

    @rule()
    def lapse(self) -> None:
        expiry.lapse_due(now=self.now)
        self.model.lapse(self.now)

    # What must hold after every step

    @invariant()
    def balances_are_the_same(self) -> None:
        found = {
            member.pk: (member.pending, member.available, member.reserved, member.debt)
            for member in Member.objects.filter(program=self.program)
        }
        self.learn_members()
        assert found == {self.real_ids[number]: self.model.balances(number) for number in self.model.debts}

    @invariant()
    def orders_are_the_same(self) -> None:
        rows = OrderRow.objects.filter(program=self.program).values_list("source_id", "external_id", "points")
        found = {(source, external): points for source, external, points in rows}
        assert found == {ref: order.points for ref, order in self.model.orders.items()}

    @invariant()
    def redemptions_are_the_same(self) -> None:
        found = Redemption.objects.filter(program=self.program).order_by("pk").values_list("state", flat=True)
        assert list(found) == [redemption.state for redemption in self.model.redemptions]

    @invariant()
    def every_promise_is_kept(self) -> None:
        """In a long run not after each step: what is broken stays broken until the end of the story."""
        self.steps += 1
        if not STEPS or self.steps % 20 == 0:
            self.check_promises()

    def check_promises(self) -> None:
        broken = [(finding.check.name, finding.rows) for finding in audit(self.program.pk) if finding.rows]
        assert broken == []
        assert self.rows_of(self.other) == self.before

    def tick(self) -> None:
        """No two things happen in one second: what they would mean is another test's question."""
        self.now += timedelta(seconds=1)

    def change(self, which: int, quietly: bool, how: Callable[[OrderFact], dict]) -> None:
        """The order is another from now on; `quietly`: the news of it comes later or never."""
        ref = sorted(self.states)[which % len(self.states)]
        fact = self.states[ref]
        if fact.cancelled:
            return
        self.tick()
        fact = replace(fact, updated_at=self.now, **how(fact))
        self.states[ref] = fact
        if quietly:
            self.late.append(fact)
        else:
            self.tell(fact)

    def tell(self, fact: OrderFact) -> None:
        """As a delivery; where that isn't enough to go by, the shop is asked how the order is by now."""
        self.told.append(fact)
        if not orders.settle_orders(self.program, [fact], now=self.now).unsure:
            self.model.settle(fact, self.now)
            return
        self.model.hear(fact)
        state = self.states[fact.source_id, fact.external_id]
        fetched = FetchedOrder(state, paid_at=state.processed_at)
        assert not orders.settle_orders(self.program, [fetched], now=self.now).unsure
        self.model.settle(state, self.now)

    def learn_members(self) -> None:
        """A member is made for one customer; the model calls the member by that customer's number."""
        new = [ref for ref in self.model.debts if ref not in self.real_ids]
        alive = [ref for ref in new if self.model.members.get(ref) == ref]
        self.real_ids |= people.find(self.program.pk, alive)
        for ref in set(new) - self.real_ids.keys():  # first heard of when it was merged away
            others = Member.objects.filter(program=self.program).exclude(pk__in=self.real_ids.values())
            self.real_ids[ref] = others.get().pk

    def rich(self) -> list[Ref]:
        """Customers who can redeem."""
        return [c for c, member in sorted(self.model.members.items()) if self.model.balances(member)[1] >= 20]

    def in_state(self, state: str) -> list[int]:
        return [number for number, one in enumerate(self.model.redemptions) if one.state == state]

    def pick(self, state: str, which: int) -> int:
        found = self.in_state(state)
        return found[which % len(found)]

    def code(self, which: int) -> str:
        return self.model.redemptions[which % len(self.made)].code


COMMON = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.generate, Phase.shrink),
}
QUICK = 12 * 50
"""Steps in `make test`, with one seed for ever."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("expiry", LIFETIMES)
def test_the_app_agrees_with_the_reference_ledger(expiry):
    steps, number = STEPS // len(LIFETIMES) or QUICK, 7
    if STEPS:
        number = int(os.environ.get("MODEL_SEED") or int.from_bytes(os.urandom(4)))
        sys.stderr.write(f"\nSEED={number} ")

    @seed(number)
    def story() -> Machine:
        machine = Machine()
        machine.settings_at_first = said(expiry)
        return machine

    run(story, settings=settings(max_examples=-(-steps // 50), stateful_step_count=50, **COMMON))
