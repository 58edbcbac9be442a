"""Points become a code, exactly once, and the code is worth money at the checkout."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.storefront import Storefront, Widget
from tests.browser.watch import Watch
from tests.smoke.shop import wait_until

Member = Callable[[int], int]


def test_two_taps_a_code_the_cart_and_the_checkout(
    storefront: Storefront, member: Member, context: BrowserContext
) -> None:
    page, widget = storefront.page, storefront.widget
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    customer = member(170)
    storefront.sign_in(customer)
    storefront.put_into_cart("harbour-house-blend", quantity=2)
    storefront.open("/")
    code = widget.redeem("five-off")
    card = widget.reward("five-off")
    expect(widget.balance).to_have_text("70")
    expect(widget.launcher).to_contain_text("70 points")

    card.locator("[data-loyalty-copy]").click()
    expect(card.locator("[data-loyalty-code-note]")).to_have_text("Code copied.")
    expect(widget.status).to_have_text("Code copied.")
    assert page.evaluate("navigator.clipboard.readText()") == code

    card.locator("[data-loyalty-apply]").click()
    expect(card.locator("[data-loyalty-in-cart]")).to_have_text("In your cart: it saves you $5.00.")
    card.locator("[data-loyalty-cart]").click()
    summary = page.get_by_role("complementary", name="Summary")
    expect(summary).to_contain_text(code)
    expect(summary).to_contain_text("−$5.00")

    order = storefront.pay()
    assert storefront.shop.order_seen(order)["discountCodes"] == [code]
    storefront.wait_for_points(customer, 70 + 18)
    storefront.open("/")
    expect(widget.tab("codes")).to_contain_text("Nothing open")
    expect(widget.tab("activity").locator("li").first).to_be_visible()

    storefront.put_into_cart("harbour-house-blend")
    page.get_by_label("Discount code").fill(code)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("complementary", name="Summary")).not_to_contain_text("−$5.00")


def test_an_undo_closes_the_code_and_brings_the_points_back(storefront: Storefront, member: Member) -> None:
    widget = storefront.widget
    storefront.sign_in(member(150))
    storefront.open("/")
    code = widget.redeem("free-shipping")
    expect(widget.balance).to_have_text("0")
    codes = widget.tab("codes")
    expect(codes.locator("[data-loyalty-code-text]")).to_have_text(code)
    codes.locator("[data-loyalty-undo]").click()
    expect(codes).to_contain_text("Give this back and get 150 points back?")
    codes.locator("[data-loyalty-undo-yes]").click()
    expect(widget.status).to_have_text("Undone: your points are back.")
    expect(widget.balance).to_have_text("150")
    expect(codes).to_contain_text("Nothing open")
    wait_until(10, "the code ends", lambda: storefront.shop.code_seen(code)["status"] == "EXPIRED")


def test_the_size_of_a_discount_can_be_chosen(storefront: Storefront, member: Member) -> None:
    widget = storefront.widget
    storefront.sign_in(member(110))
    storefront.open("/")
    confirm = widget.ask_for("choose")
    card = widget.reward("choose")
    expect(card.locator("[data-loyalty-size]")).to_have_text("$5.00 for 100 points")
    card.get_by_role("button", name="Less").click()
    card.locator("[data-loyalty-slider]").press("ArrowLeft")
    expect(card.locator("[data-loyalty-size]")).to_have_text("$3.00 for 60 points")
    confirm.click()
    widget.code_of("choose")
    expect(widget.balance).to_have_text("50")


def test_a_double_click_redeems_once(storefront: Storefront, member: Member, watch: Watch) -> None:
    widget = storefront.widget
    storefront.sign_in(member(350))
    storefront.open("/")
    confirm = widget.ask_for("five-off")
    # Both clicks land before the page has had any time to answer the first.
    confirm.evaluate("button => { button.click(); button.click(); }")
    widget.code_of("five-off")
    expect(widget.balance).to_have_text("250")
    expect(widget.tab("codes").locator("[data-loyalty-redemption]")).to_have_count(1)


def test_two_tabs_of_one_browser_mean_the_same_redemption(
    storefront: Storefront, member: Member, context: BrowserContext
) -> None:
    storefront.sign_in(member(350))
    storefront.open("/")
    other = second_tab(context)
    first = storefront.widget.ask_for("five-off")
    second = other.ask_for("five-off")
    click_together(first.page, second.page)
    assert storefront.widget.code_of("five-off") == other.code_of("five-off")
    expect(storefront.widget.balance).to_have_text("250")
    expect(other.balance).to_have_text("250")


@pytest.mark.parametrize(("points", "codes"), [(150, 1), (200, 2)])
def test_two_browsers_redeem_no_more_than_the_balance_allows(
    storefront: Storefront,
    member: Member,
    new_context: Callable[[], BrowserContext],
    watch: Watch,
    points: int,
    codes: int,
) -> None:
    watch.expect("409")
    customer = member(points)
    elsewhere = new_context()
    watch.over(elsewhere)
    other = Storefront(elsewhere.new_page(), storefront.shop)
    widgets = []
    for each in (storefront, other):
        each.sign_in(customer)
        widgets.append(each.open("/"))
        each.widget.ask_for("five-off")
    click_together(storefront.page, other.page)
    for widget in widgets:
        expect(widget.reward("five-off")).to_have_attribute("data-step", re.compile("code|problem"))
    outcomes = sorted(widget.reward("five-off").get_attribute("data-step") for widget in widgets)
    assert outcomes == ["code", "code" if codes == 2 else "problem"]
    storefront.wait_for_points(customer, points - 100 * codes)
    again = storefront.open("/")
    expect(again.tab("codes").locator("[data-loyalty-redemption]")).to_have_count(codes)


def second_tab(context: BrowserContext) -> Widget:
    page = context.new_page()
    page.goto("/")
    widget = Widget(page)
    widget.open()
    return widget


def click_together(*pages: Page) -> None:
    """Both browsers send before either hears an answer."""
    for page in pages:
        page.locator("[data-loyalty-confirm]").evaluate("button => setTimeout(() => button.click(), 100)")
