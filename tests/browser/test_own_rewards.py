"""What a merchant does for rewards of their own, as they see it: wide and on a phone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.panel import Panel
from tests.browser.watch import Watch
from tests.smoke.demo import Demo
from tests.smoke.own import EVENING, PAST, RAFFLE, TREES
from tests.smoke.shop import Shop

Change = Callable[..., None]
Json = dict[str, Any]
PAGES = ("/tasks", "/donations", "/draws")


@pytest.fixture
def bought(shop: Shop, member: Callable[[int], int], change_program: Change) -> Json:
    """One member has an evening, gave to the wood, and takes part in a draw that is over."""
    rewards = [EVENING, TREES, RAFFLE, {**RAFFLE, "id": "second", "title": "Win a tent"}]
    change_program(rewards=rewards)
    browser = shop.browser(member(600))
    made = {}
    for reward, points in (("evening", None), ("trees", 100), ("raffle", None), ("second", None)):
        answer = browser.redeem(reward, str(uuid.uuid4()), points)
        assert answer.status_code == 201, answer.text
        made[reward] = answer.json()
    change_program(rewards=[EVENING, TREES, {**RAFFLE, "closes": PAST}, rewards[3]])
    return made


def test_the_three_pages_do_what_they_say(page: Page, demo: Demo, bought: Json, watch: Watch) -> None:
    panel = Panel(page, demo)
    frame = panel.open("/tasks")
    frame.get_by_role("button", name="Handed over to").first.click()
    panel.toast("Handed over")
    expect(panel.heading("Done")).to_be_visible()

    frame = panel.open("/donations")
    panel.field("amount").fill("3.50")
    panel.field("receipt").fill("No. 5")
    frame.get_by_role("button", name="Note it as passed on to The Wood").click()
    panel.toast("Pay-out noted")
    expect(frame.get_by_text("No. 5", exact=True)).to_be_visible()
    watch.expect("422")
    panel.field("amount").fill("900")
    panel.field("receipt").fill("No. 6")
    frame.get_by_role("button", name="Note it as passed on to The Wood").click()
    expect(panel.error("amount")).to_contain_text("No more than")

    frame = panel.open("/draws")
    frame.get_by_role("button", name="Draw the winners of Win a bicycle").click()
    panel.toast("1 winner")
    expect(frame.get_by_text("Won", exact=True)).to_be_visible()
    for path in PAGES:
        panel.open(path)
        assert panel.overflow() == 0
        assert barriers(page) == []
