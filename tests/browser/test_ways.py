"""Campaigns and ways to earn, from the product page to the points of the order."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.storefront import Storefront, Widget
from tests.browser.watch import Watch
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
        {"id": "news", "kind": "newsletter", "points": 20},
    )
    wanted = [
        "You earn 1 point for every $1.00 you spend.",
        "You get 50 points for creating an account.",
        f"Coffee week 2 x points on everything. Until 7 March {NEXT_YEAR}.",
        "You get 20 points for subscribing to our e-mails.",
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
    expect(storefront.page.locator("[data-loyalty-way=news]")).to_contain_text("رسائلنا البريدية")
    assert barriers(storefront.page) == []


FOLLOW = {"id": "follow", "kind": "social", "title": "Follow us", "points": 10}
ASK = {
    "id": "ask",
    "kind": "survey",
    "points": 5,
    "question": "Filter or press?",
    "answers": ["Filter", "Press"],
}
WHY = {"id": "why", "kind": "survey", "points": 3, "question": "Why so?"}
RECIPE = {"id": "recipe", "kind": "content", "points": 60, "ask": "How do you brew?"}
BIRTHDAY = {"id": "birthday", "kind": "birthday", "points": 100}


def test_what_a_shopper_does_gives_points_once(
    storefront: Storefront, member: Callable[[int], int], change_program: Change
) -> None:
    page, widget = storefront.page, storefront.widget
    change_program({**FOLLOW, "url": "https://example.com/followed"}, ASK, WHY, RECIPE, BIRTHDAY)
    page.context.route("https://example.com/**", lambda route: route.fulfill(body="<h1>Followed</h1>"))
    storefront.sign_in(member(50))
    storefront.open("/")

    with page.context.expect_page() as followed:
        way(widget, "follow").get_by_role("link", name="Visit the page").click()
    followed.value.close()
    expect(state(widget, "follow")).to_have_text("Thank you! 10 points added.")
    expect(way(widget, "follow").get_by_role("link")).to_be_hidden()
    expect(widget.balance).to_have_text("60")

    way(widget, "ask").get_by_text("Answer", exact=True).click()
    way(widget, "ask").get_by_role("radio", name="Press").check()
    assert barriers(page) == [], "a question"
    way(widget, "ask").get_by_role("button", name="Send").click()
    expect(state(widget, "ask")).to_have_text("Thank you! 5 points added.")
    expect(state(widget, "ask")).to_be_focused()
    expect(widget.status).to_have_text("Thank you! 5 points added.")

    way(widget, "why").get_by_text("Answer", exact=True).click()
    way(widget, "why").get_by_label("Why so?").fill("<b>It is</b> Monday.")
    way(widget, "why").get_by_role("button", name="Send").dblclick()
    expect(state(widget, "why")).to_have_text("Thank you! 3 points added.")
    expect(widget.balance).to_have_text("68")

    way(widget, "recipe").get_by_text("Contribute").click()
    way(widget, "recipe").get_by_label("How do you brew?").fill("Slowly.")
    way(widget, "recipe").get_by_role("button", name="Send").click()
    expect(state(widget, "recipe")).to_contain_text("We’ll have a look")
    expect(widget.balance).to_have_text("68")

    tell_birthday(widget, "29", "February")
    expect(state(widget, "birthday")).to_have_text("Your birthday is saved.")
    assert barriers(page) == [], "all done"

    storefront.open("/")
    for done in ("follow", "ask", "why"):
        expect(state(widget, done)).to_have_text("Done.")
        expect(way(widget, done).locator("[data-loyalty-do]")).to_be_hidden()
    expect(state(widget, "recipe")).to_contain_text("We’ll have a look")
    way(widget, "birthday").get_by_text("Tell us your birthday").click()
    expect(way(widget, "birthday").get_by_label("Day")).to_have_value("29")
    expect(way(widget, "birthday").get_by_label("Month")).to_have_value("2")
    expect(widget.tab("activity").locator("li").first).to_contain_text("3")


def test_what_goes_wrong_is_said_and_what_was_written_stays(
    storefront: Storefront, member: Callable[[int], int], change_program: Change, watch: Watch
) -> None:
    watch.expect("409", "422", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
    page, widget = storefront.page, storefront.widget
    change_program(WHY, BIRTHDAY)
    storefront.sign_in(member(50))
    storefront.open("/")
    problem = way(widget, "why").get_by_role("alert")
    answer = way(widget, "why").get_by_label("Why so?")
    way(widget, "why").get_by_text("Answer", exact=True).click()
    answer.fill("Because.")
    page.context.set_offline(True)
    way(widget, "why").get_by_role("button", name="Send").click()
    expect(problem).to_contain_text("You seem to be offline.")
    page.context.set_offline(False)
    assert barriers(page) == [], "a problem"
    expect(answer).to_have_value("Because.")

    refuse = '{"error": {"code": "not_now", "message": "This is not on at the moment."}}'
    page.context.route("**/actions/why", lambda route: route.fulfill(status=409, body=refuse))
    way(widget, "why").get_by_role("button", name="Send").click()
    expect(problem).to_have_text("This isn’t open to you any more.")
    page.context.unroute("**/actions/why")
    way(widget, "why").get_by_role("button", name="Send").click()
    expect(state(widget, "why")).to_have_text("Thank you! 3 points added.")

    tell_birthday(widget, "31", "February")
    expect(way(widget, "birthday").get_by_role("alert")).to_have_text("Please check what you entered.")
    tell_birthday(widget, "28", "February")
    expect(state(widget, "birthday")).to_have_text("Your birthday is saved.")


def test_a_challenge_is_followed_from_order_to_order(
    storefront: Storefront, member: Callable[[int], int], change_program: Change
) -> None:
    page, widget, shop = storefront.page, storefront.widget, storefront.shop
    customer = member(50)
    two = {
        "id": "two",
        "kind": "orders",
        "title": "Two orders",
        "count": 2,
        "points": 100,
        "badge": "Regular",
    }
    change_program(challenges=[{**two, "within_days": 60}])
    storefront.sign_in(customer)
    shop.order(customer, "10.00")
    storefront.wait_for_points(customer, 60)
    storefront.open("/")
    challenge = widget.view("points").locator("[data-loyalty-challenge=two]")
    progress = challenge.locator("[data-loyalty-challenge-progress]")
    expect(challenge).to_contain_text("2 orders. Within 60 days. You get 100 points. Badge: Regular.")
    expect(progress).to_contain_text("1 of 2 · go on by ")
    expect(challenge.get_by_role("progressbar")).to_have_js_property("value", 1)
    expect(widget.panel.locator("[data-loyalty-badges]")).to_be_hidden()
    assert barriers(page) == [], "half-way"

    shop.order(customer, "20.00")
    storefront.wait_for_points(customer, 180)
    storefront.open("/")
    expect(progress).to_have_text("Achieved!")
    expect(widget.panel.locator("[data-loyalty-badges] li")).to_contain_text("Regular")
    assert barriers(page) == [], "achieved"


def test_a_milestone_is_followed_from_order_to_order(
    storefront: Storefront, phone: Page, member: Callable[[int], int], change_program: Change
) -> None:
    shop = storefront.shop
    customer = member(50)
    each = {"id": "each", "kind": "milestone", "title": "Thank you", "reward": "five-off", "amount": "100"}
    change_program(gifts=[{**each, "within_days": 400}])
    shop.order(customer, "63.00")
    storefront.wait_for_points(customer, 113)
    store = Storefront(phone, shop)
    store.sign_in(customer)
    widget = store.open("/")
    milestone = widget.view("points").locator("[data-loyalty-milestone=each]")
    progress = milestone.locator("[data-loyalty-milestone-progress]")
    bar = milestone.get_by_role("progressbar")
    expect(milestone).to_contain_text("for every $100.00 you spend. Within 400 days.")
    expect(progress).to_have_text(re.compile(rf"^\$37\.00 to go by \d+ \w+ ({NEXT_YEAR}|{NEXT_YEAR + 1})$"))
    expect(bar).to_have_js_property("position", 0.63)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert barriers(phone) == []

    shop.order(customer, "40.00")
    storefront.wait_for_points(customer, 153)
    store.open("/")
    expect(progress).to_contain_text("$97.00 to go by ")
    expect(bar).to_have_js_property("position", 0.03)
    date = re.compile(rf"^Valid until \d+ [A-Z][a-z]+ {NEXT_YEAR}$")
    expect(widget.tab("codes").get_by_text("Valid until")).to_have_text(date)
    phone.goto("/pages/rewards")
    expect(phone.locator(".loyalty-section [data-loyalty-milestone=each]")).to_contain_text("Thank you")


def test_the_tier_card_follows_an_order_while_the_page_stays_open(
    storefront: Storefront, member: Callable[[int], int], change_program: Change
) -> None:
    page, shop = storefront.page, storefront.shop
    levels = [
        {"id": "silver", "name": "Silver", "from": "100"},
        {"id": "gold", "name": "Gold", "from": "500", "multiplier": {"factor": "2"}},
    ]
    customer = member(50)
    change_program(tiers={"levels": levels})
    storefront.sign_in(customer)
    widget = storefront.open("/")
    mine, ahead = (widget.panel.locator(f"[data-loyalty-{name}]") for name in ("my-tier", "next-tier"))
    expect(ahead).to_have_text("$100.00 to Silver")
    expect(mine).to_have_count(0)
    widget.close()

    page.evaluate("window.stays = true")
    order = shop.order(customer, "120.00")
    storefront.wait_for_points(customer, 170)
    widget.open()
    expect(mine).to_have_text("Silver")
    expect(ahead).to_contain_text("$380.00 to Gold")
    assert barriers(page) == []
    widget.close()

    shop.cancel(order)
    storefront.wait_for_points(customer, 50)
    widget.open()
    expect(ahead).to_have_text("$100.00 to Silver")
    expect(mine).to_have_count(0)
    assert page.evaluate("window.stays"), "the same document, as Liquid printed it before the order"


def tell_birthday(widget: Widget, day: str, month: str) -> None:
    form = way(widget, "birthday")
    if not form.get_by_label("Day").is_visible():
        form.get_by_text("Tell us your birthday").click()
    form.get_by_label("Day").select_option(label=day)
    form.get_by_label("Month").select_option(label=month)
    form.get_by_role("button", name="Send").click()


def way(widget: Widget, rule: str) -> Locator:
    return widget.view("points").locator(f"[data-loyalty-way={rule}]")


def state(widget: Widget, rule: str) -> Locator:
    return way(widget, rule).locator("[data-loyalty-way-state]")


PRODUCTS = """{ products(first: 50) { nodes { handle
  collections(first: 5) { nodes { legacyResourceId } }
  variants(first: 5) { nodes { legacyResourceId } } } } }"""
