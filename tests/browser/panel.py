"""The panel as a merchant uses it: inside the admin's frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Locator, Page, expect

from tests.smoke.demo import Demo

AXE = (Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text()


class Panel:
    def __init__(self, page: Page, demo: Demo) -> None:
        self.page = page
        self.app = demo.app
        self.frame = page.frame_locator(f"iframe[src^='{demo.app}']")

    def open(self, path: str = "") -> None:
        self.page.goto(f"/admin/apps/loyalty{path}")
        expect(self.frame.locator("s-page")).to_be_visible()

    def document(self) -> Frame:
        return next(frame for frame in self.page.frames if frame.url.startswith(self.app))

    def field(self, name: str) -> Locator:
        """The inner control of a Polaris field."""
        return self.frame.locator(f'[name="{name}"]').locator("input, textarea, select").first

    def error(self, name: str) -> Locator:
        return self.frame.locator(f'[name="{name}"]').locator(".error")

    def save(self) -> None:
        self.page.get_by_role("button", name="Save", exact=True).click()

    def toast(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_be_visible()

    def violations(self) -> list[Any]:
        """What axe finds on the page as it is."""
        found: list[Any] = self.document().evaluate(
            AXE + "; axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations"
            ".map((one) => [one.id, ...one.nodes.map((node) => node.target.join(' '))]))"
        )
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than its frame."""
        wide: int = self.document().evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide
