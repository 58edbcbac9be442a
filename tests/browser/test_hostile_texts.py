"""What merchants and customers type is text, wherever it is shown; nothing of it runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.panel import Panel
from tests.browser.storefront import Storefront
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop, wait_until

HOSTILE = [
    '<img src="//canary.example/a" onerror="alert(1)">',
    '"><script>alert(2)</script>',
    "</script><script>alert(3)</script>",
    "'-alert(4)-'",
    "{{ shop.secret }}{% include 'x' %}",
    "${alert(5)}<!--<script>",
    '" autofocus onfocus="alert(6)',
    "</template></style><svg onload=alert(7)>",
]


@pytest.mark.usefixtures("program_kept")
def test_hostile_texts_stay_texts(
    storefront: Storefront,
    member: Callable[[int], int],
    new_context: Callable[[], BrowserContext],
    demo: Demo,
    shop: Shop,
    tmp_path: Path,
) -> None:
    strangers: list[str] = []

    def note(request: Request) -> None:
        if "canary.example" in request.url:
            strangers.append(request.url)

    page = storefront.page
    page.on("request", note)
    apply_hostile_program(demo, tmp_path)
    customer = member(400)
    shop.admin(
        RENAME,
        input={"id": f"gid://shopify/Customer/{customer}", "firstName": HOSTILE[0], "lastName": HOSTILE[2]},
    )

    storefront.sign_in(customer)
    for path in ("/", "/products/dune-mug", "/pages/rewards", "/pages/rewards?locale=ar"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    widget = storefront.open("/?locale=en")
    expect(widget.panel.get_by_role("heading", name=HOSTILE[1])).to_be_visible()
    for number, title in enumerate(HOSTILE):
        widget.tab("rewards")
        expect(widget.reward(f"hostile-{number}").get_by_role("heading")).to_have_text(title)
    widget.redeem("hostile-0")
    widget.tab("codes")
    expect(widget.view("codes").get_by_role("heading")).to_have_text(HOSTILE[0])
    expect(widget.tab("activity").locator("li").first).to_contain_text(HOSTILE[0])

    merchant = merchants_page(new_context)
    merchant.on("request", note)
    panel = Panel(merchant, demo)
    for path in ("", "/program", "/rewards", "/rewards/hostile-6", f"/members?q={customer}"):
        panel.open(path)
        merchant.wait_for_load_state("networkidle")
    panel.frame.get_by_role("link", name=HOSTILE[0]).click()
    expect(panel.frame.locator(".timeline")).to_contain_text(HOSTILE[0])
    assert strangers == []


def merchants_page(new_context: Callable[[], BrowserContext]) -> Page:
    context = new_context()
    page = context.new_page()

    def stop(dialog: Any) -> None:
        raise AssertionError(f"a dialog in the panel: {dialog.message}")

    page.on("dialog", stop)
    return page


def apply_hostile_program(demo: Demo, folder: Path) -> None:
    document = json.loads(demo.manage("program", "export", "--shop", demo.shop).stdout)
    document["name"] = HOSTILE[1]
    document["points"] = {"one": "<b>p</b>", "many": "<i>pts</i>"}
    template = next(reward for reward in document["rewards"] if reward["kind"] == "fixed")
    document["rewards"] += [
        {**template, "id": f"hostile-{number}", "title": title, "points": 10}
        for number, title in enumerate(HOSTILE)
    ]
    file = folder / "hostile.json"
    file.write_text(json.dumps(document))
    applied = demo.manage("program", "apply", "--shop", demo.shop, str(file))
    assert applied.returncode == 0, applied.stderr
    published = f"{demo.sandbox}/apps/loyalty/program"
    wait_until(
        10, "the program is published", lambda: "hostile-7" in requests.get(published, timeout=10).text
    )
    wait_until(
        10, "the theme has it", lambda: "&lt;b&gt;" in requests.get(f"{demo.sandbox}/", timeout=10).text
    )


RENAME = """
mutation($input: CustomerInput!) {
  customerUpdate(input: $input) { customer { id } userErrors { field message } }
}"""
