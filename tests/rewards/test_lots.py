"""Which points move, and from which lot to which: books without a database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rewards import redemption_changes
from rewards.accounts import Account, LedgerBroken, MemberMerged, OpenLot, Overdrawn
from rewards.ledger import Book, reverse
from rewards.lifetimes import Policy
from rewards.models import Bucket, Program, Redemption
from rewards.redemption_changes import Fail, Held, Issue, Return, Use

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEVER = Policy("never", ZoneInfo("UTC"))
ROLLING = Policy("rolling", ZoneInfo("UTC"), months=2)
GRACE_ENDS = datetime(2026, 12, 20, 23, 59, 59, 999999, tzinfo=UTC)
TODAY_ENDS = datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC)


def book(policy=NEVER, debt=0):
    made = Book(1, NOW)
    made.policy = policy
    made.accounts[7] = Account(7, 1, 0, None, {**dict.fromkeys(Bucket, 0), Bucket.DEBT: -debt})
    return made


def lot(book, id=1, *, member_id=7, order_id=None, begins=NOW, ends=None, given=100, grace=False, **buckets):
    made = OpenLot(id, 1, member_id, order_id, "order", given, begins, ends, grace=grace)
    for bucket, points in buckets.items():
        made.buckets[bucket] = points
        if bucket in book.accounts[7].buckets and member_id == 7:
            book.accounts[7].buckets[bucket] += points
    book.add(made)
    return made


def posting(book, key="k", at=NOW, **changes):
    return book.posting(7, key, "test", {"why": "test"}, at, **changes)


def legs(book):
    return [(leg.lot.id, str(leg.source), str(leg.target), leg.points) for leg in book.legs]


def balances(book):
    own = book.accounts[7].buckets
    return own[Bucket.PENDING], own[Bucket.AVAILABLE], own[Bucket.RESERVED], own[Bucket.DEBT]


# The turn of lots


def test_what_lapses_first_is_taken_first_then_the_oldest_then_the_first_written():
    opened = book()
    lot(opened, 1, begins=NOW - DAY, available=10)
    lot(opened, 2, begins=NOW - 2 * DAY, available=10)
    lot(opened, 3, ends=NOW + 9 * DAY, available=10)
    lot(opened, 4, ends=NOW + 3 * DAY, available=10)
    lot(opened, None, begins=NOW - DAY, available=10)
    lot(opened, 5, begins=NOW - DAY, available=10)
    lot(opened, 6, pending=10)
    found = opened.accounts[7].lots_with(Bucket.AVAILABLE)
    assert [one.id for one in found] == [4, 3, 2, 1, 5, None]
    assert [one.id for one in opened.accounts[7].lots_with(Bucket.PENDING)] == [6]


def test_a_lot_holds_what_is_still_the_members():
    assert lot(book(), pending=1, available=20, reserved=300, expired=4000).held == 321


def test_points_are_taken_from_as_few_lots_as_their_turn_allows():
    opened = book()
    first, second = lot(opened, 1, available=30), lot(opened, 2, available=50)
    assert posting(opened).take(40, Bucket.AVAILABLE, Bucket.RESERVED) == 0
    assert legs(opened) == [(1, "available", "reserved", 30), (2, "available", "reserved", 10)]
    assert (opened.program_id, opened.accounts[7].available) == (1, 40)
    assert (first.buckets[Bucket.AVAILABLE], second.buckets[Bucket.AVAILABLE]) == (0, 40)
    assert balances(opened) == (0, 40, 40, 0)
    assert posting(opened, "l").take(3, Bucket.RESERVED, Bucket.SPENT) == 0
    said = posting(opened, "m")
    for _ in range(3):
        said.move(second, Bucket.AVAILABLE, Bucket.SPENT, 1)
    assert [leg.key for leg in opened.legs] == ["k:0", "k:1", "l:0", "m:0", "m:1", "m:2"]
    assert first.changed
    assert opened.accounts[7].changed


def test_what_isnt_there_is_missing():
    opened = book()
    lot(opened, 1, available=30)
    lot(opened, 2, available=0, pending=5)
    assert posting(opened).take(40, Bucket.AVAILABLE, Bucket.SPENT) == 10
    assert posting(opened, "l").take(5, Bucket.AVAILABLE, Bucket.SPENT) == 5
    assert legs(opened) == [(1, "available", "spent", 30)]


def test_only_the_lots_that_are_named_are_taken_from():
    opened = book()
    lot(opened, 1, available=30)
    named, empty = lot(opened, 2, available=30), lot(opened, 3)
    assert posting(opened).take(50, Bucket.AVAILABLE, Bucket.EXPIRED, [empty, named]) == 20
    assert legs(opened) == [(2, "available", "expired", 30)]
    assert posting(opened, "l").take(5, Bucket.AVAILABLE, Bucket.EXPIRED, []) == 5


# A leg


def test_a_leg_says_all_about_itself():
    opened = book()
    one = lot(opened, available=30)
    said = posting(opened, "order:1:0", NOW - DAY, order_id=3, redemption_id=4)
    said.take(10, Bucket.AVAILABLE, Bucket.SPENT)
    said.move(one, Bucket.AVAILABLE, Bucket.SPENT, 5, redemption_id=6)
    first, second = opened.legs
    assert (first.key, first.member_id, first.lot, first.order_id, first.redemption_id) == (
        "order:1:0:0", 7, one, 3, 4,
    )  # fmt: skip
    assert (first.kind, first.explanation, first.happened_at) == ("test", {"why": "test"}, NOW - DAY)
    assert (second.key, second.redemption_id, second.points) == ("order:1:0:1", 6, 5)


@pytest.mark.parametrize("points", [0, -1])
def test_a_leg_moves_something(points):
    opened = book()
    with pytest.raises(LedgerBroken, match=rf"^A movement of {points} points \(k\)"):
        posting(opened).move(lot(opened, available=30), Bucket.AVAILABLE, Bucket.SPENT, points)
    assert not opened.legs


def test_a_lot_never_holds_less_than_nothing():
    opened = book()
    with pytest.raises(LedgerBroken, match=r"^Lot 1 would hold less than nothing in available \(k\)"):
        posting(opened).move(lot(opened, available=30), Bucket.AVAILABLE, Bucket.SPENT, 31)
    all_of_it = book()
    posting(all_of_it).move(lot(all_of_it, available=30), Bucket.AVAILABLE, Bucket.SPENT, 30)
    assert balances(all_of_it) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("source", "target", "counts"),
    [
        (Bucket.ISSUED, Bucket.AVAILABLE, True),
        (Bucket.ISSUED, Bucket.PENDING, True),
        (Bucket.AVAILABLE, Bucket.RESERVED, True),
        (Bucket.ADJUSTED, Bucket.AVAILABLE, False),
        (Bucket.AVAILABLE, Bucket.ISSUED, False),
        (Bucket.AVAILABLE, Bucket.EXPIRED, False),
        (Bucket.RESERVED, Bucket.AVAILABLE, False),
        (Bucket.PENDING, Bucket.AVAILABLE, False),
    ],
)
def test_earning_and_redeeming_are_activity(source, target, counts):
    opened = book()
    one = lot(opened, pending=10, available=10, reserved=10)
    posting(opened, at=NOW - DAY).move(one, source, target, 5)
    assert opened.accounts[7].active_at == (NOW - DAY if counts else None)


def test_activity_of_the_past_doesnt_hide_a_later_one():
    opened = book()
    one = lot(opened, available=10)
    opened.accounts[7].active_at = NOW
    posting(opened, at=NOW - DAY).move(one, Bucket.AVAILABLE, Bucket.RESERVED, 5)
    assert opened.accounts[7].active_at == NOW
    posting(opened, "l", at=NOW + DAY).move(one, Bucket.AVAILABLE, Bucket.RESERVED, 5)
    assert opened.accounts[7].active_at == NOW + DAY


# Awards, holds and debt


def test_an_award_is_available_at_its_moment_and_lives_from_then():
    opened = book(ROLLING)
    now = posting(opened, order_id=3).award(5, "order", available_at=NOW)
    assert (now.kind, now.given, now.order_id, now.member_id, now.available_at) == ("order", 5, 3, 7, NOW)
    assert (now.id, now.expires_at) == (None, datetime(2027, 1, 20, 23, 59, 59, 999999, tzinfo=UTC))
    held = posting(opened, "l").award(8, "order", available_at=NOW + DAY)
    assert (held.buckets[Bucket.PENDING], held.expires_at) == (8, None)
    assert balances(opened) == (8, 5, 0, 0)
    assert legs(opened) == [(None, "issued", "available", 5), (None, "issued", "pending", 8)]


def test_a_gift_comes_from_elsewhere():
    opened = book()
    posting(opened).award(5, "adjustment", available_at=NOW, source=Bucket.ADJUSTED)
    assert legs(opened) == [(None, "adjusted", "available", 5)]


def test_a_release_begins_a_life_and_a_transfer_or_grace_keep_their_end():
    opened, end = book(ROLLING), NOW + 5 * DAY
    held = lot(opened, 1, begins=NOW - DAY, pending=10)
    posting(opened).move(held, Bucket.PENDING, Bucket.AVAILABLE, 10)
    assert held.expires_at == datetime(2027, 1, 19, 23, 59, 59, 999999, tzinfo=UTC)
    heir = lot(opened, 2, ends=end)
    posting(opened, "l").move(heir, Bucket.TRANSFERRED, Bucket.AVAILABLE, 10)
    grace = lot(opened, 3, ends=end, grace=True)
    posting(opened, "m").move(grace, Bucket.ADJUSTED, Bucket.AVAILABLE, 10)
    assert (heir.expires_at, grace.expires_at) == (end, end)


@pytest.mark.parametrize(("points", "left", "owed"), [(30, 0, -20), (50, 0, 0), (70, 20, 0)])
def test_what_becomes_available_pays_debt_first(points, left, owed):
    opened = book(debt=50)
    made = posting(opened).award(points, "order", available_at=NOW)
    assert balances(opened) == (0, left, 0, owed)
    assert made.buckets[Bucket.AVAILABLE] == left
    assert legs(opened)[1] == (None, "available", "debt", min(points, 50))
    assert opened.accounts[7].owed == -owed


def test_points_on_hold_pay_no_debt():
    opened = book(debt=50)
    posting(opened).award(70, "order", available_at=NOW + DAY)
    assert balances(opened) == (70, 0, 0, -50)


# Refunds


def refunded(opened, points, *, forgive=False):
    reverse(posting(opened, order_id=3), points, opened.lots_of(3), forgive=forgive)
    return legs(opened)


def test_a_refund_takes_held_own_lapsed_and_other_points_in_this_order_and_then_owes():
    opened = book()
    lot(opened, 1, available=40)
    lot(opened, 2, order_id=3, pending=10)
    lot(opened, 4, order_id=3, available=20, expired=30)
    assert refunded(opened, 105) == [
        (2, "pending", "issued", 10),
        (4, "available", "issued", 20),
        (4, "expired", "issued", 30),
        (1, "available", "issued", 40),
        (2, "debt", "issued", 5),
    ]
    assert balances(opened) == (0, 0, 0, -5)


def test_a_refund_takes_no_more_than_it_has_to():
    opened = book()
    lot(opened, 1, available=40)
    lot(opened, 2, order_id=3, pending=10)
    assert refunded(opened, 10) == [(2, "pending", "issued", 10)]


def test_what_is_missing_is_forgiven_where_the_merchant_says_so():
    opened = book()
    lot(opened, 2, order_id=3, available=10)
    assert refunded(opened, 15, forgive=True) == [
        (2, "available", "issued", 10),
        (2, "adjusted", "issued", 5),
    ]
    assert balances(opened) == (0, 0, 0, 0)


def test_the_lots_of_an_order_are_found_with_whoever_has_them():
    opened = book()
    lot(opened, 1, order_id=3, member_id=8, available=1)
    lot(opened, 2, order_id=3, begins=NOW - DAY)
    lot(opened, 4, order_id=5)
    assert [one.id for one in opened.lots_of(3)] == [2, 1]
    assert [one.id for one in opened.accounts[7].lots] == [2, 4]
    assert opened.lot(4).order_id == 5


# Points that come back from a redemption


def redemption(points=100, **changes):
    return Redemption(
        id=9, program_id=1, member_id=7, points=points, turns=2, reward={"title": "Mug", "kind": "fixed"},
        **changes,
    )  # fmt: skip


def held(opened, reserved=None, spent=None):
    by_lot = [{opened.lot(id): points for id, points in (part or {}).items()} for part in (reserved, spent)]
    return Held(opened, *by_lot)


def test_capturing_and_releasing_move_what_is_reserved_and_nothing_else():
    opened = book()
    lot(opened, 1, reserved=30)
    lot(opened, 2, reserved=40)
    held(opened, {2: 40, 1: 30}).capture(posting(opened))
    assert legs(opened) == [(1, "reserved", "spent", 30), (2, "reserved", "spent", 40)]
    other = book()
    lot(other, 1, reserved=30)
    lot(other, 2, reserved=1)
    held(other, {1: 30, 2: 1}).release(posting(other))
    assert legs(other) == [(1, "reserved", "available", 30), (2, "reserved", "available", 1)]


def begun(month, day):
    return datetime(2026, month, day, 9, tzinfo=UTC)


def test_points_come_home_to_their_own_lot_while_it_lives_long_enough():
    opened = book(ROLLING)
    home = lot(opened, 1, begins=begun(10, 20), ends=GRACE_ENDS, available=70)
    held(opened, spent={1: 30}).give_back(posting(opened))
    assert legs(opened) == [(1, "spent", "available", 30)]
    assert home.expires_at == GRACE_ENDS


@pytest.mark.parametrize(
    ("begins", "own_undo", "expected"),
    [
        (begun(10, 19), False, GRACE_ENDS),
        (begun(9, 19), False, GRACE_ENDS),
        (begun(9, 19), True, TODAY_ENDS),
    ],
)
def test_too_late_for_their_lot_they_get_a_child(begins, own_undo, expected):
    opened = book(ROLLING)
    lot(opened, 1, order_id=3, begins=begins, given=100, expired=70)
    held(opened, spent={1: 30}).give_back(posting(opened), own_undo=own_undo)
    assert legs(opened) == [(1, "spent", "transferred", 30), (None, "transferred", "available", 30)]
    child = opened.lots[-1]
    assert (child.parent_id, child.member_id, child.order_id, child.given) == (1, 7, 3, 30)
    assert (child.expires_at, child.grace, child.available_at) == (expected, True, begins)
    assert (child.buckets[Bucket.AVAILABLE], child.buckets[Bucket.EXPIRED]) == (30, 0)


def test_points_of_a_code_that_was_never_made_and_of_an_undone_order_get_grace_too():
    for change, bucket in ((Fail("no"), "reserved"), (Return(), "spent")):
        opened = book(ROLLING)
        lot(opened, 1, begins=begun(9, 19), reserved=30 if bucket == "reserved" else 0)
        change.points(posting(opened), held(opened, **{bucket: {1: 30}}), redemption(30))
        assert opened.lots[-1].expires_at == GRACE_ENDS


def test_grace_that_is_over_is_followed_by_the_rest_of_the_day():
    opened = book(ROLLING)
    lot(opened, 1, ends=NOW - DAY, grace=True)
    held(opened, spent={1: 30}).give_back(posting(opened))
    assert legs(opened)[-1] == (None, "transferred", "available", 30)
    assert (opened.lots[-1].expires_at, opened.lots[-1].grace) == (TODAY_ENDS, True)


def test_a_lot_that_was_empty_while_the_policy_changed_gets_its_end_with_its_points():
    opened = book(NEVER)
    lot(opened, 1, ends=NOW - DAY)
    held(opened, spent={1: 30}).give_back(posting(opened))
    assert legs(opened) == [(1, "spent", "available", 30)]
    assert opened.lot(1).expires_at is None


@pytest.mark.parametrize(("own_undo", "expected"), [(False, GRACE_ENDS), (True, TODAY_ENDS)])
def test_who_rested_too_long_gets_points_back_with_grace(own_undo, expected):
    opened = book(Policy("inactivity", ZoneInfo("UTC"), months=2))
    opened.accounts[7].active_at = NOW - 90 * DAY
    lot(opened, 1)
    held(opened, spent={1: 30}).give_back(posting(opened), own_undo=own_undo)
    assert opened.lots[-1].expires_at == expected
    opened.accounts[7].active_at = NOW - 30 * DAY
    held(opened, spent={1: 30}).give_back(posting(opened, "l"), own_undo=own_undo)
    assert legs(opened)[-1] == (1, "spent", "available", 30)


@pytest.mark.parametrize(("own_undo", "was_grace"), [(True, False), (False, True)])
def test_an_own_undo_and_grace_itself_get_no_more_days(own_undo, was_grace):
    opened = book(ROLLING)
    lot(opened, 1, begins=begun(9, 20), ends=NOW + timedelta(microseconds=1), grace=was_grace)
    held(opened, spent={1: 30}).give_back(posting(opened), own_undo=own_undo)
    assert legs(opened) == [(1, "spent", "available", 30)]


def test_what_was_a_lost_members_comes_back_to_an_heir():
    opened = book()
    lot(opened, 1, member_id=8)
    held(opened, spent={1: 30}).give_back(posting(opened))
    heir = opened.lots[-1]
    assert (heir.member_id, heir.grace, heir.expires_at, heir.given) == (7, False, None, 30)


@pytest.mark.parametrize(("expired", "home"), [(0, 1), (1, None)])
def test_a_lot_that_is_full_again_takes_nothing_more(expired, home):
    opened = book()
    lot(opened, 1, given=100, available=40, reserved=30, expired=expired)
    held(opened, spent={1: 30}).give_back(posting(opened))
    assert legs(opened)[-1][0] == home


def test_a_late_use_takes_available_points_first_and_then_owes():
    opened = book()
    lot(opened, 1)
    lot(opened, 2, reserved=20)
    lot(opened, 3, available=25)
    held(opened, {2: 20}, {1: 30}).take_again(posting(opened), 100)
    assert legs(opened) == [(3, "available", "spent", 25), (1, "debt", "spent", 25)]
    assert balances(opened)[3] == -25


def test_nothing_is_taken_again_that_was_never_given_back():
    opened = book()
    lot(opened, 3, available=25)
    held(opened, spent={3: 100}).take_again(posting(opened), 100)
    assert legs(opened) == []


# The states of a redemption


def test_each_change_begins_where_it_may():
    state = Redemption.State
    assert Issue.before == Fail.before == (state.RESERVED,)
    assert redemption_changes.End.before == (state.ENDING,)
    assert Return.before == (state.USED,)
    assert set(Use.before) == set(state) - {state.USED, state.RETURNED}


def test_what_each_change_leaves_in_the_row():
    later = NOW + timedelta(minutes=15)
    one = redemption(expires_at=NOW + 9 * DAY, reason="busy")
    Issue("gid").row(one, NOW)
    assert (one.state, one.external_ref, one.due_at, one.reason) == ("issued", "gid", NOW + 9 * DAY, "")
    Fail("x" * 2000).row(one, NOW)
    assert (one.state, one.reason, one.due_at) == ("failed", "x" * 1000, later)
    one.ending_as = "cancelled"
    redemption_changes.End().row(one, NOW)
    assert (one.state, one.due_at) == ("cancelled", later)
    Use(3).row(one, NOW)
    assert (one.state, one.order_id, one.due_at) == ("used", 3, None)
    one.due_at = NOW
    Return().row(one, NOW)
    assert (one.state, one.due_at) == ("returned", NOW)


def test_what_each_change_does_to_the_points():
    for change, reserved, spent, expected in (
        (Issue("gid"), 30, 0, ("reserved", "spent")),
        (Fail("no"), 30, 0, ("reserved", "available")),
        (Use(3), 30, 0, ("reserved", "spent")),
        (Return(), 0, 30, ("spent", "available")),
    ):
        opened = book()
        lot(opened, 1, reserved=reserved)
        change.points(posting(opened), held(opened, {1: reserved}, {1: spent}), redemption(30))
        assert legs(opened) == [(1, *expected, 30)]


def test_the_posting_of_a_change_says_which_reward_and_how_often_it_turned():
    opened, one = book(), redemption(ending_as="expired")
    said = redemption_changes.open_posting(opened, one, "issue", NOW)
    assert (said.key, said.kind, said.redemption_id, said.happened_at) == (
        "redemption:9:2:issue", "redemption", 9, NOW,
    )  # fmt: skip
    assert said.explanation == {"rule": "redemption", "change": "issue", "reward": "Mug", "points": 100}
    ended = redemption_changes.open_posting(opened, one, "end", NOW, "return")
    assert (ended.kind, ended.explanation["change"], ended.account) == (
        "return",
        "expired",
        opened.accounts[7],
    )


@pytest.mark.parametrize(
    ("step", "value", "title"),
    [("1.00", 550, "Mug: 5.50 EUR"), ("1.00", None, "Mug"), (None, 550, "Mug")],
)
def test_a_reward_with_a_choice_is_named_with_what_was_chosen(step, value, title):
    one = redemption(value=value)
    one.program = Program(id=1, currency="EUR")
    one.reward = {"title": "Mug", "kind": "fixed", **({"step": step} if step else {})}
    assert redemption_changes.open_posting(book(), one, "use", NOW).explanation["reward"] == title


def test_refusals_say_what_was_asked():
    assert str(Overdrawn(50, 30)) == "50 points were asked for, 30 are available."
    assert (Overdrawn(50, 30).asked, Overdrawn(50, 30).available) == (50, 30)
    assert (MemberMerged({1: 2}).survivors, str(MemberMerged({1: 2}))) == ({1: 2}, "Merged members: {1: 2}.")
