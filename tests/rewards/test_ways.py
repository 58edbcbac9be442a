"""What shoppers may know of the ways to earn."""

from datetime import UTC, datetime

import pytest

from rewards import documents, programs, ways

NOW = datetime(2026, 12, 7, 12, tzinfo=UTC)


def told(rule):
    said = programs.starter("Test", "EUR")
    said["tiers"] = {"levels": [{"id": "gold", "name": "Gold", "from": "500"}]}
    said["earning"]["rules"] = [{"id": "one", **rule}]
    return ways.public(documents.checked(said, "EUR"), "Europe/Berlin", NOW)


def test_a_campaign_is_told_with_what_it_is_for_and_its_moments():
    rule = {"kind": "multiplier", "factor": "2", "on": {"collections": [11]}, "title": "Summer"}
    (found,) = told({**rule, "starts": "2026-12-01", "ends": "2026-12-07", "audience": {"tiers": ["gold"]}})
    assert found == {
        "id": "one",
        "kind": "multiplier",
        "title": "Summer",
        "factor": "2",
        "stackable": True,
        "on": {"collections": [11]},
        "tiers": ["gold"],
        "starts": "2026-11-30T23:00:00+00:00",
        "ends": "2026-12-07T23:00:00+00:00",
        "until": "2026-12-07",
    }


@pytest.mark.parametrize(
    "hidden",
    [
        {"kind": "bonus", "points": 5, "archived": True},
        {"kind": "bonus", "points": 5, "ends": "2026-12-06"},
        {"kind": "surprise", "points": 5, "amount": "1", "budget": 3},
        {"kind": "bonus", "points": 5, "audience": {"customer_tags": ["staff"]}},
        {"kind": "bonus", "points": 5, "audience": {"not_ordered_days": 90}},
        {"kind": "bonus", "points": 5, "audience": {"member_since": "2026-01-01"}},
    ],
)
def test_what_is_over_or_for_some_only_is_nobody_elses_business(hidden):
    assert told({"kind": "bonus", "points": 5})
    assert told(hidden) == []


def test_challenges_are_told_while_they_can_be_done():
    three = {"id": "three", "kind": "orders", "title": "Three", "count": 3, "points": 0, "ends": "2026-12-07"}
    over, gone = {**three, "id": "over", "ends": "2026-12-06"}, {**three, "id": "gone", "archived": True}
    said = {**programs.starter("Test", "EUR"), "challenges": [three, over, gone]}
    assert ways.challenges(documents.checked(said, "EUR"), "Europe/Berlin", NOW) == [
        {
            "id": "three",
            "kind": "orders",
            "title": "Three",
            "count": 3,
            "ends": "2026-12-07T23:00:00+00:00",
            "until": "2026-12-07",
        }
    ]


def test_milestones_are_told_with_their_reward_and_other_gifts_are_not():
    said = programs.starter("Test", "EUR")
    said["tiers"] = {"levels": [{"id": "gold", "name": "Gold", "from": "500"}]}
    said["rewards"] = [{"id": "five", "kind": "fixed", "title": "5 euros off", "points": 500, "value": "5"}]
    each = {"id": "each", "kind": "milestone", "title": "Thank you", "reward": "five", "amount": "500.00"}
    said["gifts"] = [
        each,
        {**each, "id": "soon", "within_days": 30, "starts": "2026-12-24", "ends": "2026-12-31"},
        {**each, "id": "over", "ends": "2026-12-06"},
        {**each, "id": "gone", "archived": True},
        {**each, "id": "next", "kind": "surprise_gift", "budget": 5},
        {"id": "back", "kind": "win_back", "title": "x", "reward": "five", "days": 30},
        {"id": "perk", "kind": "tier_perk", "title": "x", "reward": "five", "tier": "gold"},
    ]
    told = {"title": "Thank you", "amount": "500.00", "reward": "5 euros off"}
    assert ways.milestones(documents.checked(said, "EUR"), "Europe/Berlin", NOW) == [
        {"id": "each", **told},
        {
            "id": "soon",
            **told,
            "within_days": 30,
            "starts": "2026-12-23T23:00:00+00:00",
            "ends": "2026-12-31T23:00:00+00:00",
            "until": "2026-12-31",
        },
    ]
    assert ways.milestones(documents.checked(programs.starter("Test", "EUR"), "EUR"), "UTC", NOW) == []


def test_the_limits_of_actions_stay_with_the_merchant():
    (found,) = told({"kind": "review", "points": 5, "most": 3})
    assert found == {"id": "one", "kind": "review", "title": "", "points": 5, "with_picture": 0}
