"""axe-core finds no violation on any page and in any state of the widget, wide and on a phone."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.axe import barriers
from tests.browser.panel import Panel
from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

Member = Callable[[int], int]
STORE = ("/", "/products/harbour-house-blend", "/pages/rewards", "/cart", "/account", "/account/login")


def test_pages_of_the_store(page: Page, shop: Shop, someone: int) -> None:
    for path in STORE:
        page.goto(path)
        assert barriers(page) == [], path
    Storefront(page, shop).sign_in(someone)
    for path in (*STORE[1:3], "/account", "/pages/rewards?locale=ar"):
        page.goto(path)
        assert barriers(page) == [], f"{path}, signed in"


def test_the_widget_of_a_guest(storefront: Storefront) -> None:
    widget = storefront.open("/")
    expect(widget.guest).to_be_visible()
    assert barriers(storefront.page) == []


def test_the_widget_of_a_member(
    storefront: Storefront, member: Member, context: BrowserContext, watch: Watch
) -> None:
    page, widget = storefront.page, storefront.widget
    page.emulate_media(reduced_motion="reduce")
    storefront.sign_in(member(150))
    storefront.open("/")
    expect(widget.view("points")).to_contain_text("You have enough")
    assert barriers(page) == [], "points"
    widget.tab("rewards")
    assert barriers(page) == [], "rewards"
    widget.ask_for("choose")
    assert barriers(page) == [], "choosing a size"
    widget.ask_for("five-off")
    assert barriers(page) == [], "the question"
    widget.redeem_asked("five-off")
    assert barriers(page) == [], "a code"
    codes = widget.tab("codes")
    expect(codes.locator("[data-loyalty-undo]")).to_be_visible()
    assert barriers(page) == [], "codes"
    codes.locator("[data-loyalty-undo]").click()
    assert barriers(page) == [], "undo"
    expect(widget.tab("activity").locator("li").first).to_be_visible()
    assert barriers(page) == [], "activity"

    watch.expect("500")
    context.route("**/apps/loyalty/me", lambda route: route.fulfill(status=500, body=""))
    storefront.open("/")
    expect(widget.failure).to_be_visible()
    assert barriers(page) == [], "trouble"


def test_the_choice_of_rewards(page: Page, demo: Demo, shop: Shop) -> None:
    panel = Panel(page, demo)
    app = panel.open("/rewards")
    app.get_by_role("button", name="Add reward").click()
    expect(app.get_by_role("link", name="Percentage off")).to_be_visible()
    assert barriers(page) == [], "the choice"
