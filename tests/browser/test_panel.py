"""The merchant's journeys through the panel, in the sandbox's admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import PHONE, WIDE, barriers
from tests.browser.panel import Panel
from tests.browser.watch import Watch
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

Member = Callable[[int], int]
PAGES = [
    "",
    "/program",
    "/rewards",
    "/rewards/five-off",
    "/rewards/new/variable",
    "/members",
    "/inbox",
    "/orders-check",
    "/backfill",
    "/settings",
]


@pytest.fixture
def panel(page: Page, shop: Shop, demo: Demo) -> Panel:
    return Panel(page, demo)


def open_member(panel: Panel, customer: int) -> None:
    panel.open(f"/members?q={customer}")
    panel.frame.locator("s-table-row s-link").first.click()
    expect(panel.frame.get_by_role("heading", name="Balance")).to_be_visible()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path or "home")
def test_every_page_is_accessible_wide_and_narrow(panel: Panel, path: str) -> None:
    panel.open(path)
    assert barriers(panel.page) == []
    for size in (PHONE, WIDE):
        panel.page.set_viewport_size(size)
        assert panel.overflow() <= 0


def test_a_members_page_is_accessible_with_everything_unfolded(panel: Panel, member: Member) -> None:
    open_member(panel, member(120))
    for summary in panel.frame.locator(".event summary").all():
        summary.click()
    assert barriers(panel.page) == []


def test_errors_stand_at_their_fields_and_keep_what_was_typed(panel: Panel, watch: Watch) -> None:
    watch.expect("422")
    panel.open("/program")
    panel.field("earning.rate.per").fill("abc")
    panel.field("points.one").fill("")
    panel.save()
    expect(panel.error("earning.rate.per")).to_have_text("Write an amount such as 5 or 5.50.")
    expect(panel.error("points.one")).to_be_visible()
    expect(panel.field("earning.rate.per")).to_have_value("abc")
    assert barriers(panel.page) == []


def test_the_merchant_sees_what_a_rate_earns_before_saving_it(panel: Panel) -> None:
    panel.open("/program")
    first = panel.frame.locator("#examples li").first
    expect(first).to_contain_text("29 points")
    panel.field("earning.rate.points").fill("3")
    expect(first).to_contain_text("89 points")
    expect(first).to_contain_text("29.90 x 3 = 89.7, rounded down.")


def test_a_reward_is_added_and_archived(panel: Panel) -> None:
    panel.open("/rewards")
    panel.frame.get_by_role("button", name="Add reward").click()
    panel.frame.get_by_role("link", name="Amount off").click()
    panel.field("title").fill("Seven <b>off</b>")
    panel.field("points").fill("140")
    panel.field("value").fill("7")
    expect(panel.frame.locator("#cost")).to_contain_text("140 points = 7.00 USD")
    panel.frame.get_by_role("button", name="Add reward").click()
    panel.frame.get_by_role("link", name="Seven <b>off</b>").click()
    panel.frame.get_by_role("button", name="Archive").click()
    panel.toast("Reward archived")
    expect(panel.frame.get_by_role("heading", name="Archived")).to_be_visible()


def test_a_double_click_changes_points_once(panel: Panel, shop: Shop, member: Member) -> None:
    customer = member(50)
    open_member(panel, customer)
    panel.field("points").fill("25")
    panel.field("reason").fill("<img src=x onerror=alert(1)> for waiting")
    panel.frame.get_by_role("button", name="Book it").dblclick()
    panel.toast("25 points given")
    expect(panel.frame.locator(".number").first).to_have_text("75")
    expect(panel.frame.locator(".event-text").first).to_have_text("<img src=x onerror=alert(1)> for waiting")


def test_links_carry_a_fresh_token_and_leave_none_behind(panel: Panel, watch: Watch) -> None:
    panel.open("/program")
    panel.frame.get_by_role("link", name="Home").click()
    expect(panel.frame.get_by_role("heading", name="Last 7 days")).to_be_visible()
    assert not [address for address in watch.requests if "/app/token" in address]
    panel.document().wait_for_function("!location.href.includes('id_token')", timeout=5_000)


def test_all_that_is_stored_of_a_member_can_be_taken_away(panel: Panel, page: Page, member: Member) -> None:
    open_member(panel, member(50))
    with page.expect_download() as download:
        panel.frame.get_by_role("button", name="Download all that is stored").click()
    assert download.value.suggested_filename.endswith(".json")
