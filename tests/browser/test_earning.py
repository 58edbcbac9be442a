"""From a guest to a member with points."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.storefront import Storefront
from tests.browser.watch import Watch


def test_a_guest_sees_what_there_is_and_becomes_a_member(storefront: Storefront) -> None:
    page, widget = storefront.page, storefront.open()
    expect(widget.guest.locator("[data-loyalty-ways] li")).to_have_text(
        [
            "You earn 1 point for every $1.00 you spend.",
            "You get 50 points for creating an account.",
        ]
    )
    expect(widget.guest.locator("[data-loyalty-offers] li")).to_have_count(4)
    expect(widget.guest.locator("[data-loyalty-offers]")).to_contain_text("Free shipping 150 points")
    expect(widget.guest.locator("[data-loyalty-sign-up]")).to_be_visible()
    widget.guest.locator("[data-loyalty-sign-in]").click()

    page.get_by_label("First name").fill("Noor")
    page.get_by_label("E-mail").fill("noor@example.com")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("link", name="Noor")).to_be_visible()
    widget.open()
    expect(widget.balance).to_have_text("50")
    expect(widget.guest).to_be_hidden()


def test_a_checkout_earns_and_the_theme_prints_it_without_a_request(
    storefront: Storefront, member: Callable[[int], int], watch: Watch
) -> None:
    page = storefront.page
    customer = member(50)
    storefront.sign_in(customer)
    page.goto("/products/harbour-house-blend")
    expect(page.locator("[data-loyalty-points-text]")).to_have_text("Earn 11 points with this product.")
    expect(storefront.widget.launcher).to_contain_text("50 points")
    storefront.put_into_cart("harbour-house-blend", quantity=2)
    storefront.pay()
    storefront.wait_for_points(customer, 73)
    page.goto("/")
    expect(storefront.widget.launcher).to_contain_text("73 points")
    page.wait_for_load_state("networkidle")
    assert watch.proxied() == []

    storefront.widget.open()
    expect(storefront.widget.balance).to_have_text("73")
    activity = storefront.widget.tab("activity")
    expect(activity.locator("li").first).to_contain_text("23")
    assert watch.proxied() != []


def test_the_points_of_a_product_follow_the_chosen_kind(storefront: Storefront) -> None:
    page = storefront.page
    page.goto("/products/harbour-house-blend")
    page.get_by_label("Kind").select_option(label="1 kg · $39.00")
    expect(page.locator("[data-loyalty-points-text]")).to_have_text("Earn 39 points with this product.")
    page.goto("/products/gift-card")
    expect(page.locator("[data-loyalty-points-text]")).to_have_count(0)


def test_the_product_page_does_not_move(page: Page, storefront: Storefront) -> None:
    page.add_init_script(
        """window.shifts = 0;
        const add = (list) => list.getEntries().forEach((entry) => { window.shifts += entry.value; });
        new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });"""
    )
    page.goto("/products/harbour-house-blend")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    assert page.evaluate("window.shifts") == 0
