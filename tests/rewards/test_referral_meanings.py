"""What a program may say of referrals, and what is said of it."""

import pytest

from rewards import differences, documents, meanings, programs, referral_settings
from rewards.documents import BadProgram
from tests.rewards.conftest import NOW

FIVE_OFF = {"kind": "fixed", "title": "5 off", "value": "5", "minimum_subtotal": "20"}


def document(**said):
    start = programs.starter("Test", "EUR")
    return {**start, "referrals": said}


def checked(**said):
    return documents.checked(document(**said), "EUR")


def test_a_program_that_says_nothing_of_referrals_has_none():
    complete = checked()
    assert complete["referrals"]["active"] is False
    assert complete["referrals"]["reward"]["percent"] == "10"
    assert referral_settings.public(complete) is None


@pytest.mark.parametrize(
    ("said", "path", "why"),
    [
        ({"points": -1}, "referrals.points", "must be at least 0."),
        ({"minimum": "0"}, "referrals.minimum", "must be above 0."),
        ({"minimum": "1.001"}, "referrals.minimum", None),
        ({"most": 0}, "referrals.most", "must be at least 1."),
        ({"claims_per_day": 0}, "referrals.claims_per_day", "must be at least 1."),
        ({"reward": {"title": "x"}}, "referrals.reward.kind", "is missing."),
        ({"reward": {"kind": "fixed", "title": "x"}}, "referrals.reward.value", "is missing."),
        ({"reward": {**FIVE_OFF, "value": "0"}}, "referrals.reward.value", "must be above 0."),
        ({"reward": {**FIVE_OFF, "percent": "5"}}, "referrals.reward.percent", "is unknown."),
        ({"reward": {**FIVE_OFF, "points": 5}}, "referrals.reward.points", "is unknown."),
        (
            {"reward": {"kind": "percentage", "title": "x", "percent": "101"}},
            "referrals.reward.percent",
            "must be above 0 and at most 100.",
        ),
    ],
)
def test_what_is_impossible_is_said_at_its_place(said, path, why):
    with pytest.raises(BadProgram) as problem:
        checked(**said)
    assert path in problem.value.errors
    assert why is None or problem.value.errors[path] == why


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"points": 0}, "referrals.points"),
        ({"most": None}, "referrals.most"),
        ({"hold_suspicious": False}, "referrals.hold_suspicious"),
        ({"reward": {**FIVE_OFF, "minimum_subtotal": "4"}}, "referrals.reward"),
    ],
)
def test_what_is_hardly_meant_is_a_risk(said, path):
    good = {"active": True, "points": 100, "most": 5, "reward": FIVE_OFF}
    assert [where for where, _ in risks(**good)] == []
    assert [where for where, _ in risks(**{**good, **said})] == [path]
    assert risks(**{**good, **said, "active": False}) == []


def risks(**said):
    found = meanings.risks(checked(**said), "EUR", NOW.date())
    return [(where, why) for where, why in found if where.startswith("referrals")]


def test_changes_are_told_in_words():
    before, after = checked(), checked(active=True, points=100, minimum="20", reward=FIVE_OFF)
    assert differences.differences(before, after, "EUR") == [
        "Referrals, members can invite friends: switched on.",
        "Referrals, points for the member, for each friend who orders: 0 became 100.",
        "Referrals, smallest first order that counts: none became 20.00 EUR.",
        "Referrals, the friend's reward, kind: percentage became fixed.",
        "Referrals, the friend's reward, name, as friends read it: “10% off” became “5 off”.",
        "Referrals, the friend's reward, smallest order: none became 20.00 EUR.",
        "Referrals, the friend's reward, days that a code is good for: 30 became 365.",
        "Referrals, the friend's reward, percent off: 10 became none.",
        "Referrals, the friend's reward, worth: none became 5.00 EUR.",
    ]


def test_anybody_may_know_what_is_promised():
    told = referral_settings.public(checked(active=True, points=100, minimum="20", reward=FIVE_OFF))
    reward = {**FIVE_OFF, "value": "5.00", "minimum_subtotal": "20.00", "valid_days": 365}
    assert told.pop("reward").items() >= reward.items()
    assert told == {"points": 100, "minimum": "20.00"}
