"""Stories in which the app and the reference ledger once disagreed, each told as short as it can be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rewards import expiry, holds, orders, people, programs, redemptions, reservations
from rewards.facts import FetchedOrder
from rewards.models import Lot, Program, Redemption
from rewards.redemptions import State
from rewards.reservations import Request
from tests.rewards.conftest import NOW, line, order


def redeem(world, key="k", customer_id=7001, now=NOW):
    request = Request(world.member(customer_id).pk, 1, customer_id, "five-off", key)
    return reservations.reserve(world.program, request, now=now)[0]


def use(world, redemption, external_id=5009, **changes):
    world.settle(
        order(line(100), external_id=external_id, customer_id=None, codes=(redemption.code,), **changes)
    )


def balances(world, customer_id=7001):
    found = world.member(customer_id)
    return found.pending, found.available, found.reserved, found.debt


@pytest.mark.parametrize("early", [[], [7001], [7002], [7001, 7002]])
def test_who_is_first_heard_of_in_a_merge_is_welcomed(world, early):
    """Both were customers and both bonuses stay, whether their own news comes before the merge or after."""
    world.rules(signup_bonus=50)
    people.enrol(world.program, {(1, customer): NOW for customer in early})
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.enrol(world.program, {(1, 7002): NOW, (1, 7001): NOW})
    assert world.member(7001) == world.member(7002)
    assert world.member(7002).available == 100


def test_a_code_made_after_a_merge_is_used_without_touching_another_that_is_being_made(world):
    """The heirs of reserved points are known by redemption, not guessed from what is reserved."""
    world.earn(300)
    first, second = redeem(world, "a"), redeem(world, "b")
    world.earn(1, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.merge(world.program, (1, 7003), (1, 7002), happened_at=NOW)
    redemptions.issued(world.program.pk, first.pk, "gid", now=NOW)
    use(world, first)
    assert balances(world) == (0, 101, 100, 0)
    redemptions.failed(world.program.pk, second.pk, "no", now=NOW)
    assert balances(world) == (0, 201, 0, 0)


def test_points_that_a_debt_stood_for_come_back_beside_a_lot_that_is_full_again(world):
    world.earn(100)
    first = redeem(world, "a")
    redemptions.failed(world.program.pk, first.pk, "no", now=NOW)
    redeem(world, "b")  # the same points once more
    use(world, first)
    assert balances(world) == (0, 0, 100, -100)
    world.earn(100, external_id=5002)
    assert balances(world) == (0, 0, 100, 0)
    use(world, first, minutes=1, cancelled=True)
    assert balances(world) == (0, 100, 100, 0)


def test_grace_is_given_once_even_when_the_code_was_used_after_all(world):
    world.apply({**programs.document(world.program), "expiry": {"policy": "rolling", "months": 1}})
    Program.objects.update(expiry_since=None)
    world.program.refresh_from_db()
    world.earn(100)
    redemption = redeem(world)
    redemptions.issued(world.program.pk, redemption.pk, "gid", now=NOW)
    late = NOW + timedelta(days=60)
    redemptions.start_ending(world.program.pk, redemption.pk, State.EXPIRED, now=late)
    redemptions.ended(world.program.pk, redemption.pk, now=late)
    (end,) = Lot.objects.filter(grace=True).values_list("expires_at", flat=True)
    for minutes, cancelled in ((1, False), (2, True)):
        fact = order(external_id=5009, codes=(redemption.code,), minutes=minutes, cancelled=cancelled)
        world.settle(fact, now=late + timedelta(days=20))
    assert balances(world) == (0, 100, 0, 0)
    assert expiry.lapse_due(now=end) == 100


def test_an_order_that_was_once_paid_earns_even_if_that_news_comes_last(world):
    """An edit makes an order owe money again; that it was paid before opens the gate whenever it is heard."""
    paid = order(line(2000))
    edited = replace(
        paid, lines=(line(2000), line(1500, id=2)), paid=False, updated_at=NOW + timedelta(hours=1)
    )
    world.settle(edited, paid)
    assert world.member().available == 35


def test_the_same_within_one_batch_and_with_a_hold(world):
    world.rules(hold_days=5)
    paid = order(line(2000))
    edited = replace(paid, lines=(line(1500),), paid=False, updated_at=NOW + timedelta(hours=1))
    assert orders.settle_orders(world.program, [edited, paid], now=NOW).unsure
    world.settle(FetchedOrder(edited, paid_at=NOW))
    assert balances(world) == (15, 0, 0, 0)


def test_of_two_members_points_the_older_are_spent_first_also_after_a_merge(world):
    """The heir of a lot keeps its age, and so its turn: on it depends what a refund finds."""
    world.earn(100)
    later = NOW + timedelta(hours=1)
    world.earn(100, customer_id=7002, external_id=5002, processed_at=later, now=later)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=later)
    redeem(world, customer_id=7002, now=later)
    assert Lot.objects.get(member=world.member(7002), order__external_id=5001).available == 0
    assert Lot.objects.get(order__external_id=5002).available == 100


def lapsing(world, since=None, **said):
    """The program's points lapse like this from now on; `since`: that is a change, made then."""
    world.apply({**programs.document(world.program), "expiry": said})
    Program.objects.update(expiry_since=since)
    world.program.refresh_from_db()


def test_points_that_were_spent_when_points_ceased_to_lapse_come_back_for_good(world):
    """A change gives the lots with points in them their new ends; an empty one gets it with its points."""
    lapsing(world, policy="rolling", months=2)
    world.earn(300)
    use(world, redeem(world))
    later = NOW + timedelta(days=20)
    lapsing(world, later, policy="never")
    expiry.lapse_due(now=later)
    world.settle(order(external_id=5009, codes=codes(), minutes=9, cancelled=True), now=later)
    assert expiry.lapse_due(now=NOW + timedelta(days=400)) == 0
    assert balances(world) == (0, 300, 0, 0)


def test_an_order_heard_of_after_a_change_lives_a_full_period_after_it(world):
    lapsing(world, NOW, policy="rolling", months=2)
    world.earn(100, processed_at=NOW - timedelta(days=90))
    assert expiry.lapse_due(now=NOW + timedelta(days=50)) == 0
    assert expiry.lapse_due(now=NOW + timedelta(days=70)) == 100


def test_a_hold_that_ends_late_after_a_change_leaves_a_full_period(world):
    world.rules(hold_days=5)
    world.settle(FetchedOrder(order(line(10000)), paid_at=NOW))
    lapsing(world, NOW + timedelta(days=10), policy="rolling", months=1)
    late = NOW + timedelta(days=38)
    assert holds.release_due(now=late) == 1
    assert expiry.lapse_due(now=late) == 0
    assert expiry.lapse_due(now=NOW + timedelta(days=42)) == 100


def test_points_that_come_back_to_a_member_at_rest_get_grace(world):
    """Without it they would lapse with the next round of the clock, before anybody could be told."""
    lapsing(world, policy="inactivity", months=2)
    world.earn(300)
    redemption = redeem(world)
    redemptions.issued(world.program.pk, redemption.pk, "gid", now=NOW)
    late = NOW + timedelta(days=90)
    assert expiry.lapse_due(now=late) == 200
    redemptions.start_ending(world.program.pk, redemption.pk, State.EXPIRED, now=late)
    redemptions.ended(world.program.pk, redemption.pk, now=late)
    assert expiry.lapse_due(now=late + timedelta(days=29)) == 0
    assert expiry.lapse_due(now=late + timedelta(days=31)) == 100


def codes():
    return tuple(Redemption.objects.values_list("code", flat=True))
