"""Campaigns and ways to earn, from the product page to the points of the order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.storefront import Storefront
from tests.smoke.shop import Shop

Json = dict[str, Any]
Change = Callable[..., None]
BLEND = "/products/harbour-house-blend"
NEXT_YEAR = datetime.now(UTC).year + 1
CAMPAIGN = {
    "id": "week",
    "kind": "multiplier",
    "factor": "2",
    "title": "Coffee week",
    "ends": f"{NEXT_YEAR}-03-07",
}


@pytest.fixture
def coffee(shop: Shop) -> Json:
    """The blend's collection and its larger variant."""
    products = shop.admin(PRODUCTS)["products"]["nodes"]
    found = next(one for one in products if one["handle"] == "harbour-house-blend")
    return {
        "collection": int(found["collections"]["nodes"][0]["legacyResourceId"]),
        "large": int(found["variants"]["nodes"][1]["legacyResourceId"]),
    }


def test_a_campaign_on_the_product_page_is_what_the_order_earns(
    storefront: Storefront, member: Callable[[int], int], change_program: Change, coffee: Json
) -> None:
    page = storefront.page
    customer = member(50)
    change_program(
        {**CAMPAIGN, "on": {"collections": [coffee["collection"]]}},
        {"id": "large", "kind": "multiplier", "factor": "1.5", "on": {"variants": [coffee["large"]]}},
    )
    storefront.sign_in(customer)
    page.goto(BLEND)
    points, reasons = page.locator("[data-loyalty-points-text]"), page.locator("[data-loyalty-reason]")
    expect(points).to_have_text("Earn 23 points with this product.")
    expect(reasons).to_have_text([f"Coffee week 2 x until 7 March {NEXT_YEAR}"])
    page.get_by_label("Kind").select_option(label="1 kg · $39.00")
    expect(points).to_have_text("Earn 97 points with this product.")
    expect(reasons).to_have_text([f"Coffee week 2 x until 7 March {NEXT_YEAR}", "1.5 x"])
    assert barriers(page) == []
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("link", name="Check out")).to_be_visible()
    storefront.pay()
    storefront.wait_for_points(customer, 50 + 97)

    page.goto("/products/bread-knife")
    expect(points).to_have_text("Earn 44 points with this product.")
    expect(reasons).to_have_count(0)


def test_the_ways_to_earn_stand_in_the_panel_and_on_the_rewards_page(
    storefront: Storefront, phone: Page, someone: int, change_program: Change
) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    change_program(
        CAMPAIGN,
        {"id": "soon", "kind": "bonus", "points": 7, "starts": later},
        {"id": "large", "kind": "order_over", "amount": "75", "points": 20},
    )
    wanted = [
        "You earn 1 point for every $1.00 you spend.",
        "You get 50 points for creating an account.",
        f"Coffee week 2 x points on everything. Until 7 March {NEXT_YEAR}.",
        "You get 20 points extra with an order of $75.00 or more.",
    ]
    widget = storefront.open("/")
    expect(widget.guest.locator("[data-loyalty-ways] > li")).to_have_text(wanted)
    assert barriers(storefront.page) == []
    for page in (storefront.page, phone):
        store = Storefront(page, storefront.shop)
        store.sign_in(someone)
        store.open("/pages/rewards")
        expect(store.widget.view("points").locator("[data-loyalty-ways] > li")).to_have_text(wanted)
        store.widget.close()
        expect(page.locator(".loyalty-section [data-loyalty-way]")).to_have_count(2)
    storefront.page.goto("/pages/rewards?locale=ar")
    expect(storefront.page.locator("[data-loyalty-way=large]")).to_contain_text("مع طلب بقيمة")
    assert barriers(storefront.page) == []


PRODUCTS = """{ products(first: 50) { nodes { handle
  collections(first: 5) { nodes { legacyResourceId } }
  variants(first: 5) { nodes { legacyResourceId } } } } }"""
