"""A lost chargeback counts as refunded, whatever else is told of the order, and in whatever order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from rewards import orders, people
from rewards.facts import Dispute, OrderRef
from rewards.models import Movement, Order
from tests.rewards.conftest import NOW, line, order

REF = OrderRef(1, 5001)


def dispute(amount, *, id=1, minutes=1, lost=True, final=True):
    return Dispute(id, amount, "EUR", lost, final, NOW + timedelta(minutes=minutes))


def tell(world, news):
    if isinstance(news, Dispute):
        assert not orders.settle_dispute(world.program, REF, news, now=NOW).unsure
    else:
        world.settle(news)


def points(world):
    return Order.objects.get().points


@pytest.mark.parametrize(("amount", "left"), [(5000, 0), (2000, 30), (1, 49), (0, 50), (9_999_999, 0)])
def test_what_the_bank_takes_back_counts_as_refunded(world, amount, left):
    world.earn(50)
    tell(world, dispute(amount))
    assert (points(world), world.member().available) == (left, left)


def test_tax_in_the_disputed_money_earned_nothing(world):
    world.settle(order(line(11900, tax=1900), taxes_included=True))
    tell(world, dispute(5950))
    assert points(world) == 50


def test_later_news_of_the_order_keeps_the_chargeback(world):
    first = order(line(3000), line(2000, id=2))
    world.settle(first)
    tell(world, dispute(1000))
    world.settle(replace(first, updated_at=NOW + timedelta(minutes=5)))
    assert points(world) == 40
    refunded = (line(3000, current=0), line(2000, id=2))
    world.settle(replace(first, lines=refunded, updated_at=NOW + timedelta(minutes=6)))
    assert points(world) == 10


def test_a_dispute_that_is_won_puts_things_right(world):
    world.earn(50)
    tell(world, dispute(5000))
    tell(world, dispute(5000, minutes=9, lost=False))
    assert (points(world), world.member().available) == (50, 50)


def test_two_disputes_of_one_order_add_up(world):
    world.earn(50)
    tell(world, dispute(1000, id=1))
    tell(world, dispute(500, id=2))
    tell(world, dispute(1000, id=1, minutes=5, lost=False))
    assert points(world) == 45


@pytest.mark.parametrize("end", [True, False])
def test_every_sequence_has_one_result(world, end):
    """The news of the order, of an opened, and of an ended dispute, each twice."""
    first = order(line(5000))
    told = [
        first,
        replace(first, updated_at=NOW + timedelta(minutes=7)),
        dispute(2000, minutes=2, lost=False, final=False),
        dispute(2000, minutes=2, lost=end),
    ]
    for number, sequence in enumerate(permutations(told)):
        ref = OrderRef(1, 6000 + number)
        for news in [*sequence, *sequence]:
            if isinstance(news, Dispute):
                orders.settle_dispute(world.program, ref, news, now=NOW)
            else:
                world.settle(replace(news, external_id=ref.external_id))
    results = set(Order.objects.values_list("points", flat=True))
    assert results == {30 if end else 50}


def test_a_chargeback_of_spent_points_is_owed_and_dated_as_it_happened(world):
    world.earn(50)
    world.settle(order(line(5000), external_id=5002, customer_id=7002))
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    tell(world, dispute(5000, minutes=3))
    assert world.member(7002).available == 50
    last = Movement.objects.order_by("-id").first()
    assert (last.kind, last.happened_at) == ("refund", NOW + timedelta(minutes=3))


def test_an_order_whose_tags_matter_is_asked_for_before_it_earns(world):
    """A dispute that is told first must not stand in for the question who the customer is."""
    world.rules(excluded_customer_tags=["staff"])
    assert orders.settle_orders(world.program, [order(line(5000))], now=NOW).unsure == (REF,)
    tell(world, dispute(1000))
    assert Order.objects.get().context is None
    assert orders.settle_orders(world.program, [order(line(5000))], now=NOW).unsure == (REF,)


def test_the_story_tells_of_the_chargeback(world):
    world.earn(50)
    tell(world, dispute(2000))
    told = Movement.objects.order_by("-id").first().explanation
    assert (told["charged_back"], told["points"]) == ("20.00", 30)
