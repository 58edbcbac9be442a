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
    "\u202egnp.live\u202c \u2067<b>\u2069\u200f&lt;",
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
    customer = member(400)
    apply_hostile_program(demo, tmp_path)
    shop.admin(
        RENAME,
        input={"id": f"gid://shopify/Customer/{customer}", "firstName": HOSTILE[0], "lastName": HOSTILE[2]},
    )

    storefront.sign_in(customer)
    for path in ("/", "/products/olive-wood-spoon", "/pages/rewards", "/pages/rewards?locale=ar"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    widget = storefront.open("/?locale=en")
    expect(widget.panel.get_by_role("heading", name=HOSTILE[1])).to_be_visible()
    for number, title in enumerate(HOSTILE):
        widget.tab("rewards")
        expect(widget.reward(f"hostile-{number}").get_by_role("heading")).to_have_text(title)
    question = widget.tab("points").locator("[data-loyalty-way=rule-1]")
    question.locator("summary").click()
    expect(question.get_by_role("group", name=HOSTILE[1])).to_be_visible()
    question.get_by_role("radio", name=HOSTILE[2]).check()
    question.get_by_role("button", name="Send").click()
    expect(question.locator("[data-loyalty-way-state]")).to_contain_text("<b>p</b>")
    expect(widget.panel.locator("[data-loyalty-my-tier]")).to_have_text(HOSTILE[-1][:60])
    levels = widget.panel.locator("[data-loyalty-level]")
    for number, name in enumerate(HOSTILE):
        expect(levels.nth(number)).to_contain_text(name[:60])
        expect(levels.nth(number)).to_contain_text(HOSTILE[2])
    challenge = widget.panel.locator("[data-loyalty-challenge=one]")
    expect(challenge).to_contain_text(HOSTILE[0])
    expect(challenge).to_contain_text(HOSTILE[7][:40])
    milestone = widget.panel.locator("[data-loyalty-milestone=each]")
    expect(milestone).to_contain_text(HOSTILE[0])
    expect(milestone).to_contain_text(HOSTILE[2])
    expect(milestone.locator("[data-loyalty-milestone-progress]")).to_contain_text(" to go")
    widget.redeem("hostile-0")
    widget.tab("codes")
    expect(widget.view("codes").get_by_role("heading")).to_have_text(HOSTILE[0])
    expect(widget.tab("activity").locator("li").first).to_contain_text(HOSTILE[0])

    merchant = merchants_page(new_context)
    merchant.on("request", note)
    panel = Panel(merchant, demo)
    pages = (
        "/program",
        "/rewards",
        "/rewards/hostile-6",
        "/earning",
        "/earning/rule-1",
        "/tiers",
        "/challenges",
    )
    for path in ("", *pages, f"/members?q={customer}"):
        panel.open(path)
        # What a page's own HTML asks for it has asked for by then.
        panel.document().wait_for_load_state()
        assert (
            panel.document().evaluate("document.querySelectorAll('[onerror], [onload], [onfocus]').length")
            == 0
        )
    panel.frame.get_by_role("link", name=HOSTILE[0]).click()
    expect(panel.frame.locator(".timeline").first).to_contain_text(HOSTILE[0])
    expect(panel.frame.locator(".timeline").last).to_contain_text(HOSTILE[-1][:60])
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
    document["earning"]["rules"] = [
        {
            "id": f"rule-{number}",
            "kind": "survey",
            "points": 1,
            "title": title[:80],
            "question": title,
            "answers": HOSTILE,
        }
        for number, title in enumerate(HOSTILE)
    ]
    document["earning"]["rules"].append(
        {
            "id": "all",
            "kind": "multiplier",
            "factor": "2",
            "title": HOSTILE[0],
            "on": {"product_tags": ["wood"]},
        }
    )
    levels = [
        {"id": f"level-{number}", "name": title[:60], "from": str(number + 1), "perks": HOSTILE}
        for number, title in enumerate(HOSTILE)
    ]
    document["tiers"] = {"levels": levels}
    document["challenges"] = [
        {
            "id": "one",
            "kind": "orders",
            "title": HOSTILE[0],
            "count": 1,
            "points": 1,
            "badge": HOSTILE[7][:40],
        }
    ]
    document["gifts"] = [
        {"id": "each", "kind": "milestone", "title": HOSTILE[0], "reward": "hostile-2", "amount": "1000000"}
    ]
    file = folder / "hostile.json"
    file.write_text(json.dumps(document))
    applied = demo.manage("program", "apply", "--shop", demo.shop, str(file))
    assert applied.returncode == 0, applied.stderr
    published = f"{demo.sandbox}/apps/loyalty/program"
    wait_until(
        10,
        "the program is published",
        lambda: f"hostile-{len(HOSTILE) - 1}" in requests.get(published, timeout=10).text,
    )
    wait_until(
        10, "the theme has it", lambda: "&lt;b&gt;" in requests.get(f"{demo.sandbox}/", timeout=10).text
    )


RENAME = """
mutation($input: CustomerInput!) {
  customerUpdate(input: $input) { customer { id } userErrors { field message } }
}"""
