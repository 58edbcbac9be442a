"""Rewards that cost nothing: given once, used and ended like others, with no points to move."""

from datetime import timedelta

import pytest

from rewards import gifts, people, personal, programs, redemptions, timeline
from rewards.gifts import Gift, NotGivable
from rewards.ledger import MemberMerged
from rewards.models import Movement, Redemption
from rewards.redemptions import State
from tests.rewards.conftest import NOW, line, order

WHY = "Thank you for your patience."


def gift(world, member, **changes):
    reward = programs.reward(programs.document(world.program), "five-off")
    said = {"key": "k1", "by": "4711", "why": WHY, "note": "Parcel lost"}
    return Gift(member.pk, reward, **{**said, **changes})


def give(world, member, **changes):
    return gifts.give(world.program, gift(world, member, **changes), now=NOW)[0]


def issued(world, member):
    given = give(world, member)
    redemptions.issued(world.program.pk, given.pk, "gid://1", now=NOW)
    given.refresh_from_db()
    return given


def points_moved_for(redemption):
    return Movement.objects.filter(redemption_id=redemption.pk).count()


def test_it_is_given_once_for_a_key(world):
    member = world.earn(10)
    first, is_new = gifts.give(world.program, gift(world, member), now=NOW)
    again, is_new_again = gifts.give(world.program, gift(world, member), now=NOW)
    assert (is_new, is_new_again, first.pk) == (True, False, again.pk)
    assert (first.points, first.value, first.state) == (0, 500, State.RESERVED)
    assert first.expires_at == NOW + timedelta(days=365)
    member.refresh_from_db()
    assert member.available == 10


def test_it_lives_like_any_other_and_moves_no_points(world):
    member = world.earn(10)
    given = issued(world, member)
    used = order(line(1000), external_id=5002, codes=(given.code,), minutes=1)
    world.settle(used)
    given.refresh_from_db()
    assert given.state == State.USED
    assert given.order is not None
    world.settle(order(line(1000), external_id=5002, codes=(given.code,), minutes=2, cancelled=True))
    given.refresh_from_db()
    assert given.state == State.RETURNED
    assert points_moved_for(given) == 0
    assert [said["what"] for said in given.history] == ["given", "issue", "use", "return"]


@pytest.mark.parametrize("ending", [State.EXPIRED, State.CANCELLED])
def test_nothing_comes_back_at_its_end(world, ending):
    member = world.earn(10)
    given = issued(world, member)
    redemptions.start_ending(world.program.pk, given.pk, ending, now=NOW)
    redemptions.ended(world.program.pk, given.pk, now=NOW)
    given.refresh_from_db()
    member.refresh_from_db()
    assert (given.state, member.available, points_moved_for(given)) == (ending, 10, 0)


def test_a_use_that_is_seen_late_owes_nothing(world):
    member = world.earn(10)
    given = issued(world, member)
    redemptions.start_ending(world.program.pk, given.pk, State.EXPIRED, now=NOW)
    redemptions.ended(world.program.pk, given.pk, now=NOW)
    world.settle(order(line(1000), external_id=5002, codes=(given.code,), minutes=1))
    given.refresh_from_db()
    member.refresh_from_db()
    assert (given.state, member.debt) == (State.USED, 0)


def test_a_code_that_cannot_be_made_is_no_loss(world):
    given = give(world, world.earn(10))
    redemptions.failed(world.program.pk, given.pk, "Shopify said no", now=NOW)
    given.refresh_from_db()
    assert given.state == State.FAILED
    assert points_moved_for(given) == 0


def test_it_is_for_the_shop_that_is_named_where_they_are_a_customer_of_it(world):
    member = world.earn(10)
    ref = (2, 8001)
    other = people.enrol(world.program, {ref: NOW})[ref]
    people.merge(world.program, (1, 7001), ref, happened_at=NOW, now=NOW)
    assert other != member.pk
    assert give(world, member).customer_id == 7001, "the other id is nobody's any more"
    assert give(world, member, key="k2", source_id=1).source_id == 1


def test_who_was_merged_is_not_given_anything_and_who_was_erased_neither(world):
    member = world.earn(10)
    gone = world.earn(10, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    with pytest.raises(MemberMerged):
        give(world, gone)
    people.forget(world.program, (1, 7001))
    with pytest.raises(NotGivable, match="erased"):
        give(world, member)


def test_a_merge_takes_gifts_along_and_a_request_for_erasure_what_was_said(world):
    kept = world.earn(10)
    gone = world.earn(10, customer_id=7002, external_id=5002)
    for member in (kept, gone):
        give(world, member)
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    assert Redemption.objects.filter(member=kept).count() == 2
    people.forget(world.program, (1, 7001))
    for redemption in Redemption.objects.all():
        assert redemption.customer_id == 0
        assert [said.keys() for said in redemption.history] == [{"what", "at", "by"}]


def test_the_timeline_tells_of_it_between_the_movements(world):
    member = world.earn(10)
    given = issued(world, member)
    world.settle(order(line(1000), external_id=5002, codes=(given.code,), minutes=1, name="#2"))
    events, _ = timeline.events(world.program, member.pk)
    assert sorted(event.text.partition(":")[0] for event in events) == [
        "A gift",
        "Order #2 earned 10 points",
        "Order 5001 earned 10 points",
        "“5.00 off” was used in an order.",
    ]
    assert f"A gift: 5.00 off. {WHY}" in [event.text for event in events]
    assert personal.stored(member)["redemptions"][0]["history"][0]["why"] == WHY


def test_each_thing_that_happened_stands_on_one_page_of_the_timeline(world):
    """Movements are read page by page, by their ids; what happened to gifts has none."""
    member = world.earn(1)
    for number in range(4):
        given = give(world, member, key=f"k{number}")
        world.settle(order(line(100), external_id=6000 + number, codes=(given.code,)))
    for row in Redemption.objects.all():
        # As it is outside of tests: both are dated by one clock.
        row.history = [{**said, "at": row.created_at.isoformat()} for said in row.history]
        row.save()
    told, before = [], None
    for _ in range(10):
        events, before = timeline.events(world.program, member.pk, before=before, limit=2)
        assert [event.recorded_at for event in events] == sorted(
            (event.recorded_at for event in events), reverse=True
        )
        told += [(event.key, event.text) for event in events]
        if before is None:
            break
    assert len(told) == len(set(told)) == 5 + 2 * 4
