"""A code meets the cart: what it saves, what is missing, what it can't be combined with."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.smoke.demo import Demo

Member = Callable[[int], int]
Change = Callable[..., None]
BLEND = "harbour-house-blend"


@pytest.fixture
def change_reward(change_program: Change, demo: Demo) -> Change:
    """Gives one of the program's rewards other settings."""

    def change(id: str, **settings: Any) -> None:
        exported = json.loads(demo.manage("program", "export", "--shop", demo.shop).stdout)
        rewards = [{**one, **settings} if one["id"] == id else one for one in exported["rewards"]]
        change_program(rewards=rewards)

    return change


def test_what_the_cart_lacks_is_said_until_it_has_it(
    storefront: Storefront, member: Member, change_reward: Change
) -> None:
    page, widget = storefront.page, storefront.widget
    change_reward("five-off", minimum_subtotal="25.00")
    storefront.sign_in(member(150))
    storefront.put_into_cart(BLEND, quantity=2)  # 23.00
    storefront.open("/")
    expect(widget.tab("rewards").locator("[data-loyalty-reward=five-off]")).to_contain_text(
        "For orders of $25.00 or more."
    )
    widget.ask_for("five-off")
    expect(widget.reward("five-off").locator("[data-loyalty-hint]")).to_have_text(
        "$2.00 more in your cart, and it counts."
    )
    code = widget.redeem_asked("five-off")
    mine = widget.tab("codes")
    expect(in_cart(mine)).to_have_text("$2.00 more in your cart, and it counts.")
    mine.locator("[data-loyalty-apply]").click()
    expect(in_cart(mine)).to_have_attribute("data-place", "waiting")
    assert codes_of(page) == {code: False}
    assert barriers(page) == []

    # What a theme says when its own script has changed the cart.
    page.request.post("/cart/change.js", data={"line": 1, "quantity": 3})
    page.evaluate("() => document.dispatchEvent(new Event('cart:updated'))")
    expect(in_cart(mine)).to_have_text("In your cart: it saves you $5.00.")
    assert barriers(page) == []

    mine.locator("[data-loyalty-undo]").click()
    mine.locator("[data-loyalty-undo-yes]").click()
    expect(widget.balance).to_have_text("150")
    assert codes_of(page) == {}


def test_codes_that_cannot_be_combined_are_not_offered_together(
    storefront: Storefront, member: Member, change_reward: Change
) -> None:
    page, widget = storefront.page, storefront.widget
    change_reward("free-shipping", combines_with={"order": True})
    storefront.sign_in(member(450))
    storefront.put_into_cart(BLEND, quantity=2)
    storefront.open("/")
    five, shipping = widget.redeem("five-off"), widget.redeem("free-shipping")
    mine = widget.tab("codes")
    of(mine, five).locator("[data-loyalty-apply]").click()
    expect(in_cart(of(mine, five))).to_have_attribute("data-place", "counts")
    widget.tab("rewards")
    widget.ask_for("choose")
    said = f"Can’t be combined with {five}, which is in your cart."
    expect(widget.reward("choose").locator("[data-loyalty-hint]")).to_have_text(said)
    chosen = widget.redeem_asked("choose")
    widget.tab("codes")
    expect(in_cart(of(mine, chosen))).to_have_text(said)
    expect(of(mine, chosen).locator("[data-loyalty-apply]")).to_have_count(0)

    of(mine, shipping).locator("[data-loyalty-apply]").click()
    expect(in_cart(of(mine, shipping))).to_have_text("Applied to your cart.")
    assert codes_of(page) == {five: True, shipping: True}

    of(mine, five).locator("[data-loyalty-remove]").click()
    expect(of(mine, chosen).locator("[data-loyalty-apply]")).to_be_visible()
    expect(of(mine, five).locator("[data-loyalty-apply]")).to_be_focused()
    assert codes_of(page) == {shipping: True}


def test_a_cart_that_takes_no_codes_leaves_the_link(
    storefront: Storefront, member: Member, watch: Watch
) -> None:
    page, widget = storefront.page, storefront.widget
    watch.expect("404")
    storefront.sign_in(member(150))
    storefront.put_into_cart(BLEND, quantity=2)
    page.route("**/cart/update.js", lambda route: route.fulfill(status=404, body=""))
    storefront.open("/")
    code = widget.redeem("five-off")
    card = widget.reward("five-off")
    card.locator("[data-loyalty-apply]").click()
    expect(in_cart(card)).to_have_text("The code could not be applied. Please enter it at checkout.")
    card.locator("[data-loyalty-link]").click()
    page.wait_for_url("**/cart")
    assert codes_of(page) == {code: True}


def test_what_is_over_stands_below_with_what_became_of_it(storefront: Storefront, member: Member) -> None:
    widget = storefront.widget
    customer = member(350)
    storefront.sign_in(customer)
    storefront.put_into_cart(BLEND, quantity=2)
    storefront.open("/")
    widget.redeem("five-off")
    widget.reward("five-off").locator("[data-loyalty-undo]").click()
    widget.reward("five-off").locator("[data-loyalty-undo-yes]").click()
    expect(widget.balance).to_have_text("350")
    widget.redeem("choose")
    widget.reward("choose").locator("[data-loyalty-apply]").click()
    expect(in_cart(widget.reward("choose"))).to_have_attribute("data-place", "counts")
    storefront.pay()
    storefront.wait_for_points(customer, 350 - 340 + 6)
    past = storefront.open("/").panel.locator("[data-loyalty-past]")
    widget.tab("codes")
    expect(past).to_have_count(2)
    expect(past.first).to_contain_text(re.compile(r"Choose your discount: \$17\.00Used"))
    expect(past.last).to_contain_text("5.00 offUndone")
    assert barriers(storefront.page) == []


def test_the_cart_page_names_the_best_that_the_points_can_do_for_it(
    storefront: Storefront, member: Member, watch: Watch
) -> None:
    page, widget = storefront.page, storefront.widget
    storefront.sign_in(member(250))
    storefront.put_into_cart(BLEND, quantity=2)
    offer = page.locator("[data-loyalty-cart-reward]")
    # 12.00 is more than 5.00, a tenth of 23.00, and the shipping.
    expect(offer).to_contain_text("You have enough for “Choose your discount”.")
    assert barriers(page) == []
    assert watch.proxied() == []
    offer.get_by_role("button", name="Redeem points").click()
    expect(widget.view("rewards")).to_be_visible()
    widget.redeem("choose")
    widget.reward("choose").locator("[data-loyalty-apply]").click()
    expect(in_cart(widget.reward("choose"))).to_have_text("In your cart: it saves you $12.00.")
    page.goto("/cart")
    expect(offer).to_have_count(0)


def in_cart(place: Locator) -> Locator:
    return place.locator("[data-loyalty-in-cart]")


def of(mine: Locator, code: str) -> Locator:
    shown = mine.page.locator("[data-loyalty-code-text]", has_text=code)
    return mine.locator("[data-loyalty-redemption]").filter(has=shown)


def codes_of(page: Page) -> dict[str, bool]:
    """The codes that the cart has, and whether each counts."""
    cart = page.request.get("/cart.js").json()
    return {held["code"]: held["applicable"] for held in cart["discount_codes"]}
