"""Points lapse once, at their own moment, never sooner than promised, and not at all where they came back."""

from datetime import UTC, datetime, timedelta

import pytest

from rewards import clock, expiry, ledger, people, programs, redemptions, reservations, standing, timeline
from rewards.lifetimes import Policy
from rewards.models import Lot, Movement, Notice, Program
from rewards.redemptions import State
from rewards.reservations import Request
from tests.rewards.conftest import NOW, line, order

ROLLING = {"policy": "rolling", "months": 12}
# NOW is the 20th of November 2026 in Berlin; the last instant of that day a year later.
A_YEAR_LATER = datetime(2027, 11, 20, 23, tzinfo=UTC) - timedelta(microseconds=1)


def with_expiry(world, since=None, **said):
    """The policy, as if it had always been so, or as a change at that moment."""
    world.apply({**programs.document(world.program), "expiry": said})
    Program.objects.update(expiry_since=since)
    world.program.refresh_from_db()


def balances(world):
    member = world.member()
    return member.available, member.debt


def lapse(when):
    return expiry.lapse_due(now=when)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({"policy": "never"}, None),
        (ROLLING, A_YEAR_LATER),
        ({"policy": "calendar", "period": "year", "periods": 0}, datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ({"policy": "calendar", "period": "year", "periods": 1}, datetime(2027, 12, 31, 23, tzinfo=UTC)),
        ({"policy": "calendar", "period": "month", "periods": 1}, datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ({"policy": "calendar", "period": "quarter", "periods": 2}, datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ({"policy": "inactivity", "months": 6}, None),
    ],
)
def test_each_policy_ends_a_lot_with_the_last_instant_of_a_local_day(world, said, end):
    with_expiry(world, **said)
    world.earn(100)
    found = Lot.objects.get().expires_at
    assert found is None or end is not None
    assert end is None or end - timedelta(microseconds=1) <= found <= end


def test_a_lot_lapses_at_its_end_and_not_an_instant_before(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    assert lapse(A_YEAR_LATER - timedelta(microseconds=1)) == 0
    assert lapse(A_YEAR_LATER) == 100
    assert lapse(A_YEAR_LATER + timedelta(days=400)) == 0
    assert balances(world) == (0, 0)
    assert Movement.objects.filter(kind="lapse").count() == 1


def test_the_life_of_held_points_begins_when_the_hold_ends(world):
    from rewards import holds
    from rewards.facts import FetchedOrder

    with_expiry(world, **ROLLING)
    world.rules(hold_days=10)
    Program.objects.update(expiry_since=None)
    world.settle(FetchedOrder(order(line(10000)), paid_at=NOW))
    assert Lot.objects.get().expires_at is None
    holds.release_due(now=NOW + timedelta(days=11))
    assert Lot.objects.get().expires_at == datetime(2027, 11, 30, 23, tzinfo=UTC) - timedelta(microseconds=1)


def test_a_refund_of_lapsed_points_costs_the_member_nothing(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    lapse(A_YEAR_LATER)
    world.settle(order(line(10000, current=0), minutes=1))
    assert balances(world) == (0, 0)
    assert Lot.objects.get().expired == 0


def test_switching_expiry_on_gives_every_point_a_full_period_from_then(world):
    world.earn(100)
    switched = NOW + timedelta(days=800)
    with_expiry(world, since=switched, **ROLLING)
    assert lapse(switched + timedelta(days=1)) == 0
    (end,) = Lot.objects.values_list("expires_at", flat=True)
    assert end >= switched + timedelta(days=365)
    assert lapse(end) == 100


def test_shortening_it_too(world):
    with_expiry(world, policy="rolling", months=36)
    world.earn(100)
    switched = NOW + timedelta(days=600)
    with_expiry(world, since=switched, policy="rolling", months=6)
    assert lapse(switched + timedelta(days=180)) == 0
    assert lapse(switched + timedelta(days=190)) == 100


def test_lengthening_it_counts_from_the_points_own_beginning(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    with_expiry(world, since=NOW + timedelta(days=300), policy="rolling", months=24)
    assert lapse(A_YEAR_LATER + timedelta(days=30)) == 0
    assert Lot.objects.get().expires_at < A_YEAR_LATER + timedelta(days=367)


def test_switching_it_off_keeps_everything(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    with_expiry(world, since=NOW, policy="never")
    assert lapse(A_YEAR_LATER + timedelta(days=4000)) == 0


def test_only_a_change_of_the_expiry_itself_counts_as_one(world):
    with_expiry(world, **ROLLING)
    document = {**programs.document(world.program), "name": "Another name"}
    document["expiry"] = {**document["expiry"], "notice_days": [3]}
    programs.apply(world.program, document, "ann")
    assert world.program.expiry_since is None


def test_a_balance_at_rest_lapses_whole_and_activity_keeps_it(world):
    with_expiry(world, policy="inactivity", months=6)
    world.earn(100)
    world.earn(50, external_id=5002, processed_at=NOW + timedelta(days=150))
    assert lapse(NOW + timedelta(days=200)) == 0
    assert lapse(NOW + timedelta(days=340)) == 150
    assert lapse(NOW + timedelta(days=900)) == 0
    assert "without earning or redeeming" in timeline.events(world.program, world.member().pk)[0][0].text


def test_refunds_and_adjustments_are_no_activity_but_redeeming_is(world):
    with_expiry(world, policy="inactivity", months=6)
    member = world.earn(300)
    later = NOW + timedelta(days=100)
    ledger.adjust(world.program.pk, member.pk, 5, key="a", reason="gift", now=later)
    world.settle(order(line(20000), minutes=60 * 24 * 120))
    assert world.member().active_at == NOW
    reservations.reserve(world.program, Request(member.pk, 1, 7001, "five-off", "k"), now=later)
    assert world.member().active_at == later


def test_pending_points_survive_inactivity(world):
    from rewards.facts import FetchedOrder

    with_expiry(world, policy="inactivity", months=6)
    world.earn(100)
    world.rules(hold_days=300)
    world.settle(FetchedOrder(order(line(700), external_id=5002), paid_at=NOW))
    lapse(NOW + timedelta(days=200))
    member = world.member()
    assert (member.pending, member.available) == (7, 0)


def redeem(world, now):
    request = Request(world.member().pk, 1, 7001, "five-off", "k")
    redemption, _ = reservations.reserve(world.program, request, now=now)
    return redemption


@pytest.mark.parametrize(("ending_as", "days_of_grace"), [(State.EXPIRED, 30), (State.CANCELLED, 0)])
def test_points_that_come_back_too_late_get_grace_and_an_own_undo_gets_the_day(
    world, ending_as, days_of_grace
):
    with_expiry(world, **ROLLING)
    world.earn(100)
    redemption = redeem(world, NOW)
    redemptions.issued(world.program.pk, redemption.pk, "gid", now=NOW)
    back = A_YEAR_LATER + timedelta(days=10)
    redemptions.start_ending(world.program.pk, redemption.pk, ending_as, now=back)
    redemptions.ended(world.program.pk, redemption.pk, now=back)
    child = Lot.objects.get(grace=True)
    assert child.parent == Lot.objects.get(grace=False)
    assert (child.expires_at - back).days == days_of_grace
    assert balances(world) == (100, 0)
    assert lapse(child.expires_at) == 100


def test_grace_is_given_once_per_point(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    redemption = redeem(world, NOW)
    redemptions.failed(world.program.pk, redemption.pk, "late", now=A_YEAR_LATER + timedelta(days=1))
    first = Lot.objects.get(grace=True)
    again = A_YEAR_LATER + timedelta(days=2)
    request = Request(world.member().pk, 1, 7001, "five-off", "k2")
    second, _ = reservations.reserve(world.program, request, now=again)
    redemptions.failed(world.program.pk, second.pk, "late", now=again + timedelta(days=5))
    assert list(Lot.objects.filter(grace=True)) == [first]
    third, _ = reservations.reserve(
        world.program, Request(world.member().pk, 1, 7001, "five-off", "k3"), now=again
    )
    much_later = first.expires_at + timedelta(days=3)
    redemptions.failed(world.program.pk, third.pk, "late", now=much_later)
    last = Lot.objects.filter(grace=True).latest("id")
    assert last.expires_at - much_later < timedelta(days=1)


def test_a_return_in_time_goes_to_its_own_lot(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    redemption = redeem(world, NOW)
    redemptions.failed(world.program.pk, redemption.pk, "no", now=NOW + timedelta(days=5))
    assert Lot.objects.get().available == 100


def test_the_rest_of_a_lot_lapses_at_its_new_end(world):
    """A part lapsed while the rest was reserved; then the life of points was made longer."""
    with_expiry(world, **ROLLING)
    world.earn(150)
    redemption = redeem(world, NOW)
    assert lapse(A_YEAR_LATER) == 50
    with_expiry(world, since=A_YEAR_LATER, policy="rolling", months=24)
    expiry.redate()
    back = A_YEAR_LATER + timedelta(days=1)
    redemptions.failed(world.program.pk, redemption.pk, "late", now=back)
    assert balances(world) == (100, 0)
    assert lapse(A_YEAR_LATER + timedelta(days=800)) == 100


def test_a_merge_keeps_the_ends(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member(7002).lots.get().expires_at.date() == A_YEAR_LATER.date()
    assert lapse(A_YEAR_LATER) == 100


def test_members_are_noted_before_anything_lapses_once_per_distance(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    world.earn(20, external_id=5002)
    assert expiry.note_expiring(now=A_YEAR_LATER - timedelta(days=40)) == 0
    assert expiry.note_expiring(now=A_YEAR_LATER - timedelta(days=29)) == 1
    assert expiry.note_expiring(now=A_YEAR_LATER - timedelta(days=28)) == 0
    assert expiry.note_expiring(now=A_YEAR_LATER - timedelta(days=6)) == 1
    assert sorted(Notice.objects.values_list("days", "points")) == [(7, 120), (30, 120)]


def test_those_at_rest_are_noted_too(world):
    with_expiry(world, policy="inactivity", months=6)
    world.earn(100)
    assert expiry.note_expiring(now=NOW + timedelta(days=100)) == 0
    assert expiry.note_expiring(now=NOW + timedelta(days=160)) == 1
    found = standing.standings(world.program, [world.member()])
    assert found[world.member().pk]["expiring"] == {"points": 100, "on": "2027-05-20"}


def test_the_standing_says_what_lapses_next(world):
    with_expiry(world, **ROLLING)
    world.earn(100)
    later = NOW + timedelta(days=40)
    world.earn(20, external_id=5002, processed_at=later, now=later)
    found = standing.standings(world.program, [world.member()])
    assert found[world.member().pk]["expiring"] == {"points": 100, "on": "2027-11-20"}


def test_the_last_of_a_batch_is_reached(world):
    with_expiry(world, **ROLLING)
    for number in range(7):
        world.earn(10, customer_id=7001 + number, external_id=5001 + number)
    assert expiry.lapse_due(now=A_YEAR_LATER, batch=2) == 70


@pytest.mark.django_db
def test_time_is_the_databases():
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_rolling_over_a_leap_day(world):
    with_expiry(world, **ROLLING)
    policy = Policy.of(world.program)
    assert policy.end_of_lot(datetime(2028, 2, 29, 12, tzinfo=UTC)).date().isoformat() == "2029-02-28"


def test_who_rests_is_told_before_the_end_and_neither_long_before_nor_after(world):
    with_expiry(world, policy="inactivity", months=6)
    world.earn(100)
    end = datetime(2027, 5, 20, 22, tzinfo=UTC)
    assert expiry.note_expiring(now=end - timedelta(days=32)) == 0
    assert expiry.note_expiring(now=end + timedelta(hours=1)) == 0
    assert expiry.note_expiring(now=end - timedelta(days=31)) == 1
