"""Templates: each makes a good program of any that there is, and leaves alone what it isn't about."""

import pytest

from rewards import differences, documents, programs
from rewards.templates import TEMPLATES
from tests.rewards.test_rules import document

CURRENCIES = ("EUR", "JPY", "KWD")


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_a_good_program_of_any_currency_and_using_it_twice_changes_nothing(name, currency):
    start = documents.checked(programs.starter("Test", currency), currency)
    once = documents.checked(TEMPLATES[name].apply(start, currency, 77), currency)
    assert documents.checked(TEMPLATES[name].apply(once, currency, 77), currency) == once
    assert bool(differences.differences(start, once, currency)) == (name != "points")


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_what_a_template_isnt_about_stays(name):
    rule = {"id": "cake", "kind": "birthday", "points": 5}
    start = document(rule, hold_days=14)
    start["rewards"] = [{**start["rewards"][0], "points": 7}]
    changed = TEMPLATES[name].apply(start, "EUR", 77)
    assert changed["earning"]["rules"] == start["earning"]["rules"]
    assert changed["earning"]["hold_days"] == 14
    assert changed["rewards"][0] == start["rewards"][0]


def test_a_club_stands_above_the_tiers_there_are():
    start = documents.checked(TEMPLATES["tiers"].apply(document(), "EUR", 0), "EUR")
    changed = documents.checked(TEMPLATES["membership"].apply(start, "EUR", 77), "EUR")
    assert [level["id"] for level in changed["tiers"]["levels"]] == ["bronze", "silver", "gold", "club"]
    assert changed["tiers"]["levels"][-1]["membership"] == {"product": 77, "days": 365}
