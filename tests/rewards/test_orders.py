"""Orders become points: the worked examples, and that no repetition or disorder changes the result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewards import ledger, orders, people, programs
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Member, Movement, Order

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def program():
    program = programs.start("Test", "EUR", "Europe/Berlin")
    with_earning(program, signup_bonus=0)
    return program


def with_earning(program, **changes):
    document = {**programs.document(program)}
    document["earning"] = {**document["earning"], **changes}
    programs.apply(program, document, "test")
    # The tests' orders are of the past: let the new version hold for them too.
    program.versions.update(effective_from=programs.BEGINNING)


def order(*lines, minutes=0, **changes):
    values = {
        "source_id": 1,
        "external_id": 5001,
        "updated_at": NOW + timedelta(minutes=minutes),
        "processed_at": NOW,
        "currency": "EUR",
        "customer_id": 7001,
        "paid": True,
        "lines": lines,
    }
    return OrderFact(**{**values, **changes})


def line(price, ordered=1, current=None, id=1, **changes):
    return Line(
        id=id, price=price, ordered=ordered, current=ordered if current is None else current, **changes
    )


def settle(program, *news):
    for item in news:
        assert not orders.settle_orders(program, [item], now=NOW).unsure


def member(program):
    return Member.objects.get(program=program, merged_into=None)


def net(program):
    return Order.objects.get(program=program).points


@pytest.mark.parametrize(
    ("lines", "changes", "points"),
    [
        ([line(333, id=i) for i in range(3)], {}, 9),
        ([line(2990)], {}, 29),
        ([line(10000, discount=1000)], {"shipping": 2000}, 90),
        ([line(11900, tax=1900)], {"taxes_included": True}, 100),
        ([line(5000), line(5000, id=2, gift_card=True)], {}, 50),
        ([line(5000)], {"unexplained_refund": 1200}, 38),
        ([line(1000, ordered=4, discount=1000)], {}, 30),
        ([line(1000, ordered=4, current=3, discount=1000)], {}, 22),
        ([line(1000, ordered=4, current=2, discount=1000)], {}, 15),
        ([line(1000, ordered=4, current=1, discount=1000)], {}, 7),
        ([line(1000, ordered=4, current=0, discount=1000)], {}, 0),
        ([line(5000)], {"test": True}, 0),
        ([line(5000)], {"cancelled": True}, 0),
        ([line(5000)], {"paid": False}, 0),
    ],
)
def test_worked_examples(program, lines, changes, points):
    settle(program, order(*lines, **changes))
    assert net(program) == points


def test_refunds_one_line_after_the_other_take_three_each(program):
    full = order(*[line(333, id=i) for i in range(3)])
    settle(program, full)
    balances = []
    for refunded in (1, 2, 3):
        lines = [line(333, id=i, current=0 if i < refunded else 1) for i in range(3)]
        settle(program, replace(full, lines=tuple(lines), updated_at=NOW + timedelta(minutes=refunded)))
        balances.append(member(program).available)
    assert balances == [6, 3, 0]


def test_a_refund_that_arrives_before_the_payment_earns_once(program):
    paid = order(line(2000))
    refunded = replace(paid, unexplained_refund=500, updated_at=NOW + timedelta(minutes=5))
    settle(program, refunded, paid, refunded)
    assert member(program).available == 15
    assert Movement.objects.filter(program=program).count() == 1


def test_two_states_of_one_second_are_not_decided_on(program):
    paid = order(line(2000))
    settle(program, paid)
    other = replace(paid, lines=(line(1000),))
    result = orders.settle_orders(program, [other], now=NOW)
    assert [ref.external_id for ref in result.unsure] == [5001]
    assert net(program) == 20
    settle(program, FetchedOrder(other))
    assert net(program) == 10


def test_a_refund_of_spent_points_becomes_debt_that_new_points_pay(program):
    settle(program, order(line(10000)))
    ledger.adjust(program.pk, member(program).pk, -80, key="spend", reason="test", now=NOW)
    settle(program, order(line(10000, current=0), minutes=1))
    found = member(program)
    assert (found.available, found.debt) == (0, -80)
    settle(program, order(line(10000), external_id=5002))
    found = member(program)
    assert (found.available, found.debt) == (20, 0)


def test_a_later_program_version_never_changes_an_old_order(program):
    settle(program, order(line(2000)))
    document = {**programs.document(program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    programs.apply(program, document, "test")
    settle(program, order(line(2000), line(1000, id=2), minutes=1))
    assert net(program) == 30


def test_an_order_from_before_a_change_is_fetched_for_its_moment(program):
    document = {**programs.document(program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    programs.apply(program, document, "test")
    assert orders.settle_orders(program, [order(line(2000))], now=NOW).unsure
    settle(program, FetchedOrder(order(line(2000)), paid_at=NOW))
    assert net(program) == 20


def test_a_guest_earns_when_the_order_gets_its_customer(program):
    settle(program, order(line(2000), customer_id=None))
    assert not Member.objects.filter(program=program).exists()
    settle(program, order(line(2000), minutes=1))
    assert member(program).available == 20


def test_hold_keeps_points_pending_until_the_local_day(program):
    with_earning(program, signup_bonus=0, hold_days=14)
    settle(program, FetchedOrder(order(line(2000)), paid_at=NOW))
    assert (member(program).pending, member(program).available) == (20, 0)
    lot = member(program).lots.get()
    assert lot.available_at == datetime(2026, 12, 3, 23, tzinfo=UTC)


def test_customers_with_an_excluded_tag_earn_nothing_and_the_order_remembers_why(program):
    with_earning(program, signup_bonus=0, excluded_customer_tags=["Wholesale"])
    assert orders.settle_orders(program, [order(line(2000))], now=NOW).unsure
    settle(program, FetchedOrder(order(line(2000)), customer_tags=("wholesale",)))
    assert net(program) == 0
    assert Order.objects.get(program=program).context["excluded"] is True


def test_merge_moves_points_and_late_events_land_on_the_survivor(program):
    settle(program, order(line(2000)), order(line(3000), external_id=5002, customer_id=7002))
    people.merge(program, (1, 7002), (1, 7001), happened_at=NOW)
    assert member(program).available == 50
    settle(program, order(line(2000, current=0), minutes=1))
    assert member(program).available == 30
    settle(program, order(line(700), external_id=5003, customer_id=7001))
    assert member(program).available == 37


def test_a_forgotten_customer_stays_forgotten(program):
    settle(program, order(line(2000)))
    people.forget(program, (1, 7001))
    settle(program, order(line(2500), minutes=1), order(line(900), external_id=5009))
    assert Member.objects.filter(program=program, redacted_at=None).count() == 0
    assert Order.objects.get(external_id=5009).facts["customer_id"] is None
