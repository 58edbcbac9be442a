"""Templates: what one would change is read before it is used."""

from html import unescape

from rewards.templates import TEMPLATES
from tests.loyalty_app.merchant.conftest import Merchant


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


def test_every_template_is_offered_and_has_a_page(merchant: Merchant) -> None:
    html = merchant.page("/app/templates")
    for name, template in TEMPLATES.items():
        assert template.title in html
        assert template.explained in unescape(merchant.page(f"/app/templates/{name}"))
    merchant.page("/app/templates/nothing", 404)
    merchant.post("/app/templates/nothing", typed(merchant), 404)


def test_what_it_changes_is_said_before_it_is_used(merchant: Merchant) -> None:
    said = unescape(merchant.page("/app/templates/tiers"))
    assert "Tier “Gold” was added" in said
    assert merchant.document()["tiers"]["levels"] == []
    merchant.post("/app/templates/tiers", typed(merchant))
    assert [level["name"] for level in merchant.document()["tiers"]["levels"]] == ["Bronze", "Silver", "Gold"]
    assert "your program is like this already" in merchant.page("/app/templates/tiers")


def test_a_membership_needs_its_product(merchant: Merchant) -> None:
    assert "Choose the product first" in merchant.page("/app/templates/membership")
    assert set(merchant.errors("/app/templates/membership", typed(merchant, product=""))) == {"product"}
    said = merchant.post("/app/templates/membership/example", typed(merchant, product="77"))
    assert any("Club" in change for change in said["changes"])
    merchant.post("/app/templates/membership", typed(merchant, product="77"))
    assert merchant.document()["tiers"]["levels"][0]["membership"]["product"] == 77


def test_two_people_dont_overwrite_each_other(merchant: Merchant) -> None:
    first, second = typed(merchant), typed(merchant)
    merchant.post("/app/templates/tiers", first)
    assert "Somebody else" in merchant.errors("/app/templates/points", second)[""]


def test_what_doesnt_go_together_is_refused_in_words(merchant: Merchant) -> None:
    level = {"id": "vip", "name": "VIP", "from": "9"}
    rule = {"id": "x", "kind": "bonus", "points": 5, "audience": {"tiers": ["vip"]}}
    document = merchant.document()
    document = {**document, "tiers": {"levels": [level]}}
    document["earning"] = {**document["earning"], "rules": [rule]}
    merchant.save(document)
    assert "doesn't go together" in merchant.errors("/app/templates/tiers", typed(merchant))[""]
