"""Every movement explains itself: the sentence, the signed points, the pages."""

from datetime import timedelta

import pytest
from django.db.models import F

from rewards import holds, ledger, orders, people, programs, redemptions, reservations, standing, timeline
from rewards.facts import Dispute, FetchedOrder, OrderRef
from rewards.models import Member
from rewards.redemptions import State
from tests.rewards.conftest import NOW, line, order


def told(world, member=None, **options):
    events, _ = timeline.events(world.program, (member or world.member()).pk, **options)
    return [(event.points, event.text) for event in events]


def test_an_order_says_why(world):
    world.rules(rate={"points": 5, "per": "4.00"})
    world.settle(order(line(2990), name="#1002"))
    assert told(world) == [(37, "Order #1002 earned 37 points: 29.90 x 5 / 4.00 = 37.375, rounded down.")]


def test_a_refund_says_what_changed(world):
    world.settle(order(line(1000), line(1000, id=2), name="#1"))
    world.settle(order(line(1000), line(1000, id=2, current=0), name="#1", minutes=1))
    world.settle(order(line(1000), line(1000, id=2, current=0), name="#1", minutes=2, cancelled=True))
    assert told(world)[:2] == [
        (-10, "Order #1 earns nothing: it was cancelled."),
        (-10, "Order #1 now earns 10 points, 10 less than before: 10.00 x 1 = 10."),
    ]


def test_one_point_is_one(world):
    world.settle(order(line(100), name="#1"))
    assert told(world) == [(1, "Order #1 earned 1 point: 1.00 x 1 = 1.")]


def test_points_that_pay_debt_are_counted_once(world):
    world.settle(order(line(10000), name="#1"))
    ledger.adjust(world.program.pk, world.member().pk, -100, key="a", reason="used in the store", now=NOW)
    world.settle(order(line(10000, current=0), name="#1", minutes=1))
    ledger.adjust(world.program.pk, world.member().pk, 30, key="b", reason="", now=NOW)
    assert [text for _, text in told(world)] == [
        "Changed by the shop. 30 of them paid what was owed.",
        "Order #1 earns nothing any more: nothing of it is left. "
        "100 points had been spent already and are owed.",
        "used in the store",
        "Order #1 earned 100 points: 100.00 x 1 = 100.",
    ]
    assert [points for points, _ in told(world)] == [30, -100, -100, 100]


def test_a_redemption_tells_its_life(world):
    member = world.earn(250)
    request = reservations.Request(member.pk, 1, 7001, "choose", "k", points=40)
    redemption, _ = reservations.reserve(world.program, request, now=NOW)
    redemptions.issued(world.program.pk, redemption.pk, "gid", now=NOW)
    redemptions.start_ending(world.program.pk, redemption.pk, State.CANCELLED)
    redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    assert told(world)[:2] == [
        (40, "“Choose your discount: 2.00 EUR” was undone, so the points are back."),
        (-40, "Redeemed: Choose your discount: 2.00 EUR."),
    ]
    everything = [text for _, text in told(world, all=True)]
    assert "The code for “Choose your discount: 2.00 EUR” is ready." in everything


def test_joining_merging_and_the_end_of_a_hold_are_told(world):
    world.rules(signup_bonus=50, hold_days=3)
    world.settle(FetchedOrder(order(line(1000)), paid_at=NOW))
    holds.release_due(now=NOW + timedelta(days=5))
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    texts = [text for _, text in told(world, world.member(7002))]
    assert "Two customer accounts became one." in texts
    assert "Welcome: 50 points for joining." in texts


def test_the_end_of_a_hold_is_told(world):
    world.rules(hold_days=3)
    world.settle(FetchedOrder(order(line(1000)), paid_at=NOW))
    holds.release_due(now=NOW + timedelta(days=5))
    assert told(world) == [
        (0, "The hold is over. 10 points can be used now."),
        (10, "Order 5001 earned 10 points: 10.00 x 1 = 10. On hold until 23 Nov 2026."),
    ]


def test_a_hold_that_ends_into_a_debt_says_both(world):
    world.rules(signup_bonus=0, hold_days=3)
    world.settle(FetchedOrder(order(line(1000)), paid_at=NOW))
    owing = reservations.Request(world.member().pk, 1, 7001, "five-off", "k")
    ledger.adjust(world.program.pk, owing.member_id, 100, key="a", reason="gift", now=NOW)
    redemption, _ = reservations.reserve(world.program, owing, now=NOW)
    redemptions.failed(world.program.pk, redemption.pk, "gone", now=NOW)
    ledger.adjust(world.program.pk, owing.member_id, -94, key="b", reason="spent", now=NOW)
    world.settle(FetchedOrder(order(external_id=5002, codes=(redemption.code,)), paid_at=NOW))
    assert told(world)[0][1].endswith("94 points had been spent already and are owed.")
    holds.release_due(now=NOW + timedelta(days=5))
    told_last = "The hold is over. 10 points can be used now. 10 of them paid what was owed."
    assert told(world)[0] == (0, told_last)


def test_what_went_back_without_goods_is_named(world):
    world.settle(order(line(5000), name="#1"))
    world.settle(order(line(5000), name="#1", minutes=1, unexplained_refund=1200))
    lost = Dispute(1, 2000, "EUR", lost=True, final=True, at=NOW + timedelta(minutes=2))
    orders.settle_dispute(world.program, OrderRef(1, 5001), lost, now=NOW)
    world.settle(order(line(5000), name="#1", minutes=3, unexplained_refund=3000))
    assert told(world)[:3] == [
        (-18, "Order #1 earns nothing any more: 30.00 was given back and 20.00 was lost in a chargeback."),
        (
            -20,
            "Order #1 now earns 18 points, 20 less than before: 18.00 x 1 = 18, "
            "as 12.00 was given back and 20.00 was lost in a chargeback.",
        ),
        (
            -12,
            "Order #1 now earns 38 points, 12 less than before: 38.00 x 1 = 38, as 12.00 was given back.",
        ),
    ]


def test_what_is_forgiven_is_told_to_the_merchant(world):
    world.apply({**programs.document(world.program), "debt": "forgive"})
    world.settle(order(line(10000), name="#1"))
    ledger.adjust(world.program.pk, world.member().pk, -99, key="a", reason="used in the store", now=NOW)
    world.settle(order(line(10000, current=0), name="#1", minutes=1))
    assert told(world, all=True)[0] == (
        -1,
        "Order #1 earns nothing any more: nothing of it is left. "
        "99 points had been spent already and are forgiven.",
    )


def test_an_unknown_rule_still_says_how_many(world):
    assert timeline.sentence({"rule": "new"}, 3, {"one": "bean", "many": "beans"}) == "3 beans"


def test_pages_hold_all_events_once(world):
    member = world.earn(1)
    for number in range(7):
        ledger.adjust(world.program.pk, member.pk, 1, key=str(number), reason=str(number), now=NOW)
    seen, before = [], None
    while True:
        events, before = timeline.events(world.program, member.pk, before=before, limit=3)
        seen += [event.key for event in events]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 8


def test_a_standing_is_small_and_says_what_is_next(world):
    member = world.earn(120)
    found = standing.standing(world.program, member)
    assert (found["points"], found["tier"]) == (120, None)
    assert found["next_reward"] == {"title": "Free shipping", "points": 150, "missing": 30}


def test_with_everything_in_reach_nothing_is_next(world):
    assert standing.standing(world.program, world.earn(1000))["next_reward"] is None


@pytest.mark.django_db
def test_standings_are_published_once_per_version(world):
    member = world.earn(10)
    (waiting,) = standing.unpublished(world.program.pk, 10)
    world.earn(5, external_id=5002)
    standing.published([waiting])
    assert [found.pk for found in standing.unpublished(world.program.pk, 10)] == [member.pk]
    standing.published(standing.unpublished(world.program.pk, 10))
    assert not standing.unpublished(world.program.pk, 10)


@pytest.mark.django_db
def test_news_of_one_member_never_waits_behind_a_new_program_for_all(world):
    first = world.earn(10)
    others = people.enrol(world.program, {(1, number): NOW for number in range(900, 910)})
    standing.published(standing.unpublished(world.program.pk, 100))
    standing.all_stale(world.program.pk)
    assert len(standing.unpublished(world.program.pk, 100)) == 1 + len(others)
    last = max(others.values())
    Member.objects.filter(pk=last).update(version=F("version") + 1)
    found = [member.pk for member in standing.unpublished(world.program.pk, 2)]
    assert found == [last, first.pk]
