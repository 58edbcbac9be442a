"""Keyboards, calm screens, other languages and small screens."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.storefront import Storefront, Widget
from tests.smoke.shop import Shop

Member = Callable[[int], int]


def test_the_keyboard_alone_is_enough(storefront: Storefront, member: Member) -> None:
    page, widget = storefront.page, storefront.open_later(member(150))
    keyboard = page.keyboard
    widget.launcher.focus()
    keyboard.press("Enter")
    expect(widget.panel.get_by_role("heading", name="Rewards").first).to_be_focused()
    expect(widget.view("points")).to_contain_text("You have enough")
    keyboard.press("Tab")
    expect(widget.panel.get_by_role("button", name="Close")).to_be_focused()
    keyboard.press("Tab")
    expect(widget.panel.get_by_role("tab", name="Points")).to_be_focused()
    keyboard.press("ArrowRight")
    expect(widget.panel.get_by_role("tab", name="Rewards", exact=True)).to_be_focused()
    expect(widget.view("rewards")).to_be_visible()
    keyboard.press("Tab")
    expect(widget.view("rewards")).to_be_focused()
    keyboard.press("Tab")
    first = widget.panel.get_by_role("button", name="Redeem “Choose your discount”")
    expect(first).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    confirm = widget.reward("five-off").locator("[data-loyalty-confirm]")
    expect(confirm).to_be_focused()
    keyboard.press("Enter")
    widget.code_of("five-off")
    expect(widget.reward("five-off").locator("[data-loyalty-copy]")).to_be_focused()

    keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()
    keyboard.press("Space")
    expect(widget.panel).to_be_visible()


def test_the_focus_stays_inside_the_open_panel(storefront: Storefront, member: Member) -> None:
    page, widget = storefront.page, storefront.open_later(member(50))
    widget.open()
    expect(widget.view("points")).to_contain_text("to go until")
    inside = "document.activeElement === document.querySelector('loyalty-widget')"
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 8:
        page.keyboard.press(key)
        assert page.evaluate(inside), key


def test_less_motion_means_none(storefront: Storefront, member: Member) -> None:
    page, widget = storefront.page, storefront.open_later(member(50))
    page.emulate_media(reduced_motion="reduce")
    widget.open()
    assert motion(widget.panel) == {"0s"}
    page.emulate_media(reduced_motion="no-preference")
    assert motion(widget.panel) != {"0s"}


def motion(element: Locator) -> set[str]:
    durations = element.evaluate(
        "node => [node, ...node.querySelectorAll('*')].map((one) => getComputedStyle(one))"
        ".flatMap((style) => [style.transitionDuration, style.animationDuration])"
    )
    return {part.strip() for duration in durations for part in duration.split(",")}


@pytest.mark.parametrize(
    ("locale", "direction", "words"),
    [
        ("de", "ltr", ["Punkte", "Prämien", "Meine Prämien", "Verlauf"]),
        ("ar", "rtl", ["النقاط", "المكافآت", "مكافآتي", "السجل"]),
    ],
)
def test_the_panel_speaks_the_shoppers_language(
    storefront: Storefront, member: Member, locale: str, direction: str, words: list[str]
) -> None:
    page = storefront.page
    storefront.sign_in(member(150))
    widget = storefront.open(f"/products/dune-mug?locale={locale}")
    expect(widget.panel.get_by_role("tab")).to_have_text(words)
    assert widget.panel.evaluate("node => getComputedStyle(node).direction") == direction
    box = widget.panel.bounding_box()
    assert box is not None
    at_the_right = box["x"] > 640
    assert at_the_right == (direction == "ltr")
    code = widget.redeem("five-off")
    assert widget.reward("five-off").locator("[data-loyalty-code-text]").get_attribute("dir") == "ltr"
    expect(widget.balance).to_have_text("50")
    assert len(code) == 12
    assert no_english(page, widget) == []


def no_english(page: Page, widget: Widget) -> list[str]:
    """Texts of the panel that stayed English; the program's own names are what the merchant wrote."""
    for name in ("points", "rewards", "codes", "activity"):
        widget.tab(name)
    shown = widget.panel.inner_text()
    return [word for word in ("Redeem", "Your", "balance", "Copy", "Undo", "Apply") if word in shown.split()]


@pytest.mark.parametrize("locale", ["en", "de", "ar"])
def test_nothing_is_wider_than_a_phone(phone: Page, shop: Shop, someone: int, locale: str) -> None:
    Storefront(phone, shop).sign_in(someone)
    for path in ("/", "/collections/coffee", "/products/dune-mug", "/pages/rewards", "/cart", "/account"):
        phone.goto(f"{path}?locale={locale}")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("locale", ["en", "de", "ar"])
def test_the_panel_is_a_sheet_on_a_phone(phone: Page, shop: Shop, someone: int, locale: str) -> None:
    store = Storefront(phone, shop)
    store.sign_in(someone)
    phone.emulate_media(reduced_motion="reduce")
    widget = store.open(f"/?locale={locale}")
    box = widget.panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 390, 844)
    for name in ("points", "rewards", "codes", "activity"):
        view = widget.tab(name)
        expect(view.locator("[data-loyalty-skeleton]")).to_have_count(0)
        assert view.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), name
    small = widget.panel.evaluate(
        "panel => [...panel.querySelectorAll('button, a')].filter((one) => one.checkVisibility())"
        ".map((one) => [one.textContent, Math.round(one.getBoundingClientRect().height)])"
        ".filter(([, height]) => height < 44)"
    )
    assert small == []
