"""The pages of gifts by rule: a form for each kind, made from the schema, and each in a sentence."""

from typing import Any

import pytest

from loyalty_app.merchant import words
from rewards import differences, programs
from rewards.rules import Saying
from tests.loyalty_app.merchant.conftest import Merchant

GIFTS: list[dict[str, Any]] = [
    {"kind": "milestone", "amount": "500", "within_days": "365"},
    {"kind": "surprise_gift", "amount": "50", "budget": "100"},
    {"kind": "win_back", "days": "90"},
    {"kind": "tier_perk", "tier": "gold", "every": "quarter"},
]
SENTENCES = [
    "For each 500.00 EUR spent within 365 days: 5.00 off",
    "For the next 100 orders of at least 50.00 EUR: 5.00 off",
    "After 90 days without an order, at most once in 365 days: 5.00 off",
    "For Gold members, every quarter: 5.00 off",
]


@pytest.fixture
def shop(merchant: Merchant) -> Merchant:
    """With a tier."""
    document = merchant.document()
    levels = [{"id": "gold", "name": "Gold", "from": "100"}]
    merchant.save({**document, "tiers": {**document["tiers"], "levels": levels}})
    return merchant


def add(shop: Merchant, said: dict[str, Any], status: int = 200) -> dict[str, Any]:
    version = shop.document() and shop.program.version
    body = {"version": version, "title": f"Thanks: {said.get('kind')}", "reward": "five-off", **said}
    return shop.post("/app/gifts", body, status)


@pytest.mark.parametrize(("said", "sentence"), list(zip(GIFTS, SENTENCES, strict=True)))
def test_each_kind_is_added_by_a_form_of_its_own_and_told_in_a_sentence(
    shop: Merchant, said: dict[str, Any], sentence: str
) -> None:
    form = shop.page(f"/app/gifts/new/{said['kind']}")
    assert all(f'name="{name}"' in form for name in {*said, "title", "reward", "starts", "ends"} - {"kind"})
    assert '<s-option value="choose"' not in form, "a reward that can't be given isn't offered"
    assert add(shop, said)["toast"] == "Gift added"
    assert sentence in shop.page("/app/gifts")
    (gift,) = shop.document()["gifts"]
    page = shop.page(f"/app/gifts/{gift['id']}")
    assert sentence in page
    version = shop.program.version
    shop.post(f"/app/gifts/{gift['id']}/archive", {"archived": True, "version": version})
    assert shop.document()["gifts"][0]["archived"]


def test_what_is_wrong_is_said_at_its_field(shop: Merchant) -> None:
    errors = add(shop, {"kind": "milestone", "amount": "0", "reward": "none"}, 422)["errors"]
    assert set(errors) == {"amount", "reward"}
    errors = add(shop, {"kind": "tier_perk", "tier": "platinum", "title": ""}, 422)["errors"]
    assert "title" in errors
    assert "" in add(shop, {"kind": "lottery"}, 422)["errors"]


def test_a_gift_of_much_is_warned_of(shop: Merchant) -> None:
    add(shop, {"kind": "milestone", "amount": "10"})
    assert "gives back 50% of 10.00 EUR" in shop.page("/app/gifts")


def test_a_change_is_told_in_words(shop: Merchant) -> None:
    add(shop, GIFTS[0])
    before = shop.document()
    after = {**before, "gifts": [{**before["gifts"][0], "amount": "400.00"}]}
    (said,) = differences.differences(before, after, "EUR")
    assert said == "Gift “Thanks: milestone”, for each: 500.00 EUR became 400.00 EUR."


def test_without_days_all_time_is_meant(shop: Merchant) -> None:
    add(shop, {"kind": "milestone", "amount": "500"})
    document = programs.document(shop.program) if shop.document() else {}
    said = words.gift(document["gifts"][0], document, Saying.of(document, "EUR"))
    assert said == "For each 500.00 EUR spent: 5.00 off"
