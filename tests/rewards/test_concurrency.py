"""Many at once, on the real database: the locks and unique keys are what counts."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from time import monotonic, sleep

import pytest
from django.db import OperationalError, connection, transaction
from django.forms.models import model_to_dict

from rewards import orders, people, programs, redemptions, reservations, tiers, waits
from rewards import redemption_changes as changes
from rewards.audit import audit
from rewards.group_commit import GroupCommit, NotCommitted
from rewards.ledger import Overdrawn
from rewards.models import Budget, Member, MemberTier, Movement, Order, Redemption, TierChange, Wait
from rewards.reservations import Request
from rewards.settlement import Batch, settle_together
from tests.rewards.conftest import NOW, World, line, order
from tests.rewards.test_own_rewards import EVENING, RAFFLE

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS = 8


@pytest.fixture
def world():
    made = World()
    yield made
    assert not [finding.check.name for finding in audit() if finding.rows]


def at_once(calls):
    """Run the calls in threads with connections of their own; exceptions are results too."""

    def run(call):
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - what a caller got is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(run, calls))


def test_of_many_redemptions_exactly_those_that_the_balance_allows_succeed(world):
    member = world.earn(530)

    def redeem(number):
        return reservations.reserve(world.program, Request(member.pk, 1, 7001, "five-off", str(number)))

    results = at_once([lambda number=number: redeem(number) for number in range(24)])
    assert sum(isinstance(result, tuple) for result in results) == 5
    assert sum(isinstance(result, Overdrawn) for result in results) == 19
    member.refresh_from_db()
    assert (member.available, member.reserved) == (30, 500)


def test_of_many_members_who_want_the_last_ones_exactly_those_get_them(world):
    world.apply({**programs.document(world.program), "rewards": [{**EVENING, "in_total": 3}, RAFFLE]})
    members = [world.earn(250, customer_id=7000 + i, external_id=5000 + i) for i in range(CALLERS)]

    def redeem(member, reward):
        return reservations.reserve(world.program, Request(member.pk, 1, 7001, reward, reward))

    wishes = [(member, reward) for member in members for reward in ("evening", "raffle")]
    results = at_once([lambda wish=wish: redeem(*wish) for wish in wishes])
    assert sum(isinstance(result, reservations.LimitReached) for result in results) == CALLERS - 3
    assert sum(isinstance(result, tuple) for result in results) == CALLERS + 3


def test_a_line_keeps_its_order_while_everybody_moves(world):
    world.apply({**programs.document(world.program), "rewards": [{**EVENING, "in_total": 1}]})
    evening = programs.reward(programs.document(world.program), "evening")
    members = [world.earn(250, customer_id=7000 + i, external_id=5000 + i) for i in range(CALLERS)]
    taken, _ = reservations.reserve(world.program, Request(members[0].pk, 1, 7000, "evening", "k"))
    for member in members[1:4]:
        waits.join(world.program, member.pk, evening)
    results = at_once(
        [
            *[lambda member=member: waits.join(world.program, member.pk, evening) for member in members[4:]],
            lambda: redemptions.failed(world.program.pk, taken.pk, "no"),
            lambda: people.forget(world.program, (1, 7001)),
            *[waits.tell_due] * 4,
        ]
    )
    assert not [result for result in results if isinstance(result, Exception)]
    waits.tell_due()
    first, *others = Wait.objects.order_by("id")
    assert first.member_id == members[2].pk
    assert first.kept_until is not None
    assert [wait.kept_until for wait in others] == [None] * (CALLERS - 3)


def test_the_same_key_many_times_is_one_redemption(world):
    member = world.earn(1000)
    request = Request(member.pk, 1, 7001, "five-off", "the key")
    results = at_once([lambda: reservations.reserve(world.program, request)] * 16)
    assert len({redemption.pk for redemption, _ in results}) == 1
    assert sum(created for _, created in results) == 1
    assert Redemption.objects.count() == 1


def test_the_same_key_many_times_is_one_redemption_though_it_took_all_the_points(world):
    for round in range(10):
        member = world.earn(100, external_id=5000 + round)
        request = Request(member.pk, 1, 7001, "five-off", f"key {round}")
        results = at_once([lambda request=request: reservations.reserve(world.program, request)] * 8)
        assert len({redemption.pk for redemption, _ in results}) == 1
        assert sum(created for _, created in results) == 1


def test_who_has_too_few_points_is_told_so_while_others_change_the_balance(world):
    """Found by the soak: hundreds of refusals queued for one member's row until the web's time was over."""
    member = world.earn(99)
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        results = at_once([lambda n=n: _impatiently(world, member, f"poor {n}") for n in range(CALLERS)])
    assert {type(result) for result in results} == {Overdrawn}


def test_who_asks_once_more_is_answered_while_others_change_the_balance(world):
    """As after an answer that was too slow, which may be when others have the member's row."""
    member = world.earn(100)
    granted, _ = _redeem(world, member, "k")
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        results = at_once([lambda: _impatiently(world, member, "k")] * 2)
    assert [(again.pk, created) for again, created in results] == [(granted.pk, False)] * 2


def test_when_the_time_to_wait_for_a_member_is_over_it_is_over_for_all(world):
    """One after the other, the last of them would have waited as often as there are callers."""
    member = world.earn(CALLERS * 100)
    with ThreadPoolExecutor(1) as others, transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        calls = [lambda number=number: _impatiently(world, member, str(number)) for number in range(CALLERS)]
        results = others.submit(at_once, calls).result(timeout=CALLERS / 2)
    assert {type(result) for result in results} == {OperationalError}
    assert not Redemption.objects.exists()


def test_who_cant_pay_keeps_nobody_from_the_last_ones(world):
    world.apply({**programs.document(world.program), "rewards": [{**EVENING, "in_total": 3}]})
    poor, rich = world.earn(99), world.earn(250, customer_id=7002, external_id=5002)
    reservations.reserve(world.program, Request(rich.pk, 1, 7002, "evening", "k"))
    with transaction.atomic():
        Budget.objects.select_for_update().get()
        (result,) = at_once([lambda: _impatiently(world, poor, "poor", "evening")])
    assert isinstance(result, Overdrawn)


def test_workers_with_the_same_programs_in_hand_post_each_order_once(world):
    """New customers and new orders, which several workers find at the same moment, and in any order."""
    made = [world.program, *(World().program for _ in range(5))]
    for turn in range(6):
        news = [
            Batch(
                program,
                [
                    order(
                        line(1000),
                        source_id=program.pk,
                        external_id=10 * turn + number,
                        customer_id=7000 + 2 * turn + number % 2,
                    )
                    for number in range(4)
                ],
            )
            for program in made
        ]
        calls = [lambda part=news[first:] + news[:first]: settle_together(part[:4]) for first in range(6)]
        assert [result for result in at_once(calls) if isinstance(result, Exception)] == []
    assert list(Member.objects.values_list("available", flat=True)) == [20] * 6 * 12
    assert Order.objects.count() == 6 * 24


def test_redemptions_of_one_member_dont_all_wait_in_the_database(world):
    """Found by the soak: the last of 32 waited longer there than the web lets a statement take."""
    member = world.earn(CALLERS * 100)
    calls = [lambda number=number: _redeem(world, member, str(number)) for number in range(CALLERS)]
    waiting, results = _while_held(member, calls)
    assert waiting == 1
    assert all(isinstance(result, tuple) for result in results)
    assert _transactions() < CALLERS, "those who waited meanwhile share one"


def test_of_many_at_once_as_many_have_it_as_its_limit_says(world):
    """Of several members, each asking for several rewards whose limits are looked at together."""
    document = programs.document(world.program)
    limits = {"five-off": {"in_total": 5}, "free-shipping": {"in_total": 3, "per_member": 1}}
    world.apply(
        {**document, "rewards": [{**one, **limits.get(one["id"], {})} for one in document["rewards"]]}
    )
    members = [world.earn(1000, customer_id=7001 + n, external_id=5001 + n) for n in range(6)]
    wishes = [
        Request(member.pk, 1, 7001, reward, f"{reward} {number}")
        for number in range(3)
        for member in members
        for reward in (("five-off", "free-shipping") if member.pk % 2 else ("free-shipping", "five-off"))
    ]
    results = at_once([lambda wish=wish: reservations.reserve(world.program, wish) for wish in wishes])
    had = Counter(result[0].reward["id"] for result in results if isinstance(result, tuple))
    assert had == {"five-off": 5, "free-shipping": 3}
    refused = [result for result in results if not isinstance(result, tuple)]
    assert {type(result) for result in refused} == {reservations.LimitReached}
    free = [row.member_id for row in Redemption.objects.all() if row.reward["id"] == "free-shipping"]
    assert len(set(free)) == 3

    given_back = Redemption.objects.filter(reward__id="five-off")
    calls = [
        lambda row=row: redemptions.failed(world.program.pk, row.pk, "no") for row in given_back for _ in "ab"
    ]
    assert sorted(result is not None for result in at_once(calls)) == [False] * 5 + [True] * 5
    assert Budget.objects.get(rule="reward:five-off").used == 0


def test_requests_that_share_a_transaction_are_decided_one_by_one(world):
    """Five can be afforded; among the requests one key comes twice, and once for another reward."""
    member = world.earn(530)
    keys = ["same", "same", *map(str, range(6))]
    requests = [Request(member.pk, 1, 7001, "five-off", key) for key in keys]
    requests.append(Request(member.pk, 1, 7001, "free-shipping", "same"))
    wishes = [_wish(world, request) for request in requests]
    reservations._settle(wishes)
    first, second, *others, changed = wishes
    assert (first.created, second.created) == (True, False)
    assert first.granted == second.granted
    assert [wish.created for wish in others] == [True] * 4 + [False] * 2
    assert [str(wish.problem) for wish in others[4:]] == [str(Overdrawn(100, 30))] * 2
    assert isinstance(changed.problem, reservations.KeyReused)
    member.refresh_from_db()
    assert (member.available, member.reserved) == (30, 500)
    assert _transactions() == 1


@pytest.mark.parametrize("was_done", [True, False])
def test_who_was_let_down_by_another_ones_transaction_does_it_alone(world, monkeypatch, was_done):
    def let_down(group, wish):
        if was_done:
            group._commit([wish])
        raise NotCommitted

    member = world.earn(530)
    monkeypatch.setattr(GroupCommit, "keep", let_down)
    redemption, created = _redeem(world, member, "k")
    assert created is not was_done
    assert list(Redemption.objects.values_list("pk", "key")) == [(redemption.pk, "k")]


def test_codes_of_one_member_that_are_made_at_one_moment_share_transactions(world):
    member = world.earn(CALLERS * 100)
    made = [_redeem(world, member, str(number))[0] for number in range(CALLERS)]
    calls = [lambda row=row: redemptions.issued(world.program.pk, row.pk, f"{row.pk}") for row in made]
    waiting, changed = _while_held(member, calls)
    assert waiting == 1
    assert [(row.pk, row.state, row.external_ref) for row in changed] == [
        (row.pk, "issued", str(row.pk)) for row in made
    ]
    assert _transactions() < CALLERS
    member.refresh_from_db()
    assert (member.available, member.reserved) == (0, 0)


def test_changes_that_share_a_transaction_are_applied_one_by_one(world):
    member = world.earn(300)
    first, second, third = (_redeem(world, member, key)[0] for key in "abc")
    issue, fail = changes.Issue("gid://1"), changes.Fail("refused")
    back = changes.GiveBack("It is gone", "ann", before=("issued",))
    wanted = [(first, issue), (first, issue), (second, fail), (second, issue), (third, issue), (third, back)]
    steps = [
        redemptions._Step(world.program.pk, member.pk, row.pk, change, NOW + timedelta(minutes=turn))
        for turn, (row, change) in enumerate(wanted)
    ]
    redemptions._settle(steps)
    assert [step.changed is not None for step in steps] == [True, False, True, False, True, True]
    for row, state, turns in ((first, "issued", 1), (second, "failed", 1), (third, "cancelled", 2)):
        read = Redemption.objects.get(pk=row.pk)
        (step, *_) = (step for step in steps if step.redemption_id == row.pk)
        assert model_to_dict(step.changed) == model_to_dict(read)
        assert (read.state, read.turns, len(read.history)) == (state, turns, turns)
    assert _transactions() == 1
    member.refresh_from_db()
    assert (member.available, member.reserved) == (200, 0)


@pytest.mark.parametrize("was_done", [True, False])
def test_who_was_let_down_by_another_ones_transaction_changes_it_alone(world, monkeypatch, was_done):
    def let_down(group, step):
        if was_done:
            group._commit([replace(step)])
        raise NotCommitted

    member = world.earn(100)
    made, _ = _redeem(world, member, "k")
    monkeypatch.setattr(GroupCommit, "keep", let_down)
    changed = redemptions.issued(world.program.pk, made.pk, "gid://1")
    assert (changed is None) is was_done
    made.refresh_from_db()
    assert (made.state, made.turns) == ("issued", 1)


def _wish(world, request):
    return reservations._Wish(world.program, request, now=NOW)


def _transactions():
    """How many of them made the redemptions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM rewards_redemption")
        return cursor.fetchone()[0]


def _redeem(world, member, key):
    return reservations.reserve(world.program, Request(member.pk, 1, 7001, "five-off", key))


def _while_held(member, calls):
    """The most who waited for the member's row while it was held, and what became of the calls after it."""
    with ThreadPoolExecutor(1) as others:
        with transaction.atomic():
            Member.objects.select_for_update().get(pk=member.pk)
            results = others.submit(at_once, calls)
            waiting = _most_waiting(seconds=1)
        return waiting, results.result()


def _impatiently(world, member, key, reward="five-off"):
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '1s'")
    return reservations.reserve(world.program, Request(member.pk, 1, 7001, reward, key))


def _most_waiting(seconds):
    """The most connections that were seen to wait for a lock."""
    most, until = 0, monotonic() + seconds
    with connection.cursor() as cursor:
        while monotonic() < until:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            most = max(most, cursor.fetchone()[0])
            sleep(0.02)
    return most


def test_the_first_orders_of_one_customer_make_one_member(world):
    world.rules(signup_bonus=50)
    calls = [
        lambda number=number: world.settle(order(line(1000), external_id=5000 + number))
        for number in range(16)
    ]
    results = at_once(calls)
    assert results == [None] * 16
    assert Member.objects.get().available == 50 + 16 * 10


def test_one_order_many_times_at_once_earns_once(world):
    results = at_once([lambda: world.settle(order(line(1000)))] * 16)
    assert results == [None] * 16
    assert Movement.objects.count() == 1


def test_orders_and_merges_in_any_order_end_in_one_member(world):
    world.earn(10)
    world.earn(10, customer_id=7002, external_id=5002)
    calls = [lambda: people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)]
    for number in range(15):
        news = order(line(1000), external_id=6000 + number, customer_id=7001 + number % 2)
        calls.append(lambda news=news: world.settle(news))
    results = at_once(calls)
    assert results == [None] * 16
    assert world.member(7001) == world.member(7002)
    assert world.member(7001).available == 170


def test_of_many_at_once_as_many_are_surprised_as_the_budget_has_places(world):
    world.rules(rules=[{"id": "luck", "kind": "surprise", "amount": "50", "points": 50, "budget": 2}])
    news = [order(line(5000), external_id=number, customer_id=number) for number in range(1, 9)]
    at_once([lambda item=item: orders.settle_orders(world.program, [item], now=NOW) for item in news])
    given = Order.objects.filter(program=world.program).values_list("points", flat=True)
    assert sorted(given) == [50] * 6 + [100] * 2


def test_orders_of_one_member_at_once_welcome_them_once(world):
    level = {"id": "silver", "name": "Silver", "from": "20", "entry_points": 7}
    world.apply({**programs.document(world.program), "tiers": {"levels": [level]}})
    results = at_once(
        [
            lambda number=number: world.settle(order(line(1000), external_id=6000 + number))
            for number in range(CALLERS)
        ]
    )
    assert results == [None] * CALLERS
    assert Movement.objects.filter(kind="tier").count() == 1
    assert world.member().available == 10 * CALLERS + 7
    assert list(world.member().tier_changes.values_list("previous", "tier")) == [("", "silver")]


def test_a_night_in_several_hands_twice_at_once_moves_each_member_once(world):
    level = {"id": "silver", "name": "Silver", "from": "20"}
    world.apply({**programs.document(world.program), "tiers": {"levels": [level]}})
    for number in range(9):
        world.earn(30, customer_id=7100 + number, external_id=5100 + number)
    late = NOW + timedelta(days=400)
    results = at_once([lambda: tiers.review_due(now=late, batch=2, hands=2)] * 2)
    assert all(isinstance(result, int) for result in results)
    assert sum(results) >= 9
    assert list(TierChange.objects.filter(tier="").values_list("reason", flat=True)) == ["not_kept"] * 9
    assert not MemberTier.objects.exclude(due_on=None).exists()
