"""`bin/screenshots`: the pictures of `docs/images/`, from a demo of its own with some weeks of history."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import requests
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.chromium import LAUNCH
from tests.browser.panel import Panel
from tests.browser.storefront import Storefront, Widget
from tests.smoke.demo import ROOT, Demo, free_port, running
from tests.smoke.shop import Browser as Shopper
from tests.smoke.shop import Shop, wait_until

IMAGES = ROOT / "docs" / "images"
FIRST_PORT = 19500
WIDE: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
IDLE_MILLISECONDS = 5000
SETTLED_SECONDS = 31
"""What changed in the last half minute is no gap yet: its news may be on its way."""
PRODUCT = "/products/yirga-hills-ethiopia"

# The storefront is shown in her name. (days ago, amount) of each order.
HERO = "Ada Okafor"
HERO_ORDERS = [(26, "64.00"), (12, "118.50"), (5, "42.00"), (2, "37.80")]
# Those of the demo shop's first customers who buy something, then newcomers.
OTHERS: list[tuple[str, list[tuple[int, str]]]] = [
    ("Sam Whitfield", [(24, "150.00"), (4, "98.00")]),
    ("Jonas Lindqvist", [(20, "24.00"), (6, "79.00")]),
    ("Liam Byrne", [(9, "12.90")]),
    ("Hana Novak", [(5, "54.00"), (1, "46.00")]),
    ("Omar Haddad", [(3, "31.40")]),
    ("Elena Petrova", [(1, "205.00")]),
    ("Kofi Mensah", [(0, "59.00")]),
]

TIERS = {
    "levels": [
        {"id": "silver", "name": "Silver", "from": "200", "multiplier": {"factor": "1.25"}},
        {
            "id": "gold",
            "name": "Gold",
            "from": "500",
            "multiplier": {"factor": "1.5"},
            "perks": ["Early access"],
        },
    ]
}
RULES = [
    {"id": "weekend", "kind": "multiplier", "factor": "2", "on": {"product_tags": ["filter"]},
     "starts": "2040-12-01", "ends": "2040-12-07", "title": "Filter week"},
    {"id": "first", "kind": "first_order", "points": 100},
    {"id": "birthday", "kind": "birthday", "points": 150},
    {"id": "large", "kind": "order_over", "amount": "75", "points": 50, "audience": {"tiers": ["gold"]}},
]  # fmt: skip
CHALLENGES = [
    {"id": "three", "kind": "orders", "title": "Three cups", "count": 3, "within_days": 60, "points": 100,
     "badge": "Regular"},
    {"id": "year", "kind": "months", "title": "All winter", "count": 4, "points": 200},
]  # fmt: skip
REWARDS = [
    {"id": "evening", "kind": "exclusive", "title": "An evening at the roastery", "points": 150,
     "in_total": 12, "about": "Cupping with our roasters, on a Friday."},
    {"id": "trees", "kind": "donation", "title": "Shade trees", "points": 20, "cause": "The growers' nursery",
     "per": "1.00", "min": "1.00", "max": "20.00", "step": "1.00"},
    {"id": "grinder", "kind": "draw", "title": "Win a grinder", "points": 20, "prize": "A hand grinder",
     "terms": "One prize for each person.", "closes": "2040-12-01"},
    {"id": "credit", "kind": "store_credit", "title": "10.00 on your account", "points": 180, "value": "10"},
]  # fmt: skip
REFERRALS = {
    "active": True,
    "points": 200,
    "minimum": "20",
    "reward": {"kind": "fixed", "title": "5.00 off your first order", "value": "5", "valid_days": 30},
}
GIFTS = [
    {
        "id": "spender",
        "kind": "milestone",
        "title": "For 250 spent",
        "reward": "free-shipping",
        "amount": "250",
    }
]
LIVES = (
    "codes",
    "tasks",
    "donations",
    "draws",
    "referrals",
    "gifts",
    "promotions",
    "cashback",
    "store-credit",
)
"""Pages of what becomes of rewards."""
GENEROUS = "Sam Whitfield"
FRIENDS = 3


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running(ROOT / "var" / "pictures", free_port(FIRST_PORT)) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        shop = Shop(demo)
        hero = history(demo, shop)
        for camera in (WideCamera(browser, demo, shop, WIDE), PhoneCamera(browser, demo, shop, PHONE)):
            camera.shopper(hero)
            camera.merchant()
        browser.close()
    for picture in sorted(IMAGES.glob("*.png")):
        print(f"{picture.stat().st_size / 1000:7.1f} kB  {picture.relative_to(ROOT)}")
    return 0


# -- some weeks of a small shop ----------------------------------------------------------------------------


def history(demo: Demo, shop: Shop) -> int:
    """Answers the customer in whose name the storefront is shown."""
    wait_until(20, "the program is published", lambda: "<loyalty-widget" in requests.get(demo.sandbox).text)
    known = {node["displayName"]: int(node["legacyResourceId"]) for node in customers(shop)}
    wait_until(30, "the first customers are members", lambda: all(map(shop.points, known.values())))
    for name, orders in [(HERO, HERO_ORDERS), *OTHERS]:
        customer = known.get(name) or shop.new_customer(name)
        for days, amount in orders:
            at = datetime.now(UTC) - timedelta(days=days, minutes=7 * len(name))
            shop.order(customer, amount, processedAt=at.isoformat())
        last = customer
    wait_until(30, "the points are there", lambda: shop.points(known[HERO]) == 50 + 64 + 118 + 42 + 37)
    wait_until(30, "the last points are there", lambda: shop.points(last) == 50 + 59)
    enrich(demo)
    spend(shop, known[GENEROUS])
    invite(shop, known[HERO])
    lose(shop, list(known.values())[1:4])
    compared = demo.manage("reconcile", "--shop", demo.shop)
    assert compared.returncode == 0, compared.stderr
    lose(shop, list(known.values())[1:])
    time.sleep(SETTLED_SECONDS)
    return known[HERO]


def enrich(demo: Demo) -> None:
    """Tiers, rules and a challenge, on top of what the shop began with: earlier orders keep their points."""
    program = json.loads(demo.manage("program", "export", "--shop", demo.shop).stdout)
    program["tiers"] = TIERS
    program["earning"]["rules"] = RULES
    program["challenges"] = CHALLENGES
    program["rewards"] += REWARDS
    program["referrals"] = REFERRALS
    program["gifts"] = GIFTS
    file = demo.var / "enriched.json"
    file.write_text(json.dumps(program))
    applied = demo.manage("program", "apply", "--shop", demo.shop, str(file))
    assert applied.returncode == 0, applied.stderr


def spend(shop: Shop, customer: int) -> None:
    """One of each reward that waits for the merchant."""
    browser = shop.browser(customer)
    for reward, points in (("evening", None), ("trees", 60), ("grinder", None)):
        answer = browser.redeem(reward, reward, points)
        assert answer.status_code == 201, answer.text


def invite(shop: Shop, advocate: int) -> None:
    """Friends come by a link, take their code and use it."""
    link = shop.browser(advocate).post("/apps/loyalty/referral/link", json={}).json()["code"]
    variant, _ = max(shop.variants(), key=lambda found: float(found[1]))
    for number in range(FRIENDS):
        friend = shop.browser(shop.new_customer(f"Friend {number}"))
        said = {"key": f"friend-{number}", "email": f"friend.{number}@example.com"}
        claims = f"/apps/loyalty/referrals/{link}/claims"
        code = wait_until(20, "a friend's code", partial(_claimed, friend, claims, said))
        friend.buy(variant, 2, code)


def _claimed(friend: Shopper, claims: str, said: dict[str, str]) -> str | None:
    code: str | None = friend.post(claims, json=said).json().get("code")
    return code


def lose(shop: Shop, buyers: list[int]) -> None:
    """Orders that the app isn't told of: gaps to find, and something for a back-fill to count."""
    shop.drive("faults", webhooks={"drop": 1})
    for number, customer in enumerate(buyers):
        shop.order(customer, f"{18 + 7 * number}.40")
    shop.drive("faults", reset=True)


def customers(shop: Shop) -> list[dict[str, str]]:
    found = shop.admin("query { customers(first: 50) { nodes { displayName legacyResourceId } } }")
    nodes: list[dict[str, str]] = found["customers"]["nodes"]
    return nodes


# -- cameras ------------------------------------------------------------------------------------------------


class Camera:
    suffix = ""
    hero: int

    def __init__(self, browser: Browser, demo: Demo, shop: Shop, size: ViewportSize) -> None:
        still = browser.new_context(
            base_url=demo.sandbox, viewport=size, locale="en-US", reduced_motion="reduce"
        )
        self.page = still.new_page()
        self.store = Storefront(self.page, shop)
        self.panel = Panel(self.page, demo)

    def take(self, name: str) -> None:
        # A request that a click elsewhere cut off counts as under way for ever.
        with suppress(PlaywrightTimeout):
            self.page.wait_for_load_state("networkidle", timeout=IDLE_MILLISECONDS)
        self.page.screenshot(path=IMAGES / f"{name}{self.suffix}.png", animations="disabled", caret="hide")

    def take_page(self, name: str, path: str) -> None:
        self.page.goto(path)
        self.take(name)

    def take_panel(self, *names: str) -> None:
        for name in names:
            self.panel.open("" if name == "home" else f"/{name}")
            self.take(f"panel-{name}")

    def take_member(self) -> None:
        self.panel.open(f"/members?q={self.hero}").get_by_role("link", name=HERO).click()
        expect(self.panel.heading(HERO)).to_be_visible()
        self.take("panel-member")

    def shopper(self, hero: int) -> None:
        self.hero = hero

    def merchant(self) -> None:
        raise NotImplementedError


class WideCamera(Camera):
    def shopper(self, hero: int) -> None:
        super().shopper(hero)
        widget = self.store.open("/")
        self.take("widget-guest")
        self.store.sign_in(hero)
        self.take_page("storefront", "/")
        self.take_page("product", PRODUCT)
        widget.open()
        expect(widget.view("points")).to_contain_text("You have enough")
        self.take("widget-points")
        widget.tab("rewards")
        self.take("widget-rewards")
        widget.redeem("five-off")
        self.take("widget-code")
        expect(widget.tab("activity").locator("li").first).to_be_visible()
        self.take("widget-activity")
        self.cart(widget)
        self.take_page("rewards-page", "/pages/rewards")
        self.take_page("account", "/account")
        self.take_page("storefront-arabic", "/?locale=ar")
        self.page.goto("/?locale=en")

    def cart(self, widget: Widget) -> None:
        """The best reward for it, then the code in it."""
        self.store.put_into_cart("harbour-house-blend", quantity=3)
        self.take("cart")
        widget.open()
        mine = widget.tab("codes")
        mine.locator("[data-loyalty-apply]").click()
        expect(mine.locator("[data-loyalty-in-cart]")).to_contain_text("it saves you")
        self.take("widget-my-rewards")

    def merchant(self) -> None:
        settings = self.panel.open("/settings")
        settings.get_by_role("button", name="Check now").click()
        expect(settings.get_by_text("Being checked.")).to_have_count(0)
        self.take_panel("home", "program", "earning", "tiers", "challenges", "rewards", "settings", *LIVES)
        check = self.panel.open("/orders-check")
        check.get_by_role("button", name="Compare").click()
        expect(check.get_by_role("button", name="Repair all")).to_be_visible(timeout=90_000)
        self.take("panel-orders-check")
        past = self.panel.open("/backfill")
        past.get_by_role("button", name="Make a preview").click()
        expect(past.get_by_role("button", name="Post ")).to_be_visible(timeout=30_000)
        self.take_panel("backfill")
        self.panel.open("/members?sort=points")
        self.take("panel-members")
        self.panel.open("/rewards/choose")
        self.take("panel-reward")
        self.panel.open("/earning/weekend")
        self.take("panel-rule")
        self.take_member()


class PhoneCamera(Camera):
    suffix = "-phone"

    def shopper(self, hero: int) -> None:
        super().shopper(hero)
        self.store.sign_in(hero)
        self.page.goto(PRODUCT)
        self.page.get_by_role("heading", level=1).scroll_into_view_if_needed()
        self.page.mouse.wheel(0, 420)
        self.page.wait_for_timeout(300)
        self.take("product")
        widget = self.store.widget
        widget.open()
        widget.ask_for("choose")
        self.take("widget-choose")
        expect(widget.tab("codes").locator("[data-loyalty-code-text]")).to_be_visible()
        self.take("widget-codes")
        self.take_page("rewards-page", "/pages/rewards")

    def merchant(self) -> None:
        self.take_panel(
            "home", "program", "earning", "tiers", "rewards", "settings", "orders-check", "backfill"
        )
        self.take_panel(*LIVES, "limits", "templates")
        self.take_member()


if __name__ == "__main__":
    sys.exit(main())
