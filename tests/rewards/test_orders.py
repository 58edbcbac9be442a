"""Orders become points: the worked examples, and that no repetition or disorder changes the result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewards import ledger, orders, people, programs
from rewards.facts import FetchedOrder
from rewards.models import Member, Movement, Order
from tests.rewards.conftest import NOW, line, order


def net(world):
    return Order.objects.get(program=world.program).points


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
def test_worked_examples(world, lines, changes, points):
    world.settle(order(*lines, **changes))
    assert net(world) == points


def test_refunds_one_line_after_the_other_take_three_each(world):
    full = order(*[line(333, id=i) for i in range(3)])
    world.settle(full)
    balances = []
    for refunded in (1, 2, 3):
        lines = [line(333, id=i, current=0 if i < refunded else 1) for i in range(3)]
        world.settle(replace(full, lines=tuple(lines), updated_at=NOW + timedelta(minutes=refunded)))
        balances.append(world.member().available)
    assert balances == [6, 3, 0]


def test_a_refund_that_arrives_before_the_payment_earns_once(world):
    paid = order(line(2000))
    refunded = replace(paid, unexplained_refund=500, updated_at=NOW + timedelta(minutes=5))
    world.settle(refunded, paid, refunded)
    assert world.member().available == 15
    assert Movement.objects.filter(program=world.program).count() == 1


def test_two_states_of_one_second_are_not_decided_on(world):
    paid = order(line(2000))
    world.settle(paid)
    other = replace(paid, lines=(line(1000),))
    result = orders.settle_orders(world.program, [other], now=NOW)
    assert [ref.external_id for ref in result.unsure] == [5001]
    assert net(world) == 20
    world.settle(FetchedOrder(other))
    assert net(world) == 10


def test_old_news_of_one_order_keeps_no_other_from_its_points(world):
    known, new = order(line(2000), minutes=5), order(line(3000), external_id=5002)
    world.settle(known)
    old = replace(known, updated_at=known.updated_at - timedelta(minutes=3))
    orders.settle_orders(world.program, [old, new], now=NOW)
    assert dict(Order.objects.values_list("external_id", "points")) == {5001: 20, 5002: 30}


def test_a_refund_of_spent_points_becomes_debt_that_new_points_pay(world):
    world.settle(order(line(10000)))
    ledger.adjust(world.program.pk, world.member().pk, -80, key="spend", reason="test", now=NOW)
    world.settle(order(line(10000, current=0), minutes=1))
    found = world.member()
    assert (found.available, found.debt) == (0, -80)
    world.settle(order(line(10000), external_id=5002))
    found = world.member()
    assert (found.available, found.debt) == (20, 0)


def test_a_later_program_version_never_changes_an_old_order(world):
    world.settle(order(line(2000)))
    document = {**programs.document(world.program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    programs.apply(world.program, document, "test")
    world.settle(order(line(2000), line(1000, id=2), minutes=1))
    assert net(world) == 30


def test_an_order_changed_after_the_rules_is_fetched_for_its_moment(world):
    world.earn(1, external_id=4999, customer_id=7009)
    document = {**programs.document(world.program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    programs.apply(world.program, document, "test")
    news = order(line(2000), updated_at=datetime.now(UTC))
    assert orders.settle_orders(world.program, [news], now=NOW).unsure
    world.settle(FetchedOrder(news, paid_at=NOW))
    assert world.member().available == 20


def test_news_from_before_a_change_of_the_rules_needs_no_question(world):
    """Found by the soak: a new version made each of 40,000 waiting deliveries ask for its order."""
    world.earn(1, external_id=4999, customer_id=7009)
    document = {**programs.document(world.program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    programs.apply(world.program, document, "test")
    world.settle(order(line(2000)))
    assert world.member().available == 20


def test_a_change_of_the_rules_within_the_moment_of_the_news_is_a_question(world):
    document = {**programs.document(world.program)}
    document["earning"] = {**document["earning"], "rate": {"points": 5, "per": "1.00"}}
    changed = programs.apply(world.program, document, "test")
    world.program.versions.filter(pk=changed.pk).update(effective_from=NOW + timedelta(milliseconds=500))
    assert orders.settle_orders(world.program, [order(line(2000))], now=NOW).unsure


def test_a_guest_earns_when_the_order_gets_its_customer(world):
    world.settle(order(line(2000), customer_id=None))
    assert not Member.objects.filter(program=world.program).exists()
    world.settle(order(line(2000), minutes=1))
    assert world.member().available == 20


def test_hold_keeps_points_pending_until_the_local_day(world):
    world.rules(hold_days=14)
    world.settle(FetchedOrder(order(line(2000)), paid_at=NOW))
    assert (world.member().pending, world.member().available) == (20, 0)
    lot = world.member().lots.get()
    assert lot.available_at == datetime(2026, 12, 3, 23, tzinfo=UTC)


def test_customers_with_an_excluded_tag_earn_nothing_and_the_order_remembers_why(world):
    world.rules(excluded_customer_tags=["Wholesale"])
    assert orders.settle_orders(world.program, [order(line(2000))], now=NOW).unsure
    world.settle(FetchedOrder(order(line(2000)), customer_tags=("wholesale",)))
    assert net(world) == 0
    assert Order.objects.get(program=world.program).context["excluded"] is True


def test_merge_moves_points_and_late_events_land_on_the_survivor(world):
    world.settle(order(line(2000)), order(line(3000), external_id=5002, customer_id=7002))
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member().available == 50
    world.settle(order(line(2000, current=0), minutes=1))
    assert world.member().available == 30
    world.settle(order(line(700), external_id=5003, customer_id=7001))
    assert world.member().available == 37


def test_a_forgotten_customer_stays_forgotten(world):
    world.settle(order(line(2000)))
    people.forget(world.program, (1, 7001))
    world.settle(order(line(2500), minutes=1), order(line(900), external_id=5009))
    assert Member.objects.filter(program=world.program, redacted_at=None).count() == 0
    assert Order.objects.get(external_id=5009).facts["customer_id"] is None


def test_what_is_paid_on_delivery_is_held_from_the_payment(world):
    """Fulfilled days before: points are held from the moment both are true."""
    world.rules(award_on="fulfilled", hold_days=14)
    sent, paid = NOW - timedelta(days=20), NOW - timedelta(days=1)
    fact = order(line(2000), fulfilled=True, processed_at=sent)
    world.settle(FetchedOrder(fact, paid_at=paid, fulfilled_at=sent))
    assert (world.member().pending, world.member().available) == (20, 0)


def test_a_deletion_that_is_heard_of_before_the_order(world):
    ref = orders.OrderRef(1, 5001)
    orders.settle_deleted(world.program, ref, NOW + timedelta(minutes=5), now=NOW)
    assert orders.is_gone(world.program.pk, ref)
    world.settle(order(line(1000)), order(line(2000), minutes=4))
    assert net(world) == 0


def test_an_order_that_owes_money_again_is_asked_about_when_its_payment_is_not_known(world):
    """Paid, then edited dearer, and every delivery before the edit was lost: the state alone says unpaid."""
    dearer = order(line(2000), line(500, id=2), paid=False, partly_paid=True)
    settled = orders.settle_orders(world.program, [dearer])
    assert [ref.external_id for ref in settled.unsure] == [dearer.external_id]
    assert not Movement.objects.filter(program=world.program).exists()
    assert orders.settle_orders(world.program, [FetchedOrder(replace(dearer, paid=True))]).unsure == ()
    assert net(world) == 25


def test_a_deposit_that_was_asked_about_earns_nothing_until_it_is_paid(world):
    deposit = order(line(2000), paid=False, partly_paid=True)
    assert orders.settle_orders(world.program, [FetchedOrder(deposit)]).unsure == ()
    assert net(world) == 0
    paid = replace(deposit, paid=True, partly_paid=False, updated_at=NOW + timedelta(minutes=1))
    world.settle(paid)
    assert net(world) == 20


def test_a_known_order_whose_payment_nobody_told_of_deserves_other_points(world):
    unpaid = order(line(2000), paid=False)
    world.settle(unpaid)
    row = Order.objects.get(program=world.program)
    assert not orders.deserves_other_points(world.program, row, unpaid)
    assert orders.deserves_other_points(world.program, row, replace(unpaid, paid=True))
