"""Rewards of any kind: those that the widget has a sentence for, and those that it hasn't."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.axe import barriers
from tests.browser.storefront import Storefront

Member = Callable[[int], int]


def changed(page: Page, path: str, change: Callable[[dict[str, Any]], None]) -> None:
    """The app's real answer to this address, with something changed in it."""

    def answer(route: Route) -> None:
        given = route.fetch()
        body = given.json()
        change(body)
        route.fulfill(response=given, json=body)

    page.route(f"**/apps/loyalty/{path}", answer)


def test_a_kind_that_the_widget_has_not_heard_of_has_its_title(
    storefront: Storefront, member: Member
) -> None:
    page, widget = storefront.page, storefront.widget
    balloon = {"kind": "balloon", "title": "<b>A balloon</b>", "about": "It flies.", "lift": 3}
    redeemed = {"code": None, "state": "used", "reward": {"id": "five-off", "points": 100, **balloon}}
    changed(page, "me", lambda me: me["rewards"][0].update(balloon))
    changed(page, "redemptions", lambda redemption: redemption.update(redeemed))
    storefront.sign_in(member(250))
    storefront.open("/")
    widget.tab("rewards")
    card = widget.reward("five-off")
    expect(card.get_by_role("heading")).to_have_text("<b>A balloon</b>")
    expect(card).to_contain_text("It flies.")
    widget.ask_for("five-off").click()
    expect(widget.status).to_have_text("Yours: <b>A balloon</b>")
    card.locator("[data-loyalty-done]").click()
    expect(card.locator("[data-loyalty-redeem]")).to_be_focused()


def test_a_code_that_is_no_discount_is_copied_and_not_put_into_the_cart(
    storefront: Storefront, member: Member
) -> None:
    page, widget = storefront.page, storefront.widget

    def card_of_the_shop(redemption: dict[str, Any]) -> None:
        redemption["reward"] |= {"kind": "voucher"}
        del redemption["reward"]["discount"]

    changed(page, "redemptions", card_of_the_shop)
    storefront.sign_in(member(150))
    storefront.open("/")
    widget.redeem("five-off")
    card = widget.reward("five-off")
    expect(card.locator("[data-loyalty-copy]")).to_be_visible()
    expect(card.locator("[data-loyalty-apply]")).to_have_count(0)
    expect(card.locator("[data-loyalty-undo]")).to_be_visible()


def test_where_none_is_left_one_can_wait_in_line(storefront: Storefront, member: Member) -> None:
    page, widget = storefront.page, storefront.widget
    line: dict[str, Any] = {"left": 0, "waiting": 2}
    changed(page, "me", lambda me: me["rewards"][0].update(line))

    def wait(route: Route) -> None:
        line.update(place=3) if route.request.url.endswith("/waits") else line.pop("place")
        route.fulfill(json={"reward": "five-off", **line})

    page.route("**/apps/loyalty/rewards/five-off/waits**", wait)
    storefront.sign_in(member(250))
    storefront.open("/")
    widget.tab("rewards")
    card = widget.reward("five-off")
    expect(card).to_contain_text("None left.")
    expect(card.locator("[data-loyalty-redeem]")).to_have_count(0)
    expect(widget.view("rewards").locator("[data-loyalty-reward]").last).to_contain_text("None left.")
    card.get_by_role("button", name="Tell me when there is one").click()
    expect(card).to_contain_text("You are number 3 in line.")
    assert barriers(page) == []
    card.get_by_role("button", name="Wait no longer").click()
    expect(card.get_by_role("button", name="Tell me when there is one")).to_be_focused()

    line.update(kept_until="2040-12-01T12:00:00+00:00")
    storefront.open("/")
    widget.tab("rewards")
    expect(card).to_contain_text("Kept for you until 1 December 2040.")
    expect(card.locator("[data-loyalty-redeem]")).to_be_visible()


def test_what_a_cause_and_a_draw_have_so_far_is_told(storefront: Storefront, member: Member) -> None:
    page, widget = storefront.page, storefront.widget
    drawn = {"state": "drawn", "entries": 40, "own_entries": [7, 9], "winning_entries": [9]}

    def change(me: dict[str, Any]) -> None:
        me["rewards"][0] |= {"given": "120.00", "times": 7}
        me["rewards"][1] |= {"kind": "draw", "closes": "2040-12-01", **drawn}

    changed(page, "me", change)
    storefront.sign_in(member(250))
    storefront.open("/")
    widget.tab("rewards")
    expect(widget.reward("five-off")).to_contain_text("$120.00 given so far.")
    draw = widget.reward("ten-percent")
    expect(draw).to_contain_text("Entries so far: 40, yours: 2.")
    expect(draw).to_contain_text("You have won!")
    expect(draw).to_contain_text("Until 1 December 2040.")
    expect(draw.locator("[data-loyalty-redeem]")).to_have_count(0)
