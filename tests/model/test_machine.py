"""The app and the reference ledger are told the same story; after each step every balance is the same.

`make soak-model` tells longer stories: MODEL_STEPS sets how many steps in all, MODEL_SEED repeats a run.
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

from rewards import expiry, holds, ledger, orders, people, programs, redemptions
from rewards.audit import audit
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Member, Program, Redemption
from rewards.models import Order as OrderRow
from tests.model.ledger import Ledger

CUSTOMERS = st.sampled_from([7001, 7002, 7003, 7004])
PICK = st.integers(0, 30)
SOURCE = 1


class Machine(RuleBasedStateMachine):
    """One program's life. What the shop once told may come again; what is late comes later, or never."""

    def __init__(self, hold_days: int, months: int) -> None:
        super().__init__()
        self.lifetime = {"hold_days": hold_days, "months": months}
        self.savepoint = transaction.savepoint()
        self.now = datetime(2026, 1, 15, 12, tzinfo=UTC)
        self.states: dict[int, OrderFact] = {}
        self.told: list[OrderFact] = []
        self.late: list[OrderFact] = []
        self.made: list[int] = []  # the app's redemptions, as the model's
        self.undone: dict[int, bool] = {}
        self.real_ids: dict[int, int] = {}

    @initialize(
        forgive=st.booleans(),
        bonus=st.sampled_from([0, 50]),
        return_unused=st.sampled_from([True, True, False]),
    )
    def start(self, **settings) -> None:
        settings |= self.lifetime
        self.model = Ledger(**settings)
        self.program = programs.start("Test", "EUR", "Europe/Berlin")
        document = {**programs.document(self.program)}
        earning = {"signup_bonus": settings["bonus"], "hold_days": settings["hold_days"]}
        months = settings["months"]
        programs.apply(
            self.program,
            {
                **document,
                "earning": {**document["earning"], **earning},
                "debt": "forgive" if settings["forgive"] else "collect",
                "return_unused": settings["return_unused"],
                "expiry": {"policy": "rolling", "months": months} if months else {"policy": "never"},
            },
            "test",
        )
        # The story begins long before today.
        self.program.versions.update(effective_from=programs.BEGINNING)
        Program.objects.filter(pk=self.program.pk).update(expiry_since=None)
        self.program.refresh_from_db()
        for customer in (7001, 7002):
            self.order(customer, [30000], 1, 0, True, None)
            self.learn_members()

    def teardown(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        transaction.savepoint_rollback(self.savepoint)

    # What happens in the shop

    @rule(
        customer=CUSTOMERS | st.none(),
        prices=st.lists(st.integers(100, 20000), min_size=1, max_size=3),
        pieces=st.integers(1, 4),
        discount=st.integers(0, 900),
        paid=st.booleans() | st.just(True),
        code=st.none() | PICK,
    )
    def order(self, customer, prices, pieces, discount, paid, code) -> None:
        self.tick()
        external_id = 5001 + len(self.states)
        lines = [Line(n + 1, price, pieces, pieces, discount) for n, price in enumerate(prices)]
        self.states[external_id] = OrderFact(
            SOURCE,
            external_id,
            self.now,
            self.now,
            "EUR",
            lines=tuple(lines),
            customer_id=customer,
            paid=paid,
            codes=(self.code(code),) if code is not None and self.made else (),
        )
        self.tell(self.states[external_id])

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
    @rule(which=PICK, quietly=st.booleans(), customer=CUSTOMERS)
    def attach_customer(self, which, quietly, customer) -> None:
        self.change(which, quietly, lambda fact: {"customer_id": fact.customer_id or customer})

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
    @rule(which=PICK, money=st.integers(1, 15), then=st.sampled_from(["wait", "issue", "issue", "end"]))
    def reserve(self, which, money, then) -> None:
        self.tick()
        customer = self.rich()[which % len(self.rich())]
        member = self.model.members[customer]
        points = min(money * 20, self.model.balances(member)[1] // 20 * 20)
        request = redemptions.Request(
            self.real_ids[member], SOURCE, customer, "choose", f"k{len(self.made)}", points
        )
        redemption, _ = redemptions.reserve(self.program, request, now=self.now)
        self.made.append(redemption.pk)
        self.model.reserve(member, points, redemption.code)
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
        self.order(None, [500], 1, 0, True, which)
        if cancelled:
            self.cancel(len(self.states) - 1, quietly=False)

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
        if survivor != lost and really:
            self.tick()
            refs = ((SOURCE, survivor), (SOURCE, lost))
            people.merge(self.program, *refs, happened_at=self.now, now=self.now)
            self.model.merge(survivor, lost, self.now)

    @precondition(lambda self: len(self.told) > 12)
    @rule(customer=CUSTOMERS)
    def forget(self, customer) -> None:
        people.forget(self.program, (SOURCE, customer))
        self.model.forget(customer)

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
        found = dict(OrderRow.objects.filter(program=self.program).values_list("external_id", "points"))
        assert found == {external_id: order.points for external_id, order in self.model.orders.items()}

    @invariant()
    def redemptions_are_the_same(self) -> None:
        found = Redemption.objects.filter(program=self.program).order_by("pk").values_list("state", flat=True)
        assert list(found) == [redemption.state for redemption in self.model.redemptions]

    @invariant()
    def every_promise_is_kept(self) -> None:
        assert [
            (finding.check.name, finding.rows) for finding in audit(self.program.pk) if finding.rows
        ] == []

    def tick(self) -> None:
        """No two things happen in one second: what they would mean is another test's question."""
        self.now += timedelta(seconds=1)

    def change(self, which: int, quietly: bool, how: Callable[[OrderFact], dict]) -> None:
        """The order is another from now on; `quietly`: the news of it comes later or never."""
        external_id = sorted(self.states)[which % len(self.states)]
        fact = self.states[external_id]
        if fact.cancelled:
            return
        self.tick()
        fact = replace(fact, updated_at=self.now, **how(fact))
        self.states[external_id] = fact
        if quietly:
            self.late.append(fact)
        else:
            self.tell(fact)

    def tell(self, fact: OrderFact) -> None:
        """As a delivery; where that isn't enough to go by, as a fetched order."""
        self.told.append(fact)
        if orders.settle_orders(self.program, [fact], now=self.now).unsure:
            orders.settle_orders(self.program, [FetchedOrder(fact, paid_at=fact.processed_at)], now=self.now)
        self.model.settle(fact, self.now)

    def learn_members(self) -> None:
        """A member is made for one customer; the model calls the member by that customer's number."""
        new = [(SOURCE, number) for number in self.model.debts if number not in self.real_ids]
        for (_, number), real in people.find(self.program.pk, new).items():
            self.real_ids[number] = real

    def rich(self) -> list[int]:
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


@pytest.mark.django_db
@pytest.mark.parametrize("months", [0, 2])
@pytest.mark.parametrize("hold_days", [0, 14])
def test_the_app_agrees_with_the_reference_ledger(hold_days, months):
    steps, number = QUICK, 7 + hold_days + months
    if asked := int(os.environ.get("MODEL_STEPS", "0")):
        steps, number = asked // 4, int(os.environ.get("MODEL_SEED") or int.from_bytes(os.urandom(4)))
        sys.stderr.write(f"\nSEED={number} ")

    @seed(number)
    def story() -> Machine:
        return Machine(hold_days, months)

    run(story, settings=settings(max_examples=-(-steps // 50), stateful_step_count=50, **COMMON))
