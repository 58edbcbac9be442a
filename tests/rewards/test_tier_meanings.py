"""Settings of tiers that can't be, each named with its path, in a sentence for a merchant."""

import pytest

from rewards import programs
from rewards.documents import BadProgram


def level(id="silver", **said):
    return {"id": id, "name": id.title(), **said}


def document(levels, currency="EUR", rules=(), rewards=None, **said):
    made = programs.starter("Shop", currency)
    made["earning"]["rules"] = list(rules)
    made["rewards"] = made["rewards"] if rewards is None else rewards
    return {**made, "tiers": {"levels": levels, **said}}


REWARD = {"id": "song", "kind": "free_shipping", "title": "A song", "points": 10}


@pytest.mark.parametrize(
    ("given", "path", "sentence"),
    [
        (document([level(), level()]), "tiers.levels.1.id", "“silver” is used twice."),
        (document([level(**{"from": "0"})]), "tiers.levels.0.from", "must be above 0."),
        (
            document([level(**{"from": "100"}), level("gold", **{"from": "100.00"})]),
            "tiers.levels.1.from",
            "must be above that of the tier below.",
        ),
        (
            document([level(**{"from": "9"}), level("friend"), level("gold", **{"from": "8"})]),
            "tiers.levels.2.from",
            "must be above that of the tier below.",
        ),
        (
            document([level(**{"from": "100", "keep": "100.01"})]),
            "tiers.levels.0.keep",
            "must not be above the amount with which the tier is reached.",
        ),
        (
            document([level(keep="5")]),
            "tiers.levels.0.keep",
            "needs the amount with which the tier is reached.",
        ),
        (
            document([level(**{"from": "1.005"})]),
            "tiers.levels.0.from",
            "“1.005” has more decimals than EUR has (2).",
        ),
        (
            document([level(**{"from": "1.5"})], metric="points"),
            "tiers.levels.0.from",
            "must be a whole number of points.",
        ),
        (
            document([level(**{"from": "2", "keep": "1.0"})], metric="orders"),
            "tiers.levels.0.keep",
            "must be a whole number of orders.",
        ),
        (
            document([level(**{"from": "2"}, by_invitation=True)]),
            "tiers.levels.0.from",
            "must be empty where members come by invitation only.",
        ),
        (
            document(
                [
                    level(membership={"product": 7, "days": 30}),
                    level("gold", membership={"product": 7, "days": 365}),
                ]
            ),
            "tiers.levels.1.membership.product",
            "comes with another tier already.",
        ),
        (
            document([level()], rewards=[{**REWARD, "tiers": ["silver", "gold"]}]),
            "rewards.0.tiers.1",
            "“gold” is none of the tiers.",
        ),
        (
            document(
                [level()],
                rules=[{"id": "extra", "kind": "bonus", "points": 5, "audience": {"tiers": ["gold"]}}],
            ),
            "earning.rules.0.audience.tiers.0",
            "“gold” is none of the tiers.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be(given, path, sentence):
    with pytest.raises(BadProgram) as caught:
        programs.checked(given, "EUR")
    assert caught.value.errors == {path: sentence}


def test_what_is_archived_may_name_tiers_of_old():
    old = [{**REWARD, "tiers": ["gold"], "archived": True}]
    rule = {"id": "extra", "kind": "bonus", "points": 5, "archived": True, "audience": {"tiers": ["gold"]}}
    programs.checked(document([], rules=[rule], rewards=old), "EUR")


@pytest.mark.parametrize(
    ("currency", "metric", "written"),
    [("EUR", "spend", "100.00"), ("JPY", "spend", "100"), ("EUR", "points", "100"), ("EUR", "orders", "100")],
)
def test_amounts_are_written_alike(currency, metric, written):
    given = document([level(**{"from": "0100", "keep": "100"})], currency, metric=metric)
    (found,) = programs.checked(given, currency)["tiers"]["levels"]
    assert (found["from"], found["keep"]) == (written, written)
