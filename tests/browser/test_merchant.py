"""The merchant changes the program and shoppers see it; looks after members; nobody else frames the panel."""

import json
import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.panel import Panel
from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.shopify_bridge.signing import webhook_hmac
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop, wait_until

Member = Callable[[int], int]


@pytest.fixture
def panel(page: Page, demo: Demo, shop: Shop) -> Panel:
    return Panel(page, demo)


@pytest.fixture
def store(new_context: Callable[[], BrowserContext], shop: Shop, watch: Watch) -> Storefront:
    """A shopper's browser beside the merchant's, as clicks into a frame of a tab in the back get lost."""
    context = new_context()
    watch.over(context)
    return Storefront(context.new_page(), shop)


def test_the_app_opens_where_cookies_and_storage_are_blocked(
    panel: Panel, context: BrowserContext, demo: Demo
) -> None:
    app = panel.open()
    expect(app.get_by_role("heading", name="Health")).to_be_visible()
    expect(app.get_by_text("The app embed is on.")).to_be_visible()
    for title in ("Program", "Rewards", "Members", "Settings"):
        panel.page.get_by_role("navigation").get_by_role("link", name=title).click()
        expect(panel.heading(title)).to_be_visible()
        expect(panel.page).to_have_url(re.compile(f"/admin/apps/loyalty/{title.lower()}$"))
    assert context.cookies(demo.app) == []


@pytest.mark.usefixtures("program_kept")
def test_a_new_rate_is_on_the_product_page_and_in_the_next_order(
    panel: Panel, store: Storefront, member: Member
) -> None:
    customer = member(50)
    panel.open("/program")
    expect(panel.save_bar).to_be_hidden()
    panel.field("earning.rate.points").fill("3")
    expect(panel.frame.locator("#examples li").first).to_contain_text("89 points")
    panel.save()
    panel.toast("saved")
    expect(panel.save_bar).to_be_hidden()

    points = store.page.locator("[data-loyalty-points-text]")

    def shown() -> bool:
        store.page.goto("/products/harbour-house-blend")
        return points.inner_text() == "Earn 34 points with this product."

    wait_until(10, "the product page shows the new points", shown)
    store.sign_in(customer)
    store.put_into_cart("harbour-house-blend")
    store.pay()
    store.wait_for_points(customer, 50 + 34)


@pytest.mark.usefixtures("program_kept")
def test_a_change_is_looked_at_saved_and_taken_back(panel: Panel, member: Member) -> None:
    customer = member(150)
    app = panel.open("/program")
    panel.field("earning.rate.points").fill("4")
    app.get_by_role("button", name="Preview the change").click()
    change = app.locator("#change")
    expect(change).to_contain_text("Points for each 1.00 USD: 1 became 4.")
    expect(change.locator(".figure").first).to_contain_text("instead of")
    with panel.page.expect_download() as download:
        app.get_by_role("button", name="Download by member").click()
    rows = download.value.path().read_text().splitlines()
    assert any(row.split(",")[1:] == [str(customer), "1", "100", "400", "300"] for row in rows)
    expect(panel.field("earning.rate.points")).to_have_value("4")
    panel.save()
    panel.toast("saved")

    versions = app.locator(".versions > li")
    expect(versions.first).to_contain_text("1 became 4.")
    versions.nth(1).get_by_role("link", name="Bring it back").click()
    app.get_by_role("button", name="Preview the change").click()
    expect(change).to_contain_text("Points for each 1.00 USD: 4 became 1.")
    app.get_by_role("button", name="Bring back version").click()
    panel.toast("in force again")
    expect(panel.field("earning.rate.points")).to_have_value("1")


def test_an_error_stands_at_its_field_and_what_was_typed_stays(panel: Panel, watch: Watch) -> None:
    watch.expect("422")
    panel.open("/program")
    panel.field("name").fill("Beans")
    panel.field("earning.rate.per").fill("0")
    panel.save()
    field = panel.field("earning.rate.per")
    expect(field).to_have_accessible_description(re.compile("[A-Z].+"))
    expect(field).to_be_focused()
    expect(field).to_have_value("0")
    expect(panel.field("name")).to_have_value("Beans")
    field.fill("0.0")
    expect(panel.save_bar).to_be_visible()
    panel.save_bar.get_by_role("button", name="Discard").click()
    panel.page.get_by_role("button", name="Leave").click()
    expect(panel.field("name")).not_to_have_value("Beans")
    expect(panel.save_bar).to_be_hidden()


def test_a_save_that_got_lost_can_be_tried_again(panel: Panel, context: BrowserContext, watch: Watch) -> None:
    watch.expect("net::ERR")
    panel.open("/program")
    panel.field("points.one").fill("point ")
    context.route("**/app/program", lambda route: route.abort("connectionreset"))
    panel.save()
    problem = panel.frame.get_by_role("alert").filter(has_text="The app could not be reached.")
    expect(problem).to_be_visible()
    expect(panel.field("points.one")).to_have_value("point ")
    context.unroute("**/app/program")
    problem.get_by_role("button", name="Try again").click()
    panel.toast("saved")


def test_a_member_is_found_and_an_adjustment_is_booked_once(
    panel: Panel, store: Storefront, shop: Shop, watch: Watch
) -> None:
    watch.expect("422")
    customer = shop.new_customer("Philippa Quill")
    wait_until(15, "50 points", lambda: shop.points(customer) == 50)
    app = panel.open("/members")
    app.get_by_label("Search members").fill("quill")
    app.get_by_role("button", name="Search").click()
    expect(app.get_by_role("link", name="Show all")).to_be_visible()
    app.get_by_role("link", name="Philippa Quill").click()
    expect(panel.heading("Philippa Quill")).to_be_visible()
    expect(app.locator(".timeline")).to_contain_text("Welcome: 50 points for joining.")

    panel.field("points").fill("25")
    app.get_by_role("button", name="Book it").click()
    expect(panel.field("reason")).to_be_focused()
    expect(panel.field("points")).to_have_value("25")
    panel.field("reason").fill("Sorry for the late parcel")
    # Both clicks land before the page has had any time to answer the first.
    app.locator("form[action$='/adjustments']").evaluate(
        "form => { form.requestSubmit(); form.requestSubmit(); }"
    )
    panel.toast("25 points given")
    expect(app.locator(".event").first).to_contain_text("Sorry for the late parcel")
    expect(app.locator(".figure").first).to_contain_text("75")
    expect(app.get_by_text("Sorry for the late parcel")).to_have_count(1)

    store.sign_in(customer)
    widget = store.open("/")
    expect(widget.balance).to_have_text("75")
    expect(widget.tab("activity").locator("li").first).to_contain_text("Sorry for the late parcel")


def test_more_than_there_is_can_not_be_taken(panel: Panel, shop: Shop, watch: Watch) -> None:
    watch.expect("422")
    customer = shop.new_customer("Rufus Short")
    wait_until(15, "50 points", lambda: shop.points(customer) == 50)
    app = panel.open(f"/members?q={customer}")
    app.get_by_role("link", name="Rufus Short").click()
    points = panel.field("points")
    points.fill("-51")
    panel.field("reason").fill("A mistake")
    app.get_by_role("button", name="Book it").click()
    expect(points).to_have_accessible_description("Only 50 are available, so no more than that can be taken.")
    expect(panel.field("reason")).to_have_value("A mistake")


@pytest.mark.usefixtures("program_kept")
def test_rewards_come_change_and_go_in_the_widget(panel: Panel, store: Storefront, member: Member) -> None:
    store.sign_in(member(100))
    app = panel.open("/rewards")
    app.get_by_role("button", name="Add reward").click()
    app.get_by_role("link", name="Percentage off").click()
    panel.field("title").fill("A tenth off")
    panel.field("points").fill("60")
    app.get_by_role("button", name="Add reward").click()
    panel.toast("added")
    card = store.open("/").reward("a-tenth-off")
    store.widget.tab("rewards")
    expect(card).to_contain_text("A tenth off")
    expect(card).to_contain_text("60 points")

    app.get_by_role("link", name="A tenth off").click()
    panel.field("title").fill("A tenth less")
    panel.save()
    panel.toast("saved")
    store.open("/")
    store.widget.tab("rewards")
    expect(card).to_contain_text("A tenth less")

    app = panel.open("/rewards/a-tenth-off")
    app.get_by_role("button", name="Archive").click()
    panel.toast("rchived")
    store.open("/")
    store.widget.tab("rewards")
    expect(store.widget.reward("five-off")).to_be_visible()
    expect(card).to_have_count(0)


def test_a_parked_delivery_is_seen_and_tried_again(panel: Panel, demo: Demo) -> None:
    secret = json.loads((demo.var / "demo-secrets.json").read_text())["client_secret"]
    body = b"{ this is no JSON"
    headers = {
        "X-Shopify-Topic": "orders/paid",
        "X-Shopify-Shop-Domain": demo.shop,
        "X-Shopify-Webhook-Id": "unreadable",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Hmac-Sha256": webhook_hmac(body, secret),
        "Content-Type": "application/json",
    }
    assert requests.post(f"{demo.app}/webhooks", data=body, headers=headers, timeout=10).status_code == 200

    def parked() -> bool:
        return panel.open("/inbox").get_by_text("orders/paid").count() > 0

    wait_until(15, "the delivery is parked", parked)
    expect(panel.open().get_by_text("1 waits for you.")).to_be_visible()
    app = panel.open("/inbox")
    app.get_by_role("button", name="Try again").click()
    panel.toast("The delivery is being handled again")
    wait_until(15, "it is parked again, with its reason", parked)


def test_no_foreign_page_frames_the_panel(page: Page, demo: Demo, shop: Shop, watch: Watch) -> None:
    watch.expect("frame-ancestors")
    minted = requests.get(f"{demo.sandbox}/sandbox/id-token", headers={"Host": demo.shop}, timeout=10)
    token = minted.json()["id_token"]
    paths = [
        f"/app/?shop={demo.shop}&id_token={token}",
        f"/app/token?shop={demo.shop}&shopify-reload=/app/",
        "/app/nowhere",
        "/storefront/program",
    ]
    frames = "".join(f'<iframe src="{demo.app}{path}"></iframe>' for path in paths)

    def foreign(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f"<!doctype html>{frames}")

    page.route("http://elsewhere.example/", foreign)
    page.goto("http://elsewhere.example/")
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"] * len(paths)


def test_lost_chargebacks_count_only_while_the_merchant_allows_it(panel: Panel) -> None:
    app = panel.open("/program")
    ask = app.get_by_role("button", name="Count lost chargebacks")
    ask.click()
    panel.page.get_by_role("button", name="Decline").click()
    expect(app.get_by_text("Not counted")).to_be_visible()
    ask.click()
    expect(panel.page.get_by_role("dialog")).to_contain_text("read_shopify_payments_disputes")
    panel.page.get_by_role("button", name="Allow").click()
    panel.toast("Lost chargebacks count")
    app.get_by_role("button", name="Stop counting them").click()
    panel.toast("Chargebacks aren't counted")
    expect(app.get_by_text("Not counted")).to_be_visible()
