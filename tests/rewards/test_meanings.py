"""What a schema can't say of a program: errors that block, risks that warn."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from rewards import documents, meanings
from rewards.documents import BadProgram
from tests.rewards.any_document import DOCUMENTS

Json = dict[str, Any]

TODAY = date(2026, 11, 22)


def document(*rules: Json, **more: Any) -> Json:
    """A program that gives 1 point per 1.00, 5 % back, and has three tiers."""
    fixed = {"id": "five", "kind": "fixed", "title": "Five off", "points": 100, "value": "5"}
    earning = {"rate": {"points": 1, "per": "1"}, "rules": list(rules), **more.pop("earning", {})}
    levels = [
        {"id": slug, "name": slug.title(), "from": f"{n}00"} for n, slug in enumerate(("a", "b", "c"), 1)
    ]
    return {
        "name": "Test",
        "points": {"one": "point", "many": "points"},
        "earning": earning,
        "rewards": [fixed],
        "tiers": {"levels": levels},
        **more,
    }


def rule(kind: str = "multiplier", id: str = "r", **settings: Any) -> Json:
    needed: dict[str, Json] = {
        "multiplier": {"factor": "2"},
        "nth_order": {"n": 3, "points": 10},
        "order_over": {"amount": "50", "points": 10},
        "order_again": {"within_days": 30, "points": 10},
    }
    return {"id": id, "kind": kind, **needed.get(kind, {"points": 10}), **settings}


def challenge(**settings: Any) -> Json:
    return {"id": "c", "kind": "orders", "title": "C", "count": 3, "points": 10, **settings}


@pytest.mark.parametrize(
    ("given", "path", "why"),
    [
        (document(rule(starts="2026-12-07", ends="2026-12-01")), "earning.rules.0.ends", "after the start"),
        (
            document(rule(starts="2026-12-07T18:00", ends="2026-12-07T18:00")),
            "earning.rules.0.ends",
            "after the start",
        ),
        (document(rule(starts="2026-02-30")), "earning.rules.0.starts", "“2026-02-30” is no date."),
        (document(rule(ends="2026-12-01T25:00")), "earning.rules.0.ends", "is no date"),
        (document(rule(ends="0001-01-01")), "earning.rules.0.ends", "is no date"),
        (document(rule(ends="9999-12-31")), "earning.rules.0.ends", "is no date"),
        (
            document(rule(audience={"member_since": "2025-02-29"})),
            "earning.rules.0.audience.member_since",
            "is no date",
        ),
        (document(rule(factor="0.00")), "earning.rules.0.factor", "above 0"),
        (document(rule("order_over", amount="0")), "earning.rules.0.amount", "above 0"),
        (document(rule("order_over", amount="1.001")), "earning.rules.0.amount", "more decimals"),
        (
            document(rule(audience={"tiers": ["a", "z"]})),
            "earning.rules.0.audience.tiers.1",
            "“z” is none of the tiers",
        ),
        (document(rule(), rule("bonus")), "earning.rules.1.id", "used twice"),
        (document(challenges=[challenge(), challenge()]), "challenges.1.id", "used twice"),
        (document(rule(id="c"), challenges=[challenge()]), "challenges.0.id", "used by a rule"),
        (document(challenges=[challenge(starts="2026-13-01")]), "challenges.0.starts", "is no date"),
        (
            document(challenges=[challenge(kind="collections", collections=[1, 2])]),
            "challenges.0.count",
            "more than",
        ),
        (
            document(
                rewards=[{"id": "x", "kind": "free_shipping", "title": "X", "points": 1, "tiers": ["z"]}]
            ),
            "rewards.0.tiers.0",
            "none of the tiers",
        ),
        (document(name="a\0b"), "name", "can't be kept"),
        (document(rule(title="half \ud83d of a pair")), "earning.rules.0.title", "can't be kept"),
    ],
)
def test_what_is_impossible_is_named_with_its_path(given: Json, path: str, why: str) -> None:
    with pytest.raises(BadProgram) as refused:
        documents.checked(given, "EUR")
    assert list(refused.value.errors) == [path]
    assert why in refused.value.errors[path]


def test_a_local_time_that_a_clock_change_skips_is_all_right() -> None:
    assert documents.checked(document(rule(starts="2027-03-28T02:30")), "EUR")


def test_a_day_alone_lasts_to_its_end() -> None:
    assert documents.checked(document(rule(starts="2026-12-07T18:00", ends="2026-12-07")), "EUR")


def test_amounts_of_rules_are_written_alike() -> None:
    complete = documents.checked(document(rule("order_over", amount="50.5")), "EUR")
    assert complete["earning"]["rules"][0]["amount"] == "50.50"


def risks(given: Json) -> list[str]:
    return [why for _, why in meanings.risks(documents.checked(given, "EUR"), "EUR", TODAY)]


def test_a_usual_program_has_no_risks() -> None:
    usual = document(rule(starts="2026-12-01", ends="2026-12-07"), rule("first_order", "first"))
    assert risks(usual) == []


BACK = "Shoppers get back up to "


@pytest.mark.parametrize(
    ("given", "share"),
    [
        (document(earning={"rate": {"points": 4, "per": "1"}}), None),
        (document(earning={"rate": {"points": 5, "per": "1"}}), "25%"),
        # Of those that don't add up, the best one counts; the others come on top.
        (document(rule(factor="3", stackable=False), rule(id="s", factor="4", stackable=False)), None),
        (document(rule(factor="3"), rule(id="s", factor="3")), "25%"),
        (
            document(rule(factor="3"), rule(id="s", factor="3"), rule(id="t", factor="2", stackable=False)),
            "30%",
        ),
        (document(rule(factor="3"), rule(id="s", factor="3", archived=True)), None),
        # Not at the same time, or not for the same people.
        (document(rule(factor="3", ends="2026-12-01"), rule(id="s", factor="3", starts="2026-12-02")), None),
        (document(rule(factor="3", ends="2026-12-01"), rule(id="s", factor="3", starts="2026-12-01")), "25%"),
        (
            document(
                rule(factor="3", audience={"tiers": ["a"]}),
                rule(id="s", factor="3", audience={"tiers": ["b"]}),
            ),
            None,
        ),
        (document(rule(factor="0.5"), rule(id="s", factor="5.5")), "27.5%"),
        (document(rule(factor="9", ends="2026-11-21")), None),
        (document(rule(factor="9", ends="2026-11-22")), "45%"),
    ],
)
def test_more_than_a_fifth_back_is_a_risk(given: Json, share: str | None) -> None:
    found = [why for why in risks(given) if why.startswith(BACK)]
    assert [why.removeprefix(BACK).split()[0] for why in found] == ([share] if share else [])


def test_a_tier_multiplies_too() -> None:
    given = document(rule(factor="3", audience={"tiers": ["b"]}))
    given["tiers"]["levels"][0]["multiplier"] = {"factor": "4"}
    assert risks(given) == []
    given["tiers"]["levels"][1]["multiplier"] = {"factor": "4"}
    assert risks(given) == [
        "Shoppers get back up to 30% of what they spend: 1 for each 1.00 EUR, 6 times as many at best, "
        "and “Five off” for 100."
    ]


def test_nothing_is_said_of_money_where_no_reward_has_a_worth() -> None:
    percent = {"id": "x", "kind": "percentage", "title": "X", "points": 1, "percent": "10"}
    assert risks(document(earning={"rate": {"points": 99, "per": "1"}}, rewards=[percent])) == []
    archived = {"id": "x", "kind": "fixed", "title": "X", "points": 1, "value": "99", "archived": True}
    assert risks(document(rewards=[archived])) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (document(rule(ends="2026-11-21")), "Rule “r” is over"),
        (document(challenges=[challenge(ends="2026-11-21T23:00")]), "Challenge “C” is over"),
        (document(rule(factor="1.0")), "changes nothing"),
        (document(rule(factor="0.5")), "takes points away: only 0.5 times"),
        (document(rule(), earning={"rate": {"points": 0, "per": "1"}}), "multiplies nothing"),
        (document(rule("nth_order", audience={"never_ordered": True})), "has no such order"),
        (document(rule("first_order", audience={"not_ordered_days": 9})), "only who has ordered before"),
        (
            document(rule(audience={"never_ordered": True, "not_ordered_days": 9})),
            "only who has ordered before",
        ),
        (
            document(rule("order_again", audience={"not_ordered_days": 31})),
            "nobody orders within 30 days and after",
        ),
        (
            document(
                rule(on={"products": [1], "vendors": ["A"]}),
                earning={"excluded": {"products": [1, 2], "vendors": ["A"]}},
            ),
            "all that it is for is excluded",
        ),
        (
            document(rule("bonus"), earning={"caps": {"order": 9}}),
            "promises 10 points, but no order may earn more than 9",
        ),
        (document(earning={"caps": {"order": 100, "day": 50}}), "more than a whole day"),
        (document(earning={"caps": {"day": 100, "member": 50}}), "A day may earn more than 365 days"),
        (document(rule("order_over", amount="10", points=50)), "gives back 25% of an order of 10.00 EUR"),
        (document(rule("order_over"), rule("order_over", "s")), "Rules “r” and “s” give points for the same"),
        (document(rule("birthday"), rule("birthday", "s")), "give points for the same"),
        (document(rule(stackable=False), rule(id="s", stackable=False)), "only the better one counts"),
    ],
)
def test_what_is_hardly_meant_is_a_risk(given: Json, why: str) -> None:
    (said,) = risks(given)
    assert why in said


@pytest.mark.parametrize(
    "given",
    [
        document(rule("order_again", audience={"not_ordered_days": 30})),
        document(rule(on={"products": [1]}), earning={"excluded": {"products": [2]}}),
        document(rule("bonus"), earning={"caps": {"order": 10, "day": 10}}),
        document(rule("review", points=99), earning={"caps": {"order": 10}}),
        document(rule("order_over"), rule("order_over", "s", amount="60")),
        document(rule("order_over", ends="2026-12-01"), rule("order_over", "s", starts="2026-12-02")),
        document(
            rule("birthday", audience={"tiers": ["a"]}), rule("birthday", "s", audience={"tiers": ["b"]})
        ),
        document(rule(stackable=False), rule(id="s")),
        document(
            rule(stackable=False, on={"products": [1]}), rule(id="s", stackable=False, on={"products": [2]})
        ),
        document(rule("social", url="https://a.example"), rule("social", "s", url="https://b.example")),
        document(rule(factor="0.5", archived=True)),
    ],
)
def test_what_may_be_meant_is_no_risk(given: Json) -> None:
    assert risks(given) == []


@given(DOCUMENTS)
def test_risks_can_be_told_of_any_program(given: Json) -> None:
    before = deepcopy(given)
    assert all(why.endswith(".") for _, why in meanings.risks(given, "EUR", TODAY))
    assert given == before
