"""The panel as a merchant uses it: inside the admin's frame."""

from __future__ import annotations

from playwright.sync_api import Frame, FrameLocator, Locator, Page, expect

from tests.smoke.demo import Demo

# What a frame of another site gets in a browser that blocks third-party cookies and storage.
BLOCKED = """
if (window.parent !== window) {
  const refuse = () => { throw new DOMException('Storage is blocked', 'SecurityError'); };
  for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) {
    Object.defineProperty(window, name, { get: refuse });
  }
  Object.defineProperty(document, 'cookie', { get: refuse, set: refuse });
}"""


class Panel:
    def __init__(self, page: Page, demo: Demo) -> None:
        self.page = page
        self.app = demo.app
        # The app runs at 127.0.0.1: to a browser, this is another site.
        self.admin = demo.sandbox.replace("127.0.0.1", "localhost") + "/admin"
        self.frame = page.frame_locator(f"iframe[src^='{demo.app}']")
        self.save_bar = page.get_by_role("region", name="Unsaved changes")
        page.add_init_script(BLOCKED)

    def open(self, path: str = "") -> FrameLocator:
        self.page.goto(f"{self.admin}/apps/loyalty{path}")
        expect(self.frame.locator("s-page")).to_be_visible()
        return self.frame

    def document(self) -> Frame:
        return next(frame for frame in self.page.frames if frame.url.startswith(self.app))

    def heading(self, text: str) -> Locator:
        return self.frame.get_by_role("heading", name=text, exact=True)

    def field(self, name: str) -> Locator:
        """The inner control of a Polaris field."""
        return self.frame.locator(f'[name="{name}"]').locator("input, textarea, select").first

    def error(self, name: str) -> Locator:
        return self.frame.locator(f'[name="{name}"]').locator(".error")

    def save(self) -> None:
        self.save_bar.get_by_role("button", name="Save").click()

    def toast(self, text: str) -> None:
        expect(self.page.locator("[data-toasts]")).to_contain_text(text)

    def overflow(self) -> int:
        """By how many pixels the page is wider than its frame."""
        wide: int = self.document().evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide
