"""The challenges: added, said in a sentence, changed and archived."""

from html import unescape

import pytest

from loyalty_app.merchant import words
from rewards import documents
from rewards.rules import Saying
from tests.loyalty_app.merchant.conftest import Merchant


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


THREE = {"kind": "orders", "title": "Three in sixty", "count": "3", "within_days": "60", "points": "100"}


def test_every_setting_stands_in_the_form(merchant: Merchant) -> None:
    html = merchant.page("/app/challenges/new")
    for name in documents.schema()["$defs"]["challenge"]["properties"]:
        assert (f'name="{name}"' in html) == (name not in ("id", "archived"))


def test_a_challenge_is_added_changed_and_archived(merchant: Merchant) -> None:
    assert "No challenges yet" in merchant.page("/app/challenges")
    merchant.post("/app/challenges", typed(merchant, **THREE))
    assert "3 orders within 60 days: 100 points" in merchant.page("/app/challenges")
    merchant.post("/app/challenges/three-in-sixty", typed(merchant, badge="Regular", ends="2026-12-24"))
    (challenge,) = merchant.document()["challenges"]
    assert (challenge["badge"], challenge["ends"]) == ("Regular", "2026-12-24")
    assert "Three in sixty" in merchant.page("/app/challenges/three-in-sixty")
    merchant.post("/app/challenges/three-in-sixty/archive", typed(merchant, archived=True))
    assert "Bring it back" in merchant.page("/app/challenges/three-in-sixty")
    merchant.post("/app/challenges/three-in-sixty/archive", typed(merchant, archived=False))
    assert not merchant.document()["challenges"][0]["archived"]


def test_a_challenge_and_a_rule_are_never_called_alike(merchant: Merchant) -> None:
    merchant.post("/app/challenges", typed(merchant, **{**THREE, "title": "Bonus"}))
    merchant.post("/app/earning", typed(merchant, kind="bonus", points="5"))
    assert merchant.document()["challenges"][0]["id"] == "bonus"
    assert merchant.document()["earning"]["rules"][0]["id"] == "bonus-2"


def test_errors_stand_at_their_fields(merchant: Merchant) -> None:
    wrong = {**THREE, "title": "", "count": "0", "points": "x", "within_days": "-1", "starts": "2026-13-01"}
    errors = merchant.errors("/app/challenges", typed(merchant, **wrong))
    assert {"title", "count", "points", "within_days"} <= set(errors)
    wrong = {**THREE, "starts": "2026-12-02", "ends": "2026-12-01"}
    assert set(merchant.errors("/app/challenges", typed(merchant, **wrong))) == {"ends"}
    wrong = {**THREE, "kind": "collections", "collections": "1,2"}
    assert set(merchant.errors("/app/challenges", typed(merchant, **wrong))) == {"count"}
    assert merchant.document()["challenges"] == []


def test_two_people_dont_overwrite_each_other(merchant: Merchant) -> None:
    merchant.post("/app/challenges", typed(merchant, **THREE))
    first, second = typed(merchant, count="4"), typed(merchant, count="5")
    merchant.post("/app/challenges/three-in-sixty", first)
    assert "Somebody else" in merchant.errors("/app/challenges/three-in-sixty", second)[""]


def test_a_challenge_is_said_while_one_types(merchant: Merchant) -> None:
    said = merchant.post("/app/challenges/example", typed(merchant, **THREE, badge="Regular", repeat=True))
    assert said["sentence"] == (
        "3 orders within 60 days: 100 points and the badge “Regular”, again and again"
    )
    assert merchant.document()["challenges"] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"count": 1}, "1 order: 5 points"),
        ({"kind": "months", "count": 4}, "An order in each of 4 months in a row: 5 points"),
        (
            {"kind": "collections", "collections": [1, 2]},
            "Orders from 3 different collections of Coffee and 2: 5 points",
        ),
        ({"points": 0, "badge": "Fan"}, "3 orders: the badge “Fan”"),
        ({"points": 0}, "3 orders: 0 points"),
        ({"starts": "2026-12-01", "ends": "2026-12-07"}, "3 orders: 5 points, 1-7 December 2026"),
    ],
)
def test_sentences(settings: dict[str, object], sentence: str) -> None:
    challenge = {
        "kind": "orders",
        "count": 3,
        "within_days": None,
        "points": 5,
        "badge": "",
        "repeat": False,
        "starts": None,
        "ends": None,
        "collections": [],
        **settings,
    }
    assert words.challenge(challenge, Saying(things={("collection", 1): "Coffee"})) == sentence


def test_what_isnt_there_is_404(merchant: Merchant) -> None:
    merchant.page("/app/challenges/nothing", 404)
    merchant.post("/app/challenges/nothing", typed(merchant), 404)
    merchant.post("/app/challenges/nothing/archive", typed(merchant, archived=True), 404)


def test_risks_warn_and_dont_block(merchant: Merchant) -> None:
    over = {**THREE, "ends": "2020-01-01"}
    (risk,) = merchant.post("/app/challenges/example", typed(merchant, **over))["risks"]
    assert "is over" in risk
    merchant.post("/app/challenges", typed(merchant, **over))
    assert risk in unescape(merchant.page("/app/challenges"))
