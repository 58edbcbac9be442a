"""Recurring work that fails for one goes on for all others, and tells of it."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from rewards import expiry, holds, programs, recurring, tiers
from rewards.facts import FetchedOrder
from rewards.ledger import Book
from rewards.models import Member
from rewards.recurring import LeftBehind, each, halved
from tests.rewards.conftest import NOW, World, line, order

LATER = NOW + timedelta(days=30)


def doubled(number):
    if number < 0:
        raise ValueError("negative")
    return 2 * number


def total(numbers):
    return sum(doubled(number) for number in numbers)


def test_each_goes_on_after_a_failure_and_tells_at_the_end(caplog):
    done = []

    def work(number):
        done.append(doubled(number))
        return done[-1]

    assert each("number", [1, 2], work) == 6
    with pytest.raises(LeftBehind):
        each("number", [3, -1, 4], work)
    assert done == [2, 4, 6, 8]
    (said,) = caplog.records
    assert said.number == "-1"


@pytest.mark.parametrize("number", [1, 2, 7, 64])
def test_halved_does_all_but_those_that_fail_alone(number, caplog):
    for bad in range(number):
        done = []

        def work(part, bad=bad, done=done):
            if bad in part:
                raise LookupError
            done.extend(part)
            return len(part)

        with pytest.raises(LeftBehind):
            halved("number", range(number), work)
        assert sorted(done) == [one for one in range(number) if one != bad]
    assert len(caplog.records) == number, "each is logged once, and no part that was tried again"


def test_what_does_not_fail_is_done_at_once():
    calls = []
    assert halved("number", [1, 2, 3], lambda part: calls.append(part) or total(part)) == 12
    assert calls == [[1, 2, 3]]


def test_a_failure_within_is_told_once(caplog):
    with pytest.raises(LeftBehind):
        each("outer", [[1], [-1, 2], [3]], lambda part: each("inner", part, doubled))
    assert [record.getMessage() for record in caplog.records] == ["left behind"]


def test_a_lost_database_ends_the_round_at_once(db, monkeypatch):
    seen = []

    def lost(number):
        seen.append(number)
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(OperationalError):
        each("number", [1, 2, 3], lost)
    with pytest.raises(OperationalError):
        halved("number", [1, 2, 3], lambda part: each("number", part, lost))
    assert seen == [1, 1]


@pytest.fixture
def members(world):
    """Four of each of two programs, with points on hold."""
    made = []
    for one in (world, World()):
        one.rules(hold_days=5)
        for number in range(4):
            news = order(line(1000), customer_id=7000 + number, external_id=5000 + number)
            one.settle(FetchedOrder(news, paid_at=NOW))
            made.append(one.member(7000 + number))
    return made


def strike(monkeypatch, member):
    """From here on nobody can write the points of this member."""
    write = Book.write

    def failing(book):
        if any(leg.lot.member_id == member.pk for leg in book.legs):
            raise ValueError("Something nobody thought of")
        write(book)

    monkeypatch.setattr(Book, "write", failing)


def balances(members):
    rows = Member.objects.in_bulk([member.pk for member in members])
    return [(rows[member.pk].pending, rows[member.pk].available) for member in members]


def test_one_members_trouble_keeps_nobody_elses_points_on_hold(members, monkeypatch):
    strike(monkeypatch, members[0])
    with pytest.raises(LeftBehind):
        holds.release_due(now=LATER)
    assert balances(members) == [(10, 0)] + [(0, 10)] * 7


@pytest.mark.parametrize("policy", ["rolling", "inactivity"])
def test_one_members_trouble_keeps_nobody_elses_points_from_lapsing(members, monkeypatch, policy):
    for program in {member.program for member in members}:
        settings = {"policy": policy, "months": 12}
        programs.apply(program, {**programs.document(program), "expiry": settings}, "test")
    holds.release_due(now=LATER)
    strike(monkeypatch, members[0])
    with pytest.raises(LeftBehind):
        expiry.lapse_due(now=NOW + timedelta(days=4000))
    assert balances(members) == [(0, 10)] + [(0, 0)] * 7


def test_one_members_trouble_keeps_nobody_else_in_their_tier(world, monkeypatch):
    levels = [{"id": "gold", "name": "Gold", "from": "10"}]
    members = [world.earn(10, customer_id=7000 + number, external_id=5000 + number) for number in range(5)]
    document = programs.document(world.program)
    world.apply({**document, "tiers": {**document["tiers"], "levels": levels}})
    again = tiers._review_again

    def failing(program, member_ids, now):
        if members[0].pk in member_ids:
            raise ValueError("Something nobody thought of")
        return again(program, member_ids, now)

    monkeypatch.setattr(tiers, "_review_again", failing)
    with pytest.raises(LeftBehind):
        tiers.review_due(now=LATER)
    found = tiers.states(world.program, [member.pk for member in members])
    assert {member_id: state.tier for member_id, state in found.items() if state.tier} == dict.fromkeys(
        [member.pk for member in members[1:]], "gold"
    )
    monkeypatch.undo()
    assert tiers.review_due(now=LATER) == 5, "and next time nobody is passed over"


def test_the_log_names_what_is_left_behind_and_tells_nothing_of_it(caplog):
    rows = [(1, "raffle", "Ann was ill")]
    with pytest.raises(LeftBehind):
        each("draw", rows, lambda row: 1 // 0, id=lambda row: row[:2])
    assert caplog.records[0].draw == "(1, 'raffle')"


def test_what_is_left_behind_is_logged_by_its_key(world, caplog):
    with pytest.raises(LeftBehind):
        recurring.each("program", [world.program], lambda program: 1 // 0)
    assert caplog.records[0].program == str(world.program.pk)
