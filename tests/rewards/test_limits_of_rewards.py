"""Who can have a reward, from when to when, and how many of it."""

import re
from datetime import timedelta

import pytest

from rewards import budgets, offers, overview, people, programs, redemptions, reservations, standing
from rewards.models import Budget, Redemption
from rewards.offers import Shopper
from rewards.overview import overviews
from rewards.redemptions import State
from rewards.reservations import LimitReached, NoSuchReward, NotNow
from tests.rewards.conftest import NOW, line, order
from tests.statements.recording import recorded

LATER = NOW + timedelta(minutes=20)


@pytest.fixture
def limited(world):
    """Changes the first reward; another one has the same limits, so that the two are told apart."""

    def change(**settings):
        document = programs.document(world.program)
        first, second, *others = document["rewards"]
        world.apply(
            {
                **document,
                "rewards": [{**first, **settings}, {**second, "per_member": 1, "in_total": 1}, *others],
            }
        )

    return change


def ask(world, member, reward="five-off", key="1", now=NOW):
    request = reservations.Request(member.pk, 1, 7001, reward, key)
    return reservations.reserve(world.program, request, now=now)[0]


def taken(world):
    return budgets.used(world.program.pk, ["reward:five-off"]).get("reward:five-off", 0)


def seen(world, customer=7001):
    (found,) = overviews(world.program.pk, 1, [customer])
    rewards = standing.rewards_for(found.program, found.shopper, NOW)
    return next((one for one in rewards if one["id"] == "five-off"), None)


def test_customers_without_the_tag_dont_see_it(world, limited):
    member = world.earn(500)
    limited(customer_tags=["VIP"])
    with pytest.raises(NoSuchReward, match="for other members"):
        ask(world, member)
    assert seen(world) is None
    people.remember_tags(world.program.pk, (1, 7001), ["vip", "x"])
    assert seen(world)["affordable"]
    assert ask(world, member).points == 100
    assert "five-off" not in [one["id"] for one in standing.public_program(world.program)["rewards"]]
    member = world.member()
    assert "customer_tags" not in seen(world)


def test_what_a_standing_promises_next_is_for_the_member(world, limited):
    limited(customer_tags=["vip"], points=50)
    member = world.earn(20)
    assert standing.standing(world.program, member)["next_reward"]["title"] == "Free shipping"
    people.remember_tags(world.program.pk, (1, 7001), ["VIP"])
    assert standing.standing(world.program, world.member())["next_reward"]["missing"] == 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"starts": "2026-11-20T13:01"}, "hasn't started yet"),
        ({"starts": "2026-11-21"}, "hasn't started yet"),
        ({"ends": "2026-11-20T13:00"}, "is over"),
        ({"ends": "2026-11-19"}, "is over"),
    ],
)
def test_before_it_starts_and_after_it_ends_it_is_not_there(world, limited, settings, message):
    """It is 13:00 in Berlin."""
    member = world.earn(500)
    limited(**settings)
    with pytest.raises(NotNow, match=message):
        ask(world, member)
    assert seen(world) is None


@pytest.mark.parametrize("settings", [{"starts": "2026-11-20T13:00"}, {"ends": "2026-11-20"}])
def test_from_its_first_minute_to_its_last_day_it_is_there(world, limited, settings):
    member = world.earn(500)
    limited(**settings)
    assert ask(world, member).points == 100
    assert "affordable" in seen(world)


def test_shoppers_read_its_first_and_last_day_and_how_many_they_can_have(world, limited):
    world.earn(500)
    limited(starts="2026-11-01", ends="2026-12-24", per_member=3)
    shown = seen(world)
    assert [shown[name] for name in ("opens", "closes", "per_member")] == [
        "2026-11-01",
        "2026-12-24",
        3,
    ]
    assert not {"starts", "ends", "in_total", "left"} & shown.keys()
    made = ask(world, world.member())
    assert not {"placed", "in_total"} & offers.public(made.reward).keys()


def test_everybody_reads_of_what_is_still_to_come_and_not_of_what_is_over(world, limited, monkeypatch):
    monkeypatch.setattr("rewards.clock.now", lambda: NOW)
    limited(starts="2026-11-21")
    assert "five-off" in [one["id"] for one in standing.public_program(world.program)["rewards"]]
    limited(starts=None, ends="2026-11-19")
    assert "five-off" not in [one["id"] for one in standing.public_program(world.program)["rewards"]]


def test_a_member_has_it_as_often_as_they_can(world, limited):
    member, other = world.earn(500), world.earn(500, customer_id=7002, external_id=5002)
    ask(world, member, key="before")
    limited(per_member=2)
    assert seen(world)["affordable"]
    ask(world, member, key="second")
    with pytest.raises(LimitReached, match=r"You have had “5\.00 off” as often as one member can"):
        ask(world, member, key="third")
    shown = seen(world)
    assert (shown["affordable"], shown["reason"], shown["missing"]) == (False, "had_enough", 0)
    assert "reason" not in seen(world, 7002)
    assert ask(world, other).points == 100


def test_all_together_have_it_as_often_as_it_says(world, limited):
    member, other = world.earn(500), world.earn(500, customer_id=7002, external_id=5002)
    ask(world, member, key="before there was a limit")
    limited(in_total=2)
    ask(world, member, key="one")
    assert seen(world, 7002)["left"] == 1
    ask(world, other, key="two")
    with pytest.raises(LimitReached, match=r"Nothing is left of “5\.00 off”"):
        ask(world, other, key="three")
    assert seen(world)["reason"] == seen(world, None)["reason"] == "all_taken"
    assert ask(world, other, key="two").points == 100, "the same request has its answer"
    limited(in_total=3)
    assert seen(world, 7002)["left"] == 1


def test_what_is_all_taken_is_promised_to_nobody(world, limited):
    limited(in_total=1, points=60)
    other = world.earn(50, customer_id=7002, external_id=5002)
    assert standing.standings(world.program, [other])[other.pk]["next_reward"]["points"] == 60
    ask(world, world.earn(500))
    assert standing.standings(world.program, [other])[other.pk]["next_reward"]["points"] == 150


def fail(world, made):
    redemptions.failed(world.program.pk, made.pk, "no", now=NOW)


def issue(world, made):
    redemptions.issued(world.program.pk, made.pk, "gid://1", now=NOW)


def end(world, made, how):
    issue(world, made)
    redemptions.start_ending(world.program.pk, made.pk, how, now=NOW)
    assert taken(world) == 1, "until it is certain"
    redemptions.ended(world.program.pk, made.pk, now=NOW)


def use(world, made, minutes=1, **changes):
    world.settle(
        order(line(9900), external_id=6001, codes=(made.code,), minutes=minutes, **changes), now=LATER
    )


@pytest.mark.parametrize(
    ("story", "state", "places"),
    [
        ([fail], State.FAILED, 0),
        ([issue], State.ISSUED, 1),
        ([lambda *who: end(*who, State.EXPIRED)], State.EXPIRED, 0),
        ([lambda *who: end(*who, State.CANCELLED)], State.CANCELLED, 0),
        ([issue, use], State.USED, 1),
        ([issue, use, lambda *who: use(*who, minutes=2, cancelled=True)], State.RETURNED, 0),
        ([fail, use], State.USED, 1),
        ([lambda *who: end(*who, State.CANCELLED), use], State.USED, 1),
    ],
)
def test_a_place_is_free_again_when_nothing_came_of_it(world, limited, story, state, places):
    """The audit after each test compares the budget with the redemptions."""
    limited(in_total=1, per_member=1)
    member = world.earn(500)
    made = ask(world, member)
    for event in story:
        event(world, made)
    made.refresh_from_db()
    assert (made.state, taken(world)) == (state, places)
    if places:
        with pytest.raises(LimitReached):
            ask(world, member, key="2")
    else:
        assert ask(world, member, key="2").points == 100


def test_the_places_of_one_that_returns_no_points_are_free_too(world, limited):
    limited(in_total=1)
    world.apply({**programs.document(world.program), "return_unused": False})
    made = ask(world, world.earn(500))
    end(world, made, State.EXPIRED)
    assert taken(world) == 0


def test_a_redemption_from_before_there_were_limits_holds_no_place(world, limited):
    made = ask(world, world.earn(500))
    stored = {name: said for name, said in made.reward.items() if name not in ("placed", "in_total")}
    Redemption.objects.filter(pk=made.pk).update(reward=stored)
    limited(in_total=5)
    fail(world, made)
    assert not Budget.objects.exists()


def test_a_member_who_was_merged_has_had_what_both_had(world, limited):
    first, second = world.earn(500), world.earn(500, customer_id=7002, external_id=5002)
    limited(per_member=2)
    ask(world, first, key="a")
    request = reservations.Request(second.pk, 1, 7002, "five-off", "b")
    reservations.reserve(world.program, request, now=NOW)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert seen(world)["reason"] == "had_enough"


def test_a_rule_of_the_same_id_has_a_budget_of_its_own(world, limited):
    limited(in_total=2)
    surprise = {"id": "five-off", "kind": "surprise", "amount": "1", "points": 5, "budget": 9}
    world.rules(rules=[surprise])
    ask(world, world.earn(500))
    assert dict(Budget.objects.values_list("rule", "used")) == {"five-off": 1, "reward:five-off": 1}


def test_counting_costs_nothing_where_no_reward_has_limits(world):
    world.earn(500)
    overviews(world.program.pk, 1, [7001])
    with recorded() as statements:
        overviews(world.program.pk, 1, [7001])
    (asked,) = statements
    assert "rewards_identity" in asked.sql
    assert "rewards_budget" not in asked.sql


def test_with_limits_it_is_one_statement_as_well(world, limited):
    world.earn(500)
    overviews(world.program.pk, 1, [7001])
    limited(per_member=2, in_total=3)
    overviews(world.program.pk, 1, [7001])
    with recorded() as statements:
        (found,) = overviews(world.program.pk, 1, [7001])
    (asked,) = statements
    assert re.search("rewards_budget.*had", asked.sql, re.DOTALL)
    assert found.shopper == Shopper(500)
    document = programs.document(world.program)
    without = [{**reward, "per_member": None, "in_total": None} for reward in document["rewards"]]
    world.apply({**document, "rewards": without})
    overviews(world.program.pk, 1, [7001])
    assert world.program.pk not in overview._besides
