"""Slow lines, no line, blocked scripts: the shopper is told, nothing is lost, and it mends."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.storefront import Storefront, Widget
from tests.browser.watch import Watch

Member = Callable[[int], int]
FAILED = ("Failed to load resource", "net::ERR", "Failed to fetch")


def test_a_slow_line_shows_what_is_known_and_fills_in_the_rest(
    storefront: Storefront, member: Member, context: BrowserContext
) -> None:
    page, widget = storefront.page, storefront.widget
    storefront.sign_in(member(150))
    page.goto("/")
    line = context.new_cdp_session(page)
    slow = {"offline": False, "latency": 700, "downloadThroughput": 40_000, "uploadThroughput": 20_000}
    line.send("Network.emulateNetworkConditions", slow)
    widget.open()
    expect(widget.balance).to_have_text("150")
    rewards = widget.tab("rewards")
    expect(rewards.locator("[data-loyalty-skeleton]")).to_be_visible()
    expect(widget.reward("five-off")).to_be_visible(timeout=15_000)
    widget.ask_for("five-off").click()
    expect(widget.reward("five-off").locator("[data-loyalty-working]")).to_have_text("One moment…")
    widget.code_of("five-off")
    expect(widget.balance).to_have_text("50")


def test_without_a_line_the_panel_says_so_and_mends(
    storefront: Storefront, member: Member, context: BrowserContext, watch: Watch
) -> None:
    watch.expect(*FAILED)
    page, widget = storefront.page, storefront.open_later(member(150))
    context.route("**/apps/loyalty/**", lambda route: route.abort("internetdisconnected"))
    page.evaluate("Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => false })")
    widget.open()
    expect(widget.failure).to_contain_text("You seem to be offline.")
    expect(widget.balance).to_have_text("150")
    context.unroute("**/apps/loyalty/**")
    page.evaluate("delete navigator.onLine")
    widget.failure.get_by_role("button", name="Try again").click()
    expect(widget.failure).to_be_hidden()
    expect(widget.view("points")).to_contain_text("You have enough")


def test_an_answer_that_was_lost_is_asked_for_again_and_not_redeemed_twice(
    storefront: Storefront, member: Member, context: BrowserContext, watch: Watch
) -> None:
    """The app redeems, the line breaks before the answer: the same key brings the first code."""
    watch.expect(*FAILED)
    storefront.sign_in(member(250))
    widget = storefront.open("/")
    codes: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":  # the list of past ones has the same address
            return route.continue_()
        answer = route.fetch()
        codes.append(answer.json()["code"])
        if len(codes) == 1:
            return route.abort("connectionreset")
        return route.fulfill(response=answer)

    context.route(re.compile("/apps/loyalty/redemptions$"), lose_the_answer)
    assert widget.redeem("five-off") == codes[0] == codes[1]
    expect(widget.balance).to_have_text("150")
    expect(widget.tab("codes").locator("[data-loyalty-redemption]")).to_have_count(1)


def test_a_blocked_panel_script_leaves_the_balance_and_another_try(
    storefront: Storefront, member: Member, context: BrowserContext, watch: Watch
) -> None:
    watch.expect(*FAILED)
    widget = storefront.open_later(member(150))
    context.route("**/loyalty-panel.js*", lambda route: route.abort("blockedbyclient"))
    widget.open()
    expect(widget.failure).to_contain_text("Your points are safe.")
    expect(widget.balance).to_have_text("150")
    expect(widget.panel.locator("[data-loyalty-ways]").last).to_contain_text(
        "You earn 1 point for every $1.00"
    )
    context.unroute("**/loyalty-panel.js*")
    widget.failure.get_by_role("button", name="Try again").click()
    expect(widget.failure).to_be_hidden()
    expect(widget.view("points")).to_contain_text("You have enough")


def test_without_any_script_everything_that_liquid_printed_is_there(
    storefront: Storefront, member: Member, new_context: Callable[..., BrowserContext]
) -> None:
    customer = member(150)
    page: Page = new_context(java_script_enabled=False).new_page()
    plain = Storefront(page, storefront.shop)
    plain.sign_in(customer)
    page.goto("/products/harbour-house-blend")
    expect(page.locator("[data-loyalty-points-text]")).to_have_text("Earn 11 points with this product.")
    expect(Widget(page).launcher).to_contain_text("150 points")
    page.goto("/pages/rewards")
    expect(page.locator("[data-loyalty-section-balance]")).to_have_text("You have 150 points.")
    expect(page.locator("[data-loyalty-section-reward]")).to_have_count(4)
    expect(page.locator("[data-loyalty-section-reward=ten-percent]")).to_contain_text("50 points to go")
    Widget(page).launcher.click()
    expect(page).to_have_url(re.compile("/account$"))


def test_an_app_that_is_down_is_told_calmly(
    storefront: Storefront, member: Member, context: BrowserContext, watch: Watch
) -> None:
    watch.expect("502")
    widget = storefront.open_later(member(150))
    context.route(
        "**/apps/loyalty/me", lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>")
    )
    widget.open()
    expect(widget.failure).to_contain_text("Your rewards can’t be shown right now. Your points are safe.")
    expect(widget.balance).to_have_text("150")
