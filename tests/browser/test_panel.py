"""The merchant's journeys through the panel, in the sandbox's admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import PHONE, WIDE, barriers
from tests.browser.panel import Panel
from tests.browser.watch import Watch
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

Member = Callable[[int], int]
PAGES = [
    "",
    "/program",
    "/earning",
    "/earning/new/multiplier",
    "/earning/new/survey",
    "/limits",
    "/tiers",
    "/challenges",
    "/challenges/new",
    "/templates",
    "/templates/tiers",
    "/templates/membership",
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


@pytest.mark.usefixtures("program_kept")
def test_who_is_quicker_than_the_scripts_loses_neither_text_nor_click(panel: Panel) -> None:
    late: list[Route] = []
    panel.page.route("**/merchant/panel.js", lambda route: late.append(route), times=1)
    with panel.page.expect_request("**/merchant/panel.js"):
        panel.page.goto(f"{panel.admin}/apps/loyalty/rewards/five-off", wait_until="commit")
    panel.field("points").fill("125")
    with pytest.raises(PlaywrightError, match="waiting for element to be visible, enabled and stable"):
        panel.frame.get_by_role("button", name="Archive").click(timeout=1000)

    late[0].continue_()
    expect(panel.frame.locator("#said")).to_contain_text("125 points = 5.00 USD")
    panel.save()
    panel.toast("saved")


def test_a_reward_is_added_and_archived(panel: Panel) -> None:
    panel.open("/rewards")
    panel.frame.get_by_role("button", name="Add reward").click()
    panel.frame.get_by_role("link", name="Amount off").click()
    panel.field("title").fill("Seven <b>off</b>")
    panel.field("points").fill("140")
    panel.field("value").fill("7")
    expect(panel.frame.locator("#said")).to_contain_text("140 points = 7.00 USD")
    panel.frame.get_by_role("button", name="Add reward").click()
    panel.frame.get_by_role("link", name="Seven <b>off</b>").click()
    panel.frame.get_by_role("button", name="Archive").click()
    panel.toast("Reward archived")
    expect(panel.frame.get_by_role("heading", name="Archived")).to_be_visible()


@pytest.mark.usefixtures("program_kept")
def test_a_campaign_on_a_collection_is_chosen_said_and_saved(panel: Panel, watch: Watch) -> None:
    watch.expect("422")  # a form that isn't filled in yet has nothing to say
    panel.open("/earning")
    panel.frame.get_by_role("button", name="Add a rule").click()
    panel.frame.get_by_role("link", name="More points on what is bought").click()
    expect(panel.field("factor")).to_be_visible()
    panel.frame.get_by_role("button", name="Choose: Collections").click()
    picker = panel.page.get_by_role("dialog")
    picker.get_by_label("Search").fill("cups")
    picker.get_by_label("Cups and mugs").check()
    picker.get_by_role("button", name="Select").click()
    expect(panel.frame.get_by_role("list", name="Collections")).to_contain_text("Cups and mugs")
    panel.field("factor").fill("2")
    panel.field("starts").fill("2040-12-01")
    panel.field("ends").fill("2040-12-07")
    said = panel.frame.locator("#said")
    expect(said).to_contain_text("2 x points on the collection Cups and mugs, 1-7 December 2040")
    expect(said.locator("li").first).to_contain_text("59 points")
    assert barriers(panel.page) == []
    panel.frame.get_by_role("button", name="Add rule").click()
    panel.toast("Rule added")
    row = panel.frame.locator(".rule", has_text="Cups and mugs")
    expect(row).to_contain_text("Coming")
    row.get_by_role("link").click()
    panel.frame.get_by_role("button", name="Remove Cups and mugs").click()
    expect(said).to_contain_text("2 x points, 1-7 December 2040")
    panel.save()
    panel.toast("Rule saved")


@pytest.mark.usefixtures("program_kept")
def test_an_error_stands_at_what_was_picked_and_discarding_brings_it_back(panel: Panel, watch: Watch) -> None:
    watch.expect("422")
    panel.open("/earning/new/bonus")
    panel.field("points").fill("0")
    panel.field("ends.time").fill("9:00")
    panel.frame.get_by_role("button", name="Add rule").click()
    expect(panel.error("points")).to_be_visible()
    expect(panel.error("ends")).to_have_text("Choose the day, too.")
    panel.frame.get_by_role("button", name="Choose: Products").click()
    panel.page.get_by_role("dialog").get_by_label("Dune Mug").check()
    panel.page.get_by_role("dialog").get_by_role("button", name="Select").click()
    chosen = panel.frame.get_by_role("list", name="Products")
    expect(chosen).to_contain_text("Dune Mug")
    panel.save_bar.get_by_role("button", name="Discard").click()
    panel.page.get_by_role("button", name="Leave").click()
    expect(panel.frame.locator(".chosen li")).to_have_count(0)


@pytest.mark.usefixtures("program_kept")
def test_tiers_are_added_moved_and_removed_before_they_are_saved_together(panel: Panel) -> None:
    panel.open("/tiers")
    add = panel.frame.get_by_role("button", name="Add a tier")
    levels = panel.frame.locator("[data-level]")
    expect(add).to_be_visible()
    # Closed ones may be there: members of other tests have them.
    first = levels.count()
    for place, (name, amount) in enumerate([("Gold", "500"), ("Silver", "200"), ("Tin", "1")], first):
        add.click()
        panel.field(f"levels.{place}.name").fill(name)
        panel.field(f"levels.{place}.from").fill(amount)
    silver, gold = levels.nth(first), levels.nth(first + 1)
    gold.get_by_role("button", name="Move up").click()
    levels.nth(first + 2).get_by_role("button", name="Remove").click()
    expect(panel.field(f"levels.{first + 1}.name")).to_have_value("Gold")
    gold.get_by_role("switch", name="Times as many points").check()
    panel.field(f"levels.{first + 1}.multiplier.factor").fill("1.5")
    assert barriers(panel.page) == []
    panel.save()
    panel.toast("Tiers saved")
    expect(panel.heading("Silver")).to_be_visible()
    expect(panel.field(f"levels.{first + 1}.multiplier.factor")).to_have_value("1.5")
    expect(levels).to_have_count(first + 2)
    silver.get_by_role("button", name="Remove").click()
    panel.save_bar.get_by_role("button", name="Discard").click()
    panel.page.get_by_role("button", name="Leave").click()
    expect(panel.heading("Silver")).to_be_visible()


@pytest.mark.usefixtures("program_kept")
def test_a_template_is_read_used_and_a_member_is_given_its_tier(panel: Panel, member: Member) -> None:
    customer = member(50)
    panel.open("/program")
    panel.frame.get_by_role("link", name="Start from a template").click()
    panel.frame.get_by_role("link", name="Paid membership").click()
    panel.frame.get_by_role("button", name="Choose a product").click()
    panel.page.get_by_role("dialog").get_by_label("Travel Cup").check()
    panel.page.get_by_role("dialog").get_by_role("button", name="Select").click()
    expect(panel.frame.locator("#said")).to_contain_text("Tier “Club” was added")
    panel.frame.get_by_role("button", name="Use this template").click()
    panel.toast("Template in use")
    open_member(panel, customer)
    panel.field("level").select_option("Club")
    panel.frame.get_by_role("button", name="Give it").click()
    panel.toast("Tier given")
    expect(panel.frame.locator(".figure", has_text="Now")).to_contain_text("Club")
    assert barriers(panel.page) == []
    panel.frame.get_by_role("button", name="Take back Club").click()
    panel.toast("Tier taken back")
    expect(panel.frame.locator(".figure", has_text="Now")).to_contain_text("No tier")


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
