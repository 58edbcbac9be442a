"""The storefront as a shopper uses it: pages, cart, checkout, and the widget."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.smoke.shop import Shop, wait_until


class Storefront:
    def __init__(self, page: Page, shop: Shop) -> None:
        self.page = page
        self.shop = shop
        self.widget = Widget(page)

    def sign_in(self, customer: int) -> None:
        answer = self.page.request.post("/sandbox/login", data={"customer": str(customer)})
        assert answer.ok, answer.text()

    def open(self, path: str = "/") -> Widget:
        """Open a page of the shop and the widget on it."""
        self.page.goto(path)
        self.widget.open()
        return self.widget

    def open_later(self, customer: int) -> Widget:
        """Signed in on the first page, with the panel still closed."""
        self.sign_in(customer)
        self.page.goto("/")
        return self.widget

    def put_into_cart(self, handle: str, quantity: int = 1) -> None:
        self.page.goto(f"/products/{handle}")
        self.page.get_by_label("Quantity").fill(str(quantity))
        self.page.get_by_role("button", name="Add to cart").click()
        expect(self.page.get_by_role("link", name="Check out")).to_be_visible()

    def pay(self) -> int:
        """Check out what is in the cart; answers the order's id."""
        self.page.goto("/checkout")
        self.page.get_by_role("button", name="Pay now").click()
        expect(self.page.get_by_role("heading", name="Thank you")).to_be_visible()
        return int(self.page.url.split("/orders/")[1].split("/")[0])

    def wait_for_points(self, customer: int, points: int) -> None:
        """Until Liquid can print this balance."""
        wait_until(10, f"{points} points in the metafield", lambda: self.shop.points(customer) == points)


class Widget:
    """Launcher and panel. Locators look into the widget's shadow root by themselves."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.locator("[data-loyalty-launcher]")
        self.panel = page.locator("[data-loyalty-panel]")
        self.guest = self.panel.locator("[data-loyalty-guest]")
        self.balance = self.panel.locator("[data-loyalty-balance-number]")
        self.failure = self.panel.locator("[data-loyalty-failure]")
        self.status = self.panel.locator("[data-loyalty-status]")

    def open(self) -> None:
        self.launcher.click()
        expect(self.panel).to_be_visible()

    def close(self) -> None:
        self.panel.locator("[data-loyalty-close]").click()
        expect(self.panel).to_be_hidden()

    def tab(self, name: str) -> Locator:
        self.panel.locator(f"[data-loyalty-tab={name}]").click()
        return self.view(name)

    def view(self, name: str) -> Locator:
        return self.panel.locator(f"[data-loyalty-view={name}]")

    def reward(self, id: str) -> Locator:
        return self.panel.locator(f"[data-loyalty-reward='{id}']")

    def ask_for(self, id: str) -> Locator:
        """The first tap; answers the button of the second."""
        self.tab("rewards")
        self.reward(id).locator("[data-loyalty-redeem]").click()
        return self.reward(id).locator("[data-loyalty-confirm]")

    def redeem(self, id: str) -> str:
        """Two taps; answers the code."""
        self.ask_for(id)
        return self.redeem_asked(id)

    def redeem_asked(self, id: str) -> str:
        """The second tap alone."""
        self.reward(id).locator("[data-loyalty-confirm]").click()
        return self.code_of(id)

    def code_of(self, id: str) -> str:
        code = self.reward(id).locator("[data-loyalty-code-text]")
        expect(code).to_be_visible(timeout=10_000)
        return code.inner_text()
