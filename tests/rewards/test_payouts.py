"""Cashback: points become money by themselves when they are available, in whole minor units, and once."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import holds, payouts, people, programs, redemptions
from rewards.cashback import REWARD_ID, Cashback
from rewards.documents import BadProgram
from rewards.facts import FetchedOrder
from rewards.models import Redemption
from rewards.redemptions import State
from tests.rewards.conftest import NOW, line, order

SAID = {"points": 100, "value": "3.00", "least": "1.00", "credit_days": 365}


@pytest.fixture
def paying(world):
    """100 points are worth 3.00; nothing below 1.00 is paid."""
    world.apply({**programs.document(world.program), "cashback": SAID})
    return world


def begin(world, now=NOW):
    return payouts.begin_due(world.program, 1, now=now)


def balances(member):
    member.refresh_from_db()
    return member.available, member.reserved, member.debt


@given(
    points=st.integers(1, 10**9),
    value=st.integers(1, 10**9),
    least=st.integers(1, 10**6),
    available=st.integers(0, 10**12),
)
def test_whole_units_are_paid_for_no_more_points_than_there_are(points, value, least, available):
    terms = Cashback(points, value, least, None, "EUR")
    amount = terms.worth(available)
    assert terms.price(amount) <= available
    assert amount <= available * Fraction(value, points) < amount + 1
    assert (available >= terms.from_points) == (amount >= least)


def test_what_an_order_gives_is_paid(paying):
    member = paying.earn(250)
    assert begin(paying) == 1
    made = Redemption.objects.get()
    assert (made.points, made.value, made.state) == (250, 750, State.RESERVED)
    assert made.reward["title"] == "7.50 EUR cashback"
    assert made.expires_at == made.starts_at + timedelta(days=365)
    assert balances(member) == (0, 250, 0)
    assert redemptions.delivered(paying.program.pk, made.pk, "gid://1", now=NOW)
    assert balances(member) == (0, 0, 0)


def test_a_payout_waits_for_no_shopper_s_request_to_make_it(paying):
    """It was left alone for as long as a shopper's own request has for its first try, and there is none."""
    paying.earn(250)
    begin(paying)
    assert Redemption.objects.get().due_at == NOW


def test_more_than_can_be_written_is_paid_in_turns(paying):
    said = {"points": 1, "value": "999999999.00"}
    paying.apply({**programs.document(paying.program), "cashback": said})
    member = paying.earn(1_000_000)
    assert begin(paying) == 1
    assert Redemption.objects.get().value == 10**14 - 1
    assert balances(member) == (1_000_000 - 1001, 1001, 0)


def test_below_the_smallest_amount_it_waits_for_more(paying):
    member = paying.earn(33)
    assert begin(paying) == 0
    paying.earn(34, external_id=5002)
    assert begin(paying) == 1
    assert balances(member) == (0, 67, 0)
    assert Redemption.objects.get().value == 201


def test_what_is_worth_no_whole_cent_stays(paying):
    paying.apply({**programs.document(paying.program), "cashback": {**SAID, "points": 1000}})
    member = paying.earn(999)
    begin(paying)
    # 2.99 cost 996.67 points.
    assert balances(member) == (2, 997, 0)


def test_points_on_hold_are_paid_when_they_are_free(paying):
    paying.rules(hold_days=14)
    paying.settle(FetchedOrder(order(line(10000)), paid_at=NOW))
    member = paying.member()
    assert begin(paying) == 0
    later = NOW + timedelta(days=15)
    holds.release_due(now=later)
    assert begin(paying, later) == 1
    assert balances(member) == (0, 100, 0)


def test_a_member_has_one_payout_at_a_time(paying):
    member = paying.earn(100)
    begin(paying)
    paying.earn(100, external_id=5002)
    assert begin(paying) == 0
    redemptions.delivered(paying.program.pk, Redemption.objects.get().pk, now=NOW)
    assert begin(paying) == 1
    assert balances(member) == (0, 100, 0)


def test_what_was_refused_is_tried_again_after_a_day(paying):
    member = paying.earn(100)
    begin(paying)
    redemptions.failed(paying.program.pk, Redemption.objects.get().pk, "no", now=NOW)
    assert begin(paying, NOW + timedelta(hours=23)) == 0
    assert balances(member) == (100, 0, 0)
    assert begin(paying, NOW + timedelta(hours=25)) == 1


def test_a_refund_of_what_was_paid_is_owed(paying):
    member = paying.earn(100)
    begin(paying)
    redemptions.delivered(paying.program.pk, Redemption.objects.get().pk, now=NOW)
    paying.settle(order(line(10000), cancelled=True, minutes=1))
    assert balances(member) == (0, 0, -100)
    paying.earn(150, external_id=5002)
    assert begin(paying) == 1
    assert Redemption.objects.order_by("-pk")[0].points == 50


def test_nobody_is_paid_who_cannot_be(paying):
    """Customers of other shops, deleted ones, forgotten ones, and those who were merged."""
    paying.earn(100, customer_id=7001)
    paying.earn(100, customer_id=7002, external_id=5002)
    paying.earn(100, customer_id=7003, external_id=5003, source_id=2)
    people.forget(paying.program, (1, 7001))
    people.close(paying.program, (1, 7002), at=NOW)
    assert begin(paying) == 0
    paying.earn(100, customer_id=7004, external_id=5004)
    paying.earn(100, customer_id=7005, external_id=5005)
    people.merge(paying.program, (1, 7005), (1, 7004), happened_at=NOW)
    assert begin(paying) == 1
    assert (Redemption.objects.get().customer_id, Redemption.objects.get().points) == (7005, 200)


def test_a_program_without_cashback_pays_nothing(world):
    world.earn(1000)
    assert begin(world) == 0


def test_many_are_paid_in_parts(paying, monkeypatch):
    monkeypatch.setattr(payouts, "BATCH", 2)
    for number in range(5):
        paying.earn(100 + number % 2, customer_id=7001 + number, external_id=5001 + number)
    assert begin(paying) == 5
    assert begin(paying) == 0


def test_no_reward_of_a_document_can_be_called_like_it(world):
    reward = {"id": REWARD_ID, "kind": "free_shipping", "title": "x", "points": 1}
    with pytest.raises(BadProgram, match="expected form"):
        world.apply({**programs.document(world.program), "rewards": [reward]})
