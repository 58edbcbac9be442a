"""Gifts by rule: for what is spent, for the next orders, to who stayed away, to the members of a tier."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import (
    budgets,
    gift_reviews,
    gift_rounds,
    gift_rules,
    people,
    programs,
    recurring,
    redemption_care,
    redemptions,
    tier_grants,
)
from rewards.documents import BadProgram
from rewards.models import GiftRound, Redemption
from rewards.redemption_care import EndingWith, Reason
from rewards.redemptions import State
from tests.rewards.conftest import NOW, World, line, order

ID = "thanks"
WHY = Reason("4711", "It was lost")
DAY = timedelta(days=1)


@pytest.fixture
def by_rule(world):
    """The world's program with one rule."""

    def apply(kind, **said):
        rule = {"id": ID, "kind": kind, "title": "Thank you", "reward": "five-off", **said}
        rule.setdefault("starts", "2020-01-01")
        world.apply({**programs.document(world.program), "gifts": [rule]})

    return apply


def buy(world, euros, number, *, at=NOW, now=None, **changes):
    said = {"external_id": 5000 + number, "processed_at": at, "updated_at": at, **changes}
    world.settle(order(line(euros * 100), **said), now=now or max(at, NOW))


def refund(world, euros, number, *, left=0, minutes=30, **changes):
    lines = [line(euros * 100, current=0)] if not left else [line(left * 100, id=1)]
    world.settle(order(*lines, external_id=5000 + number, minutes=minutes, **changes))


def gifts(**about):
    return list(Redemption.objects.filter(points=0, **about).order_by("pk"))


def issue(world, *given):
    for one in given:
        redemptions.issued(world.program.pk, one.pk, f"gid://{one.pk}", now=NOW)


def replaced(world, one):
    """Staff have another code made."""
    redemption_care.end(world.program.pk, one.pk, EndingWith.NEW_CODE, WHY, now=NOW)
    redemptions.ended(world.program.pk, one.pk, now=NOW)
    new = Redemption.objects.get(key=f"replaces:{one.pk}")
    issue(world, new)
    return new


@pytest.mark.parametrize(
    ("within", "orders", "expected"),
    [
        (None, [(1, 499)], 0),
        (None, [(1, 500)], 1),
        (None, [(1, 499), (2, 1)], 1),
        (None, [(1, 1700)], 3),
        (None, [(1, 700), (2, 300)], 2),
        (30, [(1, 300), (32, 300)], 0),
        (30, [(1, 300), (31, 300)], 1),
        (30, [(1, 700), (31, 300)], 2),
        (30, [(1, 700), (32, 300)], 1),
        (30, [(1, 400), (20, 300), (51, 300)], 1),
        (30, [(1, 400), (20, 300), (50, 300)], 2),
        (1, [], 0),
    ],
)
def test_milestones_are_counted(within, orders, expected):
    first = date(2026, 1, 1)
    dated = [(first + timedelta(days=day), spend) for day, spend in orders]
    assert gift_rules.milestones(500, within, dated) == expected


FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("within", "orders", "today", "reached", "spent", "until"),
    [
        (None, [], 1, 0, 0, None),
        (None, [(1, 363)], 900, 0, 363, None),
        (None, [(1, 500)], 1, 1, 0, None),
        (None, [(1, 700), (2, 100)], 2, 1, 300, None),
        (30, [], 1, 0, 0, None),
        (30, [(1, 300)], 31, 0, 300, 31),
        (30, [(1, 300)], 32, 0, 0, None),
        (30, [(1, 300), (20, 100)], 31, 0, 400, 31),
        (30, [(1, 300), (20, 100)], 32, 0, 100, 50),
        (30, [(1, 300), (20, 300)], 31, 1, 100, 50),
        (30, [(1, 700)], 31, 1, 200, 31),
        (30, [(1, 700)], 32, 1, 0, None),
        (1, [(1, 499)], 2, 0, 499, 2),
    ],
)
def test_progress_is_what_still_counts_by_a_day(within, orders, today, reached, spent, until):
    dated = [(FIRST + timedelta(days=day), spend) for day, spend in orders]
    last = until and FIRST + timedelta(days=until)
    found = gift_rules.progress(500, within, dated, FIRST + timedelta(days=today))
    assert found == gift_rules.Progress(reached, spent, last)


histories = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 1500))).map(
    lambda row: [(FIRST + timedelta(days=day), spend) for day, spend in sorted(row)]
)


@given(st.integers(1, 600), st.none() | st.integers(1, 60), histories, st.integers(0, 60))
def test_what_is_missing_is_what_reaches_one_more(amount, within, orders, later):
    today = max((day for day, _ in orders), default=FIRST) + timedelta(days=later)
    now_at = gift_rules.progress(amount, within, orders, today)

    def reached(spend, day=today):
        return gift_rules.milestones(amount, within, [*orders, (day, spend)])

    missing = amount - now_at.spent
    assert now_at.reached == gift_rules.milestones(amount, within, orders)
    assert reached(missing - 1) == now_at.reached
    assert reached(missing) == now_at.reached + 1
    if now_at.until is not None:
        assert reached(missing, now_at.until) == now_at.reached + 1
        assert reached(missing, now_at.until + DAY) == now_at.reached
    else:
        assert within is None or now_at.spent == 0


def milestone(world, now=NOW):
    """How far the member is: missing, spent and until when."""
    (found,) = gift_reviews.standings(world.program, world.member().pk, now)
    return found.missing, found.spent, found.until


def test_a_member_sees_what_is_missing(world, by_rule):
    by_rule("milestone", amount="50", within_days=30)
    buy(world, 70, 1)
    last = date(2026, 12, 20)
    assert milestone(world) == (3000, 2000, last)
    assert milestone(world, NOW + 30 * DAY) == (3000, 2000, last)
    assert milestone(world, NOW + 31 * DAY) == (5000, 0, None)
    refund(world, 70, 1, left=45)
    assert milestone(world) == (500, 4500, last)


def test_the_day_is_the_shops_own(world, by_rule):
    by_rule("milestone", amount="50", within_days=1)
    buy(world, 20, 1, at=NOW)
    still = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
    assert milestone(world, still) == (3000, 2000, date(2026, 11, 21))
    assert milestone(world, still + timedelta(minutes=1)) == (5000, 0, None)


def test_the_end_of_the_rule_is_the_last_day_too(world, by_rule):
    by_rule("milestone", amount="50", within_days=30, ends="2026-12-07")
    buy(world, 20, 1)
    assert milestone(world) == (3000, 2000, date(2026, 12, 7))
    assert gift_reviews.standings(world.program, None, NOW + 20 * DAY) == []


@pytest.mark.parametrize("said", [{"archived": True}, {"starts": "2027-01-01"}, {"ends": "2026-11-19"}])
def test_what_is_not_on_is_not_shown(world, by_rule, said):
    by_rule("milestone", amount="50", **said)
    assert gift_reviews.standings(world.program, None, NOW) == []


def test_whoever_is_unknown_has_spent_nothing(world, by_rule, django_assert_num_queries):
    by_rule("milestone", amount="50")
    buy(world, 20, 1)
    gift_rules.of_program(world.program, "milestone")
    with django_assert_num_queries(0):
        (found,) = gift_reviews.standings(world.program, None, NOW)
    assert (found.missing, found.spent, found.until) == (5000, 0, None)


def test_one_that_could_not_be_made_is_owed(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 60, 1)
    assert milestone(world) == (4000, 1000, None)
    redemptions.failed(world.program.pk, gifts()[0].pk, "no", now=NOW)
    assert milestone(world) == (0, 5000, None)
    buy(world, 1, 2)
    assert len(gifts()) == 2
    assert milestone(world) == (3900, 1100, None)


def test_what_was_had_for_an_order_that_was_undone_comes_first(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    (one,) = gifts()
    issue(world, one)
    buy(world, 10, 2, codes=(one.code,))
    refund(world, 50, 1)
    assert milestone(world) == (9000, 0, None)
    buy(world, 89, 3)
    assert len(gifts()) == 1
    buy(world, 1, 4)
    assert len(gifts()) == 2


@pytest.mark.parametrize("seed", range(6))
def test_what_is_missing_is_what_brings_the_next_gift(world, by_rule, seed):
    """Whatever was bought, refunded, used or not made before."""
    chance, bought = random.Random(seed), {}
    by_rule("milestone", amount="50", within_days=chance.choice([None, 5, 20]))
    now = NOW
    for number in range(1, 13):
        now += chance.randint(0, 4) * DAY
        match chance.choice(["buy", "buy", "buy", "refund", "use", "fail"]):
            case "refund" if bought:
                which = chance.choice(sorted(bought))
                refund(world, bought.pop(which), which, minutes=number * 10_000)
            case "use" if ready := gifts(state=State.ISSUED):
                buy(world, 1, number, at=now, codes=(ready[0].code,))
            case "fail" if made := gifts(state=State.RESERVED):
                redemptions.failed(world.program.pk, made[0].pk, "no", now=now)
            case _:
                bought[number] = chance.randint(1, 90)
                buy(world, bought[number], number, at=now)
                if chance.random() < 0.5:
                    issue(world, *gifts(state=State.RESERVED))
    had = len(gifts())
    missing, _, _ = milestone(world, now)
    if missing > 1:
        spend(world, missing - 1, 50, now)
        assert len(gifts()) == had
        missing = 1
        assert milestone(world, now)[0] == missing
    spend(world, max(1, missing), 51, now)
    assert len(gifts()) == had + 1


def spend(world, cents, number, at):
    world.settle(order(line(cents), external_id=5000 + number, processed_at=at, updated_at=at), now=at)


def test_each_milestone_gives_one_and_the_rest_counts_on(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 40, 1)
    assert gifts() == []
    buy(world, 70, 2)
    assert [one.key for one in gifts()] == ["gift:thanks:1", "gift:thanks:2"]
    buy(world, 39, 3)
    assert len(gifts()) == 2
    buy(world, 1, 4)
    (*_, third) = gifts()
    assert (third.key, third.rule, third.history[0]["why"]) == ("gift:thanks:3", ID, "Thank you.")


def test_the_same_news_twice_gives_nothing_more(world, by_rule):
    by_rule("milestone", amount="50")
    for _ in range(2):
        buy(world, 60, 1)
    assert len(gifts()) == 1


def test_a_refund_takes_back_what_is_unused_and_leaves_what_was_used(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 100, 1)
    first, second = gifts()
    issue(world, first, second)
    buy(world, 10, 2, codes=(first.code,))
    refund(world, 100, 1)
    first, second = gifts()
    assert (first.state, second.state) == (State.USED, State.ENDING)
    assert (second.ending_as, second.ending_with) == (State.CANCELLED, "taken")
    redemptions.ended(world.program.pk, second.pk, now=NOW)
    # The one that was used was for the first 50.00; the next is for the second.
    buy(world, 45, 3)
    assert len(gifts()) == 2
    buy(world, 45, 4)
    assert [one.key for one in gifts()] == ["gift:thanks:1", "gift:thanks:2", "gift:thanks:3"]


def test_a_gift_that_is_being_made_is_taken_back_as_soon_as_it_is_there(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    refund(world, 50, 1)
    (one,) = gifts()
    assert one.state == State.RESERVED
    issue(world, one)
    one.refresh_from_db()
    assert (one.state, one.ending_as) == (State.ENDING, State.CANCELLED)
    assert one.due_at == NOW


def test_one_with_another_code_is_still_one_gift(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    issue(world, *gifts())
    new = replaced(world, gifts()[0])
    buy(world, 1, 2)
    assert [one.state for one in gifts()] == [State.CANCELLED, State.ISSUED]
    refund(world, 50, 1)
    new.refresh_from_db()
    assert (new.state, new.ending_with) == (State.ENDING, "taken")


def test_a_surprise_with_another_code_is_taken_back_with_its_order(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=5)
    buy(world, 50, 1)
    issue(world, *gifts())
    new = replaced(world, gifts()[0])
    refund(world, 50, 1)
    new.refresh_from_db()
    assert (new.state, new.ending_with) == (State.ENDING, "taken")


def test_no_other_code_comes_for_a_gift_that_is_taken_back_meanwhile(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    issue(world, *gifts())
    (one,) = gifts()
    redemption_care.end(world.program.pk, one.pk, EndingWith.NEW_CODE, WHY, now=NOW)
    refund(world, 50, 1)
    redemptions.ended(world.program.pk, one.pk, now=NOW)
    assert [(found.state, found.ending_with) for found in gifts()] == [(State.CANCELLED, "taken")]


def test_a_gift_that_was_used_before_it_could_be_disabled_was_had(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    (one,) = gifts()
    issue(world, one)
    refund(world, 50, 1)
    buy(world, 10, 2, codes=(one.code,))
    buy(world, 45, 3)
    (one,) = gifts()
    assert one.state == State.USED


def test_one_that_could_not_be_made_is_given_again_with_the_next_order(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    redemptions.failed(world.program.pk, gifts()[0].pk, "no", now=NOW)
    buy(world, 1, 2)
    assert [one.state for one in gifts()] == [State.FAILED, State.RESERVED]


def test_orders_from_before_the_rule_count_only_where_it_says_so(world, by_rule):
    by_rule("milestone", amount="50", starts="2026-11-20T12:00")
    buy(world, 50, 1, at=NOW - 2 * DAY)
    assert gifts() == []
    by_rule("milestone", amount="50", starts="2026-11-01")
    buy(world, 1, 2)
    assert len(gifts()) == 1


def test_two_who_become_one_reach_together_what_neither_did(world, by_rule):
    by_rule("milestone", amount="50")
    buy(world, 60, 1)
    buy(world, 40, 2, customer_id=7002)
    assert len(gifts()) == 1
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    assert len(gifts(member=world.member())) == 2


def test_both_had_one_before_they_became_one(world, by_rule):
    """100.00 are two, and two were given."""
    by_rule("milestone", amount="50")
    buy(world, 50, 1)
    buy(world, 50, 2, customer_id=7002)
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    assert len(gifts(member=world.member())) == 2
    buy(world, 50, 3)
    assert len(gifts(member=world.member())) == 3


def test_a_surprise_is_for_the_next_orders_that_are_large_enough(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=2)
    buy(world, 49, 1)
    for number in (2, 3, 4):
        buy(world, 50, number, customer_id=7000 + number)
    assert [one.member.identities.get().external_id for one in gifts()] == [7002, 7003]
    refund(world, 50, 2, customer_id=7002)
    buy(world, 50, 5)
    assert len(gifts()) == 2, "whoever had it keeps the place"


def test_a_surprise_that_cannot_be_made_leaves_its_place_to_the_next_order(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=1)
    buy(world, 50, 1)
    (one,) = gifts()
    redemptions.failed(world.program.pk, one.pk, "Shopify said no", now=NOW)
    buy(world, 50, 2, customer_id=7002)
    buy(world, 50, 3, customer_id=7003)
    assert len(gifts()) == 2
    assert budgets.used(world.program.pk, [ID]) == {ID: 1}


def test_a_surprise_that_was_used_after_all_takes_its_place_again(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=1)
    buy(world, 50, 1)
    (one,) = gifts()
    redemptions.failed(world.program.pk, one.pk, "Shopify said no", now=NOW)
    buy(world, 10, 2, codes=(one.code,))
    assert budgets.used(world.program.pk, [ID]) == {ID: 1}


def test_a_surprise_is_taken_back_with_its_order(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=2)
    buy(world, 60, 1)
    (one,) = gifts()
    issue(world, one)
    refund(world, 60, 1, left=55, minutes=10)
    assert gifts()[0].state == State.ISSUED
    refund(world, 60, 1, left=45)
    assert gifts()[0].state == State.ENDING


def test_who_stayed_away_is_given_something_on_the_day(world, by_rule):
    by_rule("win_back", days=30)
    buy(world, 10, 1)
    assert gift_rounds.give_due(now=NOW + 29 * DAY) == 0
    assert gift_rounds.give_due(now=NOW + 30 * DAY) == 1
    assert gift_rounds.give_due(now=NOW + 31 * DAY) == 0
    (one,) = gifts()
    assert one.key == "gift:thanks:2026-11-20"


def test_a_day_that_the_clock_missed_is_made_up_for_and_a_week_is_not(world, by_rule):
    by_rule("win_back", days=30)
    buy(world, 10, 1)
    assert gift_rounds.give_due(now=NOW + 33 * DAY) == 0
    assert gift_rounds.give_due(now=NOW + 32 * DAY) == 1


def test_who_ordered_since_or_is_gone_gets_nothing(world, by_rule):
    by_rule("win_back", days=30)
    buy(world, 10, 1)
    buy(world, 10, 2, at=NOW + DAY)
    buy(world, 10, 3, customer_id=7002)
    people.forget(world.program, (1, 7002))
    buy(world, 10, 4, customer_id=7003)
    people.close(world.program, (1, 7003), at=NOW)
    assert gift_rounds.give_due(now=NOW + 30 * DAY) == 0
    refund(world, 10, 2, minutes=2000)
    assert gift_rounds.give_due(now=NOW + 30 * DAY) == 1


def test_who_stays_away_again_waits_for_the_pause_to_be_over(world, by_rule):
    by_rule("win_back", days=30, again_days=100)
    buy(world, 10, 1)
    gift_rounds.give_due(now=NOW + 30 * DAY)
    Redemption.objects.update(created_at=NOW + 30 * DAY)
    buy(world, 10, 2, at=NOW + 40 * DAY)
    assert gift_rounds.give_due(now=NOW + 70 * DAY) == 0
    buy(world, 10, 3, at=NOW + 100 * DAY)
    assert gift_rounds.give_due(now=NOW + 130 * DAY) == 1


def test_a_new_rule_gives_nothing_for_days_before_it(world, by_rule):
    by_rule("win_back", days=30, starts="2026-12-21")
    buy(world, 10, 1)
    assert gift_rounds.give_due(now=NOW + 31 * DAY) == 0


@pytest.fixture
def gold(world, by_rule):
    """Two members of the tier Gold."""
    document = programs.document(world.program)
    levels = [{"id": "gold", "name": "Gold", "from": "100"}]
    world.apply({**document, "tiers": {**document["tiers"], "levels": levels}})
    by_rule("tier_perk", tier="gold", every="month")
    for customer_id in (7001, 7002):
        buy(world, 100, customer_id, customer_id=customer_id)
    return world


def test_on_arriving_at_the_tier_they_get_what_the_period_gives(gold):
    assert [(one.key, one.expires_at.isoformat()) for one in gifts()] == [
        ("gift:thanks:2026-11-30", "2026-11-30T22:59:59.999999+00:00")
    ] * 2
    assert gift_rounds.give_due(now=NOW) == 0


def test_another_code_for_a_perk_ends_with_the_period_too(gold):
    issue(gold, *gifts())
    first = gifts(member=gold.member())[0]
    second = replaced(gold, first)
    third = replaced(gold, second)
    assert first.expires_at == second.expires_at == third.expires_at


def test_what_fails_for_one_of_them_keeps_nothing_from_the_other(gold, monkeypatch):
    perk, (unlucky, lucky) = gift_rounds._perk, [one.member_id for one in gifts()]

    def failing(program, rule, member_id, *, now):
        if member_id == unlucky:
            raise ValueError("Something nobody thought of")
        return perk(program, rule, member_id, now=now)

    monkeypatch.setattr(gift_rounds, "_perk", failing)
    for _ in range(2):
        with pytest.raises(recurring.LeftBehind):
            gift_rounds.give_due(now=NOW + 15 * DAY)
    assert [one.member_id for one in gifts(key="gift:thanks:2026-12-31")] == [lucky]
    monkeypatch.undo()
    assert gift_rounds.give_due(now=NOW + 15 * DAY) == 1


def test_each_period_gives_one_to_those_who_are_still_there(gold):
    refund(gold, 100, 7002, customer_id=7002)
    tier_grants.tiers.review_due(now=NOW)
    assert gift_rounds.give_due(now=NOW + 15 * DAY, batch=1) == 1
    assert gift_rounds.give_due(now=NOW + 16 * DAY) == 0
    assert GiftRound.objects.get(ends_on=date(2026, 12, 31)).is_over
    (last,) = gifts(key="gift:thanks:2026-12-31")
    assert last.member_id == gold.member().pk


def test_a_round_that_was_cut_short_goes_on_where_it_was(gold, monkeypatch):
    give = gift_rounds._give
    calls = []

    def breaking(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return give(*given)

    monkeypatch.setattr(gift_rounds, "_give", breaking)
    with pytest.raises(KeyboardInterrupt):
        gift_rounds.give_due(now=NOW + 15 * DAY, batch=1)
    assert gift_rounds.give_due(now=NOW + 15 * DAY, batch=1) == 1
    assert len(gifts(key="gift:thanks:2026-12-31")) == 2


def test_whoever_is_invited_in_the_midst_of_a_period_gets_theirs_at_once(gold):
    buy(gold, 1, 9, customer_id=7003)
    guest = gold.member(7003)
    tier_grants.invite(gold.program, guest.pk, "gold", None, "4711", now=NOW)
    assert [one.key for one in gifts(member=guest)] == ["gift:thanks:2026-11-30"]


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"kind": "milestone", "amount": "0"}, "gifts.0.amount"),
        ({"kind": "milestone", "amount": "50", "reward": "nothing"}, "gifts.0.reward"),
        ({"kind": "milestone", "amount": "50", "reward": "choose"}, "gifts.0.reward"),
        ({"kind": "milestone"}, "gifts.0.amount"),
        ({"kind": "win_back", "days": 5}, "gifts.0.days"),
        ({"kind": "win_back", "days": 30, "ends": "2019-01-01"}, "gifts.0.ends"),
        ({"kind": "tier_perk", "tier": "platinum"}, "gifts.0.tier"),
        ({"kind": "lottery"}, "gifts.0.kind"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_where_it_is_wrong(world, by_rule, said, path):
    with pytest.raises(BadProgram) as refused:
        by_rule(**said)
    assert path in refused.value.errors


def test_a_program_without_such_rules_asks_nothing(world: World, django_assert_max_num_queries):
    buy(world, 10, 1)
    with django_assert_max_num_queries(1):
        assert gift_rounds.give_due(now=NOW) == 0


def test_what_there_are_only_some_of_is_given_by_hand_alone(world, by_rule):
    evening = {"id": "evening", "kind": "exclusive", "title": "An evening", "points": 100}
    document = programs.document(world.program)
    world.apply({**document, "rewards": [evening]})
    by_rule("win_back", days=30, reward="evening")
    world.apply({**document, "rewards": [{**evening, "in_total": 2}]})
    with pytest.raises(BadProgram, match="more of it than there are"):
        by_rule("win_back", days=30, reward="evening")
