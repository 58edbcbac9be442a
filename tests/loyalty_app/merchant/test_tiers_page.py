"""The tiers: counted by settings, with levels that are added, moved, removed and saved together."""

from typing import Any

import pytest

from rewards import documents
from shopify_bridge.models import Shop
from tests.loyalty_app.merchant.conftest import Merchant


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


def level(place: int, name: str, id: str = "", **more: object) -> dict[str, object]:
    """A level's fields as the form sends them."""
    said = {"id": id, "name": name, "from": "", "membership": False, "multiplier": False, **more}
    return {f"levels.{place}.{path}": value for path, value in said.items()}


def levels(merchant: Merchant) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = merchant.document()["tiers"]["levels"]
    return found


@pytest.fixture
def two(merchant: Merchant) -> Merchant:
    body = typed(
        merchant,
        levels="2",
        **level(0, "Silver", **{"from": "200.00", "entry_points": "10"}),
        **level(1, "Gold", **{"from": "500,50", "multiplier": True, "multiplier.factor": "1.25"}),
    )
    merchant.post("/app/tiers", body)
    return merchant


def test_every_setting_of_tiers_and_levels_stands_in_the_form(two: Merchant) -> None:
    html = two.page("/app/tiers")
    schema = documents.schema()
    for name, setting in schema["properties"]["tiers"]["properties"].items():
        if name != "levels":
            assert f'name="{name}"' in html
            assert setting["title"] in html
    for name, setting in schema["$defs"]["level"]["properties"].items():
        assert f'name="levels.1.{name}"' in html
        assert f'name="levels.new.{name}"' in html
        assert name == "id" or setting["title"] in html
    for path in ("membership.product", "membership.days", "multiplier.factor", "multiplier.stackable"):
        assert f'name="levels.0.{path}"' in html


def test_levels_are_saved_with_their_order_and_ids(two: Merchant) -> None:
    silver, gold = levels(two)
    assert (silver["id"], silver["from"], silver["entry_points"], silver["multiplier"]) == (
        "silver",
        "200.00",
        10,
        None,
    )
    assert (gold["id"], gold["from"]) == ("gold", "500.50")
    assert gold["multiplier"] == {"factor": "1.25", "stackable": True}


def test_a_level_keeps_its_id_when_it_is_renamed_and_others_come_and_go(two: Merchant) -> None:
    body = typed(
        two,
        levels="2",
        metric="orders",
        **level(0, "Bronze", **{"from": "3"}),
        **level(1, "Platinum", "gold", **{"from": "9", "multiplier.factor": "2"}),
    )
    two.post("/app/tiers", body)
    bronze, platinum = levels(two)
    assert (bronze["id"], platinum["id"], platinum["name"]) == ("bronze", "gold", "Platinum")
    assert platinum["multiplier"] is None
    assert two.document()["tiers"]["metric"] == "orders"


def test_levels_that_were_not_sent_stay(two: Merchant) -> None:
    before = levels(two)
    two.post("/app/tiers", typed(two, grace_days="14"))
    assert levels(two) == before
    assert two.document()["tiers"]["grace_days"] == 14


def test_all_levels_can_go(two: Merchant) -> None:
    two.post("/app/tiers", typed(two, levels="0"))
    assert levels(two) == []
    assert "No tiers yet" in two.page("/app/tiers")


def test_a_membership_is_a_product_and_days(merchant: Merchant) -> None:
    member = {"membership": True, "membership.product": "77", "membership.days": "365"}
    merchant.post("/app/tiers", typed(merchant, levels="1", **level(0, "Club", **member)))
    assert levels(merchant)[0]["membership"] == {"product": 77, "days": 365}
    member = {"membership": True, "membership.product": "", "membership.days": "0"}
    errors = merchant.errors("/app/tiers", typed(merchant, levels="1", **level(0, "Club", "club", **member)))
    assert set(errors) == {"levels.0.membership.product", "levels.0.membership.days"}


def test_errors_stand_at_the_fields_of_their_level(two: Merchant) -> None:
    before = levels(two)
    body = typed(
        two,
        levels="2",
        window="sometimes",
        **level(0, "", "silver", **{"from": "abc"}),
        **level(1, "Gold", "gold", multiplier=True, **{"multiplier.factor": "x", "entry_points": "-1"}),
    )
    assert set(two.errors("/app/tiers", body)) == {
        "window",
        "levels.0.name",
        "levels.0.from",
        "levels.1.multiplier.factor",
        "levels.1.entry_points",
    }
    assert levels(two) == before


@pytest.mark.parametrize(
    "body",
    [
        {"levels": "many"},
        {"levels": "-1"},
        {"levels": "1", "levels.1.name": "x"},
        {"levels": "1", "levels.x.name": "x"},
        {"levels.0.nothing": "x", "levels": "1"},
        {"levels.0.name": "x"},
        {"levels": "21"},
    ],
)
def test_what_no_form_sends_is_refused(two: Merchant, body: dict[str, object]) -> None:
    before = levels(two)
    assert "" in two.errors("/app/tiers", typed(two, **body))
    assert levels(two) == before


def test_two_people_dont_overwrite_each_other(two: Merchant) -> None:
    first, second = typed(two, grace_days="7"), typed(two, grace_days="8")
    two.post("/app/tiers", first)
    assert "Somebody else" in two.errors("/app/tiers", second)[""]


def test_a_rule_for_a_tier_offers_the_tiers_there_are(two: Merchant) -> None:
    assert '<s-choice value="gold"' in two.page("/app/earning/new/bonus")
    two.post("/app/earning", typed(two, kind="bonus", points="5", **{"audience.tiers": ["gold"]}))
    assert "5 points for each order for Gold members" in two.page("/app/earning")
    assert '<s-choice value="gold" selected' in two.page("/app/earning/bonus")
    wrong = typed(two, points="5", **{"audience.tiers": ["platinum"]})
    assert set(two.errors("/app/earning/bonus", wrong)) == {"audience.tiers"}


def test_a_tier_that_a_rule_needs_is_not_removed_without_a_word(two: Merchant) -> None:
    two.post(
        "/app/earning", typed(two, kind="bonus", title="Gold day", points="5", **{"audience.tiers": ["gold"]})
    )
    body = typed(two, levels="1", **level(0, "Silver", "silver", **{"from": "200.00"}))
    assert two.errors("/app/tiers", body) == {"": "Rule “Gold day”: “gold” is none of the tiers."}


def test_hostile_names_stay_text(merchant: Merchant) -> None:
    name = """"><script>alert(1)</script>{{ 7|add:7 }}'"""
    merchant.post("/app/tiers", typed(merchant, levels="1", **level(0, name, perks=f"{name}\nmore")))
    html = merchant.page("/app/tiers")
    assert "<script>alert" not in html
    assert "{{ 7" in html


def test_a_tag_that_can_not_be_put_is_named(two: Merchant) -> None:
    two.post("/app/tiers", typed(two, levels="1", **level(0, "Gold", "gold", customer_tag="Very <b>")))
    warning = "The app may not tag customers yet"
    html = two.page("/app/tiers")
    assert warning in html
    assert "“Very &lt;b&gt;” for Gold" in html
    Shop.objects.update(scopes="write_customers")
    assert warning not in two.page("/app/tiers")
    Shop.objects.update(scopes="")
    two.post("/app/tiers", typed(two, levels="1", **level(0, "Gold", "gold")))
    two.post("/app/tiers", typed(two, levels="0"))
    assert warning not in two.page("/app/tiers")
