"""Gifts by rule: for what is spent, for the next orders, to who stayed away, to the members of a tier."""

from datetime import date, timedelta

import pytest

from rewards import (
    budgets,
    gift_rounds,
    people,
    programs,
    recurring,
    redemption_care,
    redemptions,
    tier_grants,
)
from rewards.documents import BadProgram
from rewards.models import GiftRound, Redemption
from rewards.redemption_care import EndingWith
from rewards.redemptions import State
from tests.rewards.conftest import NOW, World
from tests.rewards.gifts import RULE, WHY, buy, gifts, issue, refund, replaced

DAY = timedelta(days=1)


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
    assert (third.key, third.rule, third.history[0]["why"]) == ("gift:thanks:3", RULE, "Thank you.")


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
    assert budgets.used(world.program.pk, [RULE]) == {RULE: 1}


def test_a_surprise_that_was_used_after_all_takes_its_place_again(world, by_rule):
    by_rule("surprise_gift", amount="50", budget=1)
    buy(world, 50, 1)
    (one,) = gifts()
    redemptions.failed(world.program.pk, one.pk, "Shopify said no", now=NOW)
    buy(world, 10, 2, codes=(one.code,))
    assert budgets.used(world.program.pk, [RULE]) == {RULE: 1}


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
