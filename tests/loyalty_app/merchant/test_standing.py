"""A member's tier on their page: where they stand, how they came there, what staff give and take back."""

from datetime import timedelta

import pytest

from rewards import clock
from tests.loyalty_app.merchant.conftest import NOON, Merchant

SILVER = {"id": "silver", "name": "Silver", "from": "200"}
CLUB = {"id": "club", "name": "Club <b>", "by_invitation": True}


@pytest.fixture
def tiered(merchant: Merchant) -> Merchant:
    merchant.save({**merchant.document(), "tiers": {"levels": [SILVER, CLUB]}})
    return merchant


def page_of(merchant: Merchant) -> str:
    return merchant.page(f"/app/members/{merchant.member().pk}")


def give(merchant: Merchant, **changes: object) -> dict[str, object]:
    return {"level": "club", "until": "", "reason": "A friend of the house", **changes}


def test_without_tiers_the_page_says_nothing_of_them(merchant: Merchant) -> None:
    html = page_of(merchant)
    assert "Give a tier" not in html
    assert 'heading="Tier"' not in html


def test_where_a_member_stands_and_how_far_it_is(tiered: Merchant) -> None:
    tiered.order(150)
    html = page_of(tiered)
    assert "No tier" in html
    assert "50.00 EUR to Silver by 20 Nov 2027" in html
    tiered.order(60, external_id=5002)
    html = page_of(tiered)
    assert '<dd class="number"><bdi>Silver</bdi></dd>' in html
    assert "reached by what was bought" in html


def test_a_tier_is_given_and_taken_back(tiered: Merchant) -> None:
    path = f"/app/members/{tiered.member().pk}/tier"
    until = (clock.now() + timedelta(days=30)).date().isoformat()
    tiered.post(path, give(tiered, until=until))
    html = page_of(tiered)
    assert '<dd class="number"><bdi>Club &lt;b&gt;</bdi></dd>' in html
    assert "A friend of the house" in html
    assert "<b>" not in html
    tiered.post(f"{path}/back", {"level": "club"})
    assert "A friend of the house" not in page_of(tiered)
    assert "taken back already" in tiered.errors(f"{path}/back", {"level": "club"})[""]


def test_what_can_not_be_given_says_why(tiered: Merchant) -> None:
    path = f"/app/members/{tiered.member().pk}/tier"
    assert set(tiered.errors(path, give(tiered, level="gold"))) == {"level"}
    assert set(tiered.errors(path, give(tiered, until="2020-01-01"))) == {"until"}
    assert set(tiered.errors(path, give(tiered, until="tomorrow"))) == {"until"}
    assert set(tiered.errors(path, give(tiered, reason="x" * 301))) == {"reason"}


def test_members_are_counted_by_tier(tiered: Merchant) -> None:
    tiered.order(300, at=NOON)
    html = tiered.page("/app/tiers")
    assert '<dt><bdi>Silver</bdi></dt><dd class="right">1</dd>' in html
    assert '<dt><bdi>Club &lt;b&gt;</bdi></dt><dd class="right">0</dd>' in html
