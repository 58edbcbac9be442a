"""Exclusive things, donations and draws: from the points to the end of their lives."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from rewards import (
    donations,
    draws,
    people,
    programs,
    redemptions,
    reservations,
    tallies,
    tasks,
    timeline,
    waits,
)
from rewards.documents import BadProgram
from rewards.models import Drawing, Member, Notice, Payout, Redemption, Wait
from rewards.places import SoldOut
from rewards.redemptions import State
from tests.rewards.conftest import NOW

EVENING = {"id": "evening", "kind": "exclusive", "title": "An evening with us", "points": 100, "in_total": 2}
TREES = {
    "id": "trees",
    "kind": "donation",
    "title": "Plant trees",
    "points": 20,
    "cause": "The Wood",
    "per": "1.00",
    "min": "1.00",
    "max": "20.00",
    "step": "1.00",
}
RAFFLE = {
    "id": "raffle",
    "kind": "draw",
    "title": "Win a bicycle",
    "points": 10,
    "prize": "A bicycle",
    "terms": "One person, one prize.",
    "closes": "2100-01-01",
    "winners": 2,
}


@pytest.fixture
def offering(world):
    """The program with a reward of each of these kinds."""
    world.offer(EVENING, TREES, RAFFLE)
    return world


@pytest.fixture
def world(world):
    def offer(*rewards):
        world.apply({**programs.document(world.program), "rewards": list(rewards)})

    world.offer = offer
    return world


def member(world, customer_id=7001, points=250):
    return world.earn(points, customer_id=customer_id, external_id=customer_id * 10)


def ask(world, member, reward, key="k", points=None):
    request = reservations.Request(member.pk, 1, 7001, reward, key, points)
    made, _ = reservations.reserve(world.program, request)
    return made


def has(world, member, reward, key="k", points=None):
    """Asked for and made."""
    made = ask(world, member, reward, key, points)
    note = redemptions.issued if reward == "evening" else redemptions.delivered
    assert note(world.program.pk, made.pk, "own")
    made.refresh_from_db()
    return made


def available(member):
    member.refresh_from_db()
    return member.available


def said(world, member):
    events, _ = timeline.events(world.program, member.pk, all=True)
    return [event.text for event in events]


# -- exclusive --------------------------------------------------------------------------------------------


def test_the_last_one_is_had_once(offering):
    members = [member(offering, 7000 + number) for number in range(3)]
    for one in members[:2]:
        ask(offering, one, "evening")
    with pytest.raises(reservations.LimitReached, match="Nothing is left of “An evening with us”"):
        ask(offering, members[2], "evening")
    assert available(members[2]) == 250


def test_one_that_comes_back_can_be_had_again(offering):
    first, second, third = (member(offering, 7000 + number) for number in range(3))
    has(offering, first, "evening")
    gone = has(offering, second, "evening")
    assert redemptions.start_ending(offering.program.pk, gone.pk, State.CANCELLED)
    with pytest.raises(reservations.LimitReached):
        ask(offering, third, "evening")
    assert redemptions.ended(offering.program.pk, gone.pk)
    ask(offering, third, "evening")


def test_a_reward_without_stock_is_never_gone(offering):
    offering.offer({**EVENING, "in_total": None})
    someone = member(offering)
    ask(offering, someone, "evening", "a")
    ask(offering, someone, "evening", "b")


def test_a_task_is_handed_over_once(offering):
    someone = member(offering)
    task = has(offering, someone, "evening")
    assert list(tasks.waiting(offering.program.pk)) == [task]
    tasks.hand_over(task, "ann")
    task.refresh_from_db()
    assert (task.state, task.history[-1]["by"]) == (State.USED, "ann")
    assert list(tasks.waiting(offering.program.pk)) == []
    assert list(tasks.lately(offering.program.pk)) == [task]
    assert said(offering, someone)[0] == "The shop has “An evening with us” ready to be handed over."
    with pytest.raises(tasks.AlreadyDone):
        tasks.refuse(task, "bob", "Too late")
    assert available(someone) == 150


def test_what_cannot_be_given_returns_the_points_and_says_why(offering):
    someone = member(offering)
    task = has(offering, someone, "evening")
    tasks.refuse(task, "ann", "The band is ill.")
    assert available(someone) == 250
    with pytest.raises(tasks.AlreadyDone):
        tasks.hand_over(task, "bob")
    assert said(offering, someone)[0] == (
        "“An evening with us” can't be had, so the points are back: The band is ill."
    )


def test_a_code_is_found_as_it_is_read_out(offering):
    task = has(offering, member(offering), "evening")
    read_out = f" {task.code[:4].lower()} {task.code[4:]}"
    assert tasks.by_code(offering.program.pk, read_out) == task
    assert tasks.by_code(offering.program.pk + 1, read_out) is None
    donation = has(offering, offering.member(), "trees", "d", 20)
    assert tasks.by_code(offering.program.pk, donation.code) is None


# -- the line ---------------------------------------------------------------------------------------------


@pytest.fixture
def full(offering):
    """Both are taken; three members wait."""
    for number in range(2):
        has(offering, member(offering, 7100 + number), "evening")
    line = [member(offering, 7000 + number) for number in range(3)]
    for one in line:
        wait(offering, one)
    return offering, line


def wait(world, member, now=None):
    return waits.join(
        world.program, member.pk, programs.reward(programs.document(world.program), "evening"), now=now
    )


def one_is_given_back(world):
    taken = tasks.waiting(world.program.pk).first()
    tasks.refuse(taken, "ann", "No")


def test_nobody_waits_for_what_there_is(offering):
    with pytest.raises(waits.NoNeed):
        wait(offering, member(offering))


def test_who_waits_already_keeps_their_place(full):
    world, line = full
    first = Wait.objects.get(member=line[0])
    assert wait(world, line[0]) == (first, False)
    assert Wait.objects.count() == 3


def test_what_is_free_is_for_the_first_in_line_even_before_they_are_told(full):
    world, (first, second, _) = full
    newcomer = member(world, 7200)
    one_is_given_back(world)
    for one in (second, newcomer):
        with pytest.raises(SoldOut, match="kept for those who waited"):
            ask(world, one, "evening")
    ask(world, first, "evening")
    assert not Wait.objects.filter(member=first).exists()
    one_is_given_back(world)
    ask(world, second, "evening")


def test_the_first_in_line_are_told_once_and_lose_it_when_their_time_is_over(full):
    world, (first, second, third) = full
    one_is_given_back(world)
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert waits.tell_due(now=later) == 1
    assert waits.tell_due(now=later) == 0
    notice = Notice.objects.get()
    assert (notice.member_id, notice.kind, notice.reward) == (first.pk, "place", "evening")
    assert notice.about == later + timedelta(hours=24) == Wait.objects.get(member=first).kept_until
    assert waits.tell_due(now=later + timedelta(hours=24)) == 1
    assert list(Notice.objects.order_by("id").values_list("member_id", flat=True)) == [first.pk, second.pk]
    assert list(Wait.objects.order_by("id").values_list("member_id", flat=True)) == [second.pk, third.pk]


def test_more_stock_is_told_to_as_many_as_there_is_for(full):
    world, (first, second, _) = full
    world.offer({**EVENING, "in_total": 4})
    assert waits.tell_due() == 2
    assert set(Notice.objects.values_list("member_id", flat=True)) == {first.pk, second.pk}


def test_nobody_waits_for_what_is_no_longer_on_offer(full):
    world, _ = full
    world.offer({**EVENING, "archived": True})
    assert waits.tell_due() == 0
    assert not Wait.objects.exists()


def test_of_two_who_become_one_the_longer_wait_counts(full):
    world, (first, _, third) = full
    people.merge(world.program, (1, 7002), (1, 7000), happened_at=NOW)
    assert list(Wait.objects.order_by("id").values_list("member_id", flat=True)) == [
        third.pk,
        Member.objects.get(identities__external_id=7001).pk,
    ]
    assert first.pk not in Wait.objects.values_list("member_id", flat=True)


def test_who_is_forgotten_waits_no_longer(full):
    world, (first, *_) = full
    people.forget(world.program, (1, 7000))
    assert not Wait.objects.filter(member=first).exists()


# -- donations --------------------------------------------------------------------------------------------


def test_a_donation_is_given_at_once_and_counted(offering):
    someone = member(offering)
    made = has(offering, someone, "trees", points=100)
    assert (made.state, made.value) == (State.USED, 500)
    has(offering, someone, "trees", "again", 20)
    account = donations.accounts(offering.program.pk, ["trees"])["trees"]
    assert (account.given, account.times, account.paid) == (600, 2, 0)
    assert said(offering, someone)[1] == "Redeemed: Plant trees: 1.00 EUR."
    assert not redemptions.start_ending(offering.program.pk, made.pk, State.CANCELLED)


def test_a_donation_of_one_amount_needs_no_choice(offering):
    offering.offer({**TREES, "max": "1.00"})
    assert ask(offering, member(offering), "trees").value == 100


def pay(world, amount, key="k"):
    return donations.pay_out(
        world.program,
        "trees",
        amount,
        paid_on=date(2026, 11, 22),
        receipt="No. 5",
        author="ann",
        key=key,
    )


def test_no_more_is_paid_out_than_was_given(offering):
    has(offering, member(offering), "trees", points=100)
    assert pay(offering, 300) == pay(offering, 300)
    with pytest.raises(donations.MoreThanGiven) as refused:
        pay(offering, 201, "b")
    assert refused.value.still_open == 200
    pay(offering, 200, "c")
    assert Payout.objects.count() == 2


# -- draws ------------------------------------------------------------------------------------------------


def closed(world, **changes):
    world.offer({**RAFFLE, "closes": "2020-01-01", **changes})


def entered(world, entries):
    """Members with so many entries each."""
    found = {}
    for place, count in enumerate(entries):
        someone = member(world, 7000 + place)
        found[someone.pk] = [has(world, someone, "raffle", f"k{turn}").pk for turn in range(count)]
    return found


def test_anybody_finds_the_winners_out_of_seed_and_entries():
    seed = "5eed"
    entries = [[1, 4], [2], [3]]
    numbers = {entry: hashlib.sha256(f"5eed:{entry}".encode()).hexdigest() for entry in (1, 2, 3, 4)}
    best = sorted(min((numbers[entry], entry) for entry in own) for own in entries)
    assert draws.found(seed, entries, 2) == [best[0][1], best[1][1]]
    assert draws.found(seed, entries, 9) == [entry for _, entry in best]
    assert draws.found(seed, [], 2) == []


def test_a_draw_is_drawn_once_after_it_closed(offering):
    entries = entered(offering, (3, 1, 1))
    with pytest.raises(draws.NotNow, match="still takes entries"):
        draws.draw(offering.program, "raffle", "ann")
    promised = draws.commitment(draws.seed_of(offering.program, "raffle"))
    closed(offering)
    with pytest.raises(draws.Closed):
        ask(offering, offering.member(7000), "raffle", "late")
    drawn = draws.draw(offering.program, "raffle", "ann")
    assert drawn.entries == sorted(entries.values())
    assert len(drawn.winners) == 2
    assert drawn.winners == draws.found(drawn.seed, drawn.entries, 2)
    assert draws.commitment(drawn.seed) == promised
    with pytest.raises(draws.NotNow, match="drawn already"):
        draws.draw(offering.program, "raffle", "bob")
    with pytest.raises(draws.NotNow, match="drawn already"):
        draws.call_off(offering.program, "raffle", "bob", "no")


def test_after_the_draw_no_later_end_lets_anybody_in(offering):
    entered(offering, (1,))
    closed(offering)
    draws.draw(offering.program, "raffle", "ann")
    offering.offer(RAFFLE)
    with pytest.raises(draws.Closed):
        ask(offering, offering.member(7000), "raffle", "late")


def test_who_won_does_not_win_again(offering):
    entries = entered(offering, (2, 2, 2))
    closed(offering)
    first = draws.draw(offering.program, "raffle", "ann")
    again = draws.draw_again(offering.program, "raffle", "ann", "The winner is nowhere to be found.")
    (left,) = [own for own in entries.values() if not set(own) & set(first.winners)]
    assert (again.turn, again.entries, again.reason) == (2, [left], "The winner is nowhere to be found.")
    assert again.winners[0] in left
    with pytest.raises(draws.NotNow, match="Nobody takes part"):
        draws.draw_again(offering.program, "raffle", "ann", "Again")


def test_people_who_are_gone_or_excluded_win_nothing(offering):
    entries = entered(offering, (1, 1, 1, 1))
    people.forget(offering.program, (1, 7000))
    people.close(offering.program, (1, 7001), at=NOW)
    people.remember_tags(offering.program.pk, (1, 7002), ["Staff"])
    offering.rules(excluded_customer_tags=["staff"])
    closed(offering)
    drawn = draws.draw(offering.program, "raffle", "ann")
    assert drawn.left_out == 3
    assert drawn.entries == [list(entries.values())[3]]


def test_a_draw_without_anybody_is_not_drawn(offering):
    closed(offering)
    with pytest.raises(draws.NotNow, match="Nobody takes part"):
        draws.draw(offering.program, "raffle", "ann")
    with pytest.raises(LookupError):
        draws.draw(offering.program, "evening", "ann")


def test_a_draw_that_is_called_off_returns_every_entry_once(offering):
    entered(offering, (2, 1))
    ask(offering, offering.member(7000), "raffle", "being made")
    draws.call_off(offering.program, "raffle", "ann", "The bicycle was stolen.")
    with pytest.raises(draws.Closed):
        ask(offering, offering.member(7000), "raffle", "late")
    with pytest.raises(draws.NotNow, match="called off"):
        draws.draw(offering.program, "raffle", "ann")
    assert draws.return_entries() == 4
    assert draws.return_entries() == 0
    assert [available(offering.member(id)) for id in (7000, 7001)] == [250, 250]
    assert said(offering, offering.member(7001))[0] == (
        "“Win a bicycle” can't be had, so the points are back: The bicycle was stolen."
    )


def test_what_was_drawn_stays(offering):
    entered(offering, (1,))
    closed(offering)
    draws.draw(offering.program, "raffle", "ann")
    with pytest.raises(DatabaseError), transaction.atomic():
        Drawing.objects.update(winners=[])
    with pytest.raises(DatabaseError), transaction.atomic():
        Drawing.objects.all()._raw_delete("default")
    programs.erase(offering.program.pk)
    assert not Drawing.objects.exists()
    offering.program = programs.start("Other", "EUR", "UTC")


def test_the_index_holds_what_shopify_has_no_part_in(offering):
    (condition,) = [index.condition for index in Redemption._meta.indexes if index.name == "redemption_own"]
    assert condition == tallies.OWN


@pytest.mark.parametrize(("reward", "points"), [("raffle", None), ("trees", 100)])
def test_one_that_is_taken_out_stays_archived_while_something_is_owed(offering, reward, points):
    has(offering, member(offering), reward, points=points)
    offering.offer()
    (kept,) = programs.document(offering.program)["rewards"]
    assert (kept["id"], kept["archived"]) == (reward, True)
    with pytest.raises(BadProgram, match="Give the new one another id"):
        offering.offer({"id": reward, "kind": "fixed", "title": "Other", "points": 5, "value": "5"})


def test_what_failed_is_not_handed_over_at_the_cost_of_points_that_are_back(offering):
    someone = member(offering)
    task = ask(offering, someone, "evening")
    redemptions.failed(offering.program.pk, task.pk, "The shop has uninstalled the app.")
    with pytest.raises(tasks.AlreadyDone):
        tasks.hand_over(task, "4711")
    assert available(someone) == 250


def test_the_entries_of_a_draw_that_was_taken_out_come_back(offering):
    someone = member(offering)
    has(offering, someone, "raffle")
    offering.offer()
    draws.call_off(offering.program, "raffle", "4711", "No bicycle")
    assert draws.return_entries() == 1
    assert available(someone) == 250
