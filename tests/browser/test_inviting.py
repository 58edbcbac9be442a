"""A member invites a friend: from the link in the widget to the points, through the merchant's hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.axe import barriers
from tests.browser.panel import Panel
from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.smoke.demo import Demo
from tests.smoke.shop import wait_until

Change = Callable[..., None]
REFERRALS = {
    "active": True,
    "points": 100,
    "minimum": "20",
    "reward": {"kind": "percentage", "title": "10% off", "percent": "10", "minimum_subtotal": "15"},
}


@pytest.fixture
def elsewhere(browser: Browser, browser_context_args: dict[str, Any], watch: Watch) -> Iterator[Page]:
    """Another person's browser."""
    context: BrowserContext = browser.new_context(**browser_context_args)
    watch.over(context)
    yield context.new_page()
    context.close()


def link_of(storefront: Storefront, customer: int) -> str:
    """What the widget gives a member to share."""
    widget = storefront.open_later(customer)
    widget.open()
    widget.panel.get_by_role("button", name="Get my link").click()
    field = widget.panel.get_by_label("Your link")
    expect(field).to_be_focused()
    return field.input_value()


def test_a_tap_waits_for_the_script_that_answers_it(
    storefront: Storefront, member: Callable[[int], int], change_program: Change, context: BrowserContext
) -> None:
    """Liquid prints the button: a tap on it was lost while the panel's script was still on its way."""
    change_program(referrals=REFERRALS)
    widget = storefront.open_later(member(50))
    on_its_way: list[Route] = []
    context.route("**/loyalty-panel.js*", lambda route: on_its_way.append(route))
    with storefront.page.expect_request("**/loyalty-panel.js*"):
        widget.open()
    start = widget.panel.get_by_role("button", name="Get my link")
    expect(start).to_be_disabled()
    on_its_way.pop().continue_()
    start.click()
    expect(widget.panel.get_by_label("Your link")).to_be_focused()


def test_a_friend_comes_by_a_link_and_the_member_is_thanked(
    storefront: Storefront,
    elsewhere: Page,
    demo: Demo,
    member: Callable[[int], int],
    change_program: Change,
    context: BrowserContext,
) -> None:
    page, widget, shop = storefront.page, storefront.widget, storefront.shop
    change_program(referrals=REFERRALS)
    advocate = member(50)
    link = link_of(storefront, advocate)
    code = link.rpartition("=")[2]
    assert link == f"{demo.sandbox}/?ref={code}"
    expect(widget.panel).to_contain_text("You get 100 points after their first order.")
    expect(widget.panel).to_contain_text("Nobody has ordered with your link yet.")
    mail = widget.panel.get_by_role("link", name="E-mail").get_attribute("href") or ""
    assert code in mail
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    widget.panel.get_by_role("button", name="Copy").click()
    expect(widget.status).to_have_text("Link copied.")
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert barriers(page) == [], "the link"

    friend = Storefront(elsewhere, shop)
    elsewhere.goto(link)
    invitation = friend.widget.panel.locator("[data-loyalty-invitation]")
    expect(invitation).to_contain_text("A gift for your first order: 10% off")
    expect(invitation).to_contain_text("For orders of $15.00 or more")
    assert barriers(elsewhere) == [], "the landing"
    invitation.get_by_label("Your e-mail address").fill(f"friend.of.{advocate}@example.com")
    invitation.get_by_role("button", name="Get my code").click()
    gift = invitation.locator("[data-loyalty-code-text]")
    expect(gift).to_be_visible(timeout=10_000)
    text = gift.inner_text()
    expect(invitation.locator("[data-loyalty-copy]")).to_be_focused()
    assert barriers(elsewhere) == [], "the code"
    elsewhere.goto(link)
    expect(gift).to_have_text(text)

    friend.sign_in(shop.new_customer(f"Friend Of {advocate}"))
    friend.put_into_cart("bread-knife")
    elsewhere.goto(link)
    invitation.get_by_role("button", name="Apply to cart").click()
    expect(friend.widget.status).to_contain_text("In your cart: it saves you")
    friend.pay()

    panel = Panel(page, demo)
    wait_until(
        20,
        "the referral waits",
        lambda: f"Friend Of {advocate}" in panel.open("/referrals").locator("body").inner_text(),
    )
    frame = panel.frame
    # Both sit at the machine that runs this test.
    expect(frame.get_by_text("Member and friend used the same internet connection.")).to_be_visible()
    assert panel.overflow() <= 0
    assert barriers(page) == [], "the panel"
    frame.get_by_role("button", name=f"Approve the order of Friend Of {advocate}").click()
    panel.toast("Approved")
    wait_until(40, "the clock has paid", lambda: shop.points(advocate) == 50 + 100)
    storefront.sign_in(advocate)
    storefront.open("/")
    widget.panel.get_by_role("button", name="Get my link").click()
    expect(widget.panel.locator("[data-loyalty-friends] li")).to_contain_text("100 points added")
    expect(widget.tab("activity").locator("li").first).to_contain_text("A friend you invited ordered")


def test_links_that_aren_t_open_show_nothing(
    storefront: Storefront,
    elsewhere: Page,
    member: Callable[[int], int],
    change_program: Change,
    watch: Watch,
) -> None:
    watch.expect("404", "409", "422")
    change_program(referrals=REFERRALS)
    advocate = member(50)
    link = link_of(storefront, advocate)
    stranger = Storefront(elsewhere, storefront.shop)
    invitation = stranger.widget.panel.locator("[data-loyalty-invitation]")
    with elsewhere.expect_response("**/visits"):
        elsewhere.goto(link[:-8] + "AAAAAAAA")
    expect(stranger.widget.guest).to_be_visible()
    expect(invitation).to_be_hidden()
    elsewhere.goto("/?ref=newsletter")
    expect(stranger.widget.launcher).to_be_visible()
    expect(stranger.widget.panel).to_have_count(0)

    elsewhere.goto(link)
    problem = invitation.get_by_role("alert")
    address = invitation.get_by_label("Your e-mail address")
    address.fill("somebody@yopmail.com")
    invitation.get_by_role("button", name="Get my code").click()
    expect(problem).to_have_text("This isn’t open to you any more.")
    address.fill("somebody@localhost")
    invitation.get_by_role("button", name="Get my code").click()
    expect(problem).to_have_text("Please check what you entered.")
    assert barriers(elsewhere) == []
    elsewhere.goto(f"{link}&locale=ar")
    expect(invitation).to_contain_text("10% off")
    assert barriers(elsewhere) == [], "from right to left"
