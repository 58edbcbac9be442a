"""One running demo for all journeys, and a watch over what the browser complains about."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.axe import PHONE, WIDE
from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.smoke.demo import Demo, free_port, running
from tests.smoke.shop import Shop, wait_until


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys are slow, and share one demo and one browser: they stay in one process."""
    for item in items:
        if "/tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], demo: Demo) -> dict[str, Any]:
    return {**browser_context_args, "base_url": demo.sandbox, "viewport": WIDE, "locale": "en-US"}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    # A range of its own, and another place in it for each process: a demo takes seconds to occupy its ports.
    with running(tmp_path_factory.mktemp("demo"), free_port(19200 + os.getpid() % 90 * 3)) as started:
        yield started


@pytest.fixture(scope="session")
def shop(demo: Demo) -> Shop:
    """The merchant's side of the demo, once its theme prints the program."""
    wait_until(
        20, "the program is in the theme", lambda: "<loyalty-widget" in requests.get(demo.sandbox).text
    )
    return Shop(demo)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Every page of a test is watched; what a test doesn't expect fails it."""
    watching = Watch()
    yield watching
    watching.judge()


@pytest.fixture
def context(context: BrowserContext, watch: Watch) -> BrowserContext:
    watch.over(context)
    return context


@pytest.fixture
def phone(browser: Browser, browser_context_args: dict[str, Any], watch: Watch) -> Iterator[Page]:
    """A page 390 px wide, with touch."""
    small = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    context = browser.new_context(**{**browser_context_args, **small})
    watch.over(context)
    yield context.new_page()
    context.close()


@pytest.fixture
def storefront(page: Page, shop: Shop) -> Storefront:
    return Storefront(page, shop)


@pytest.fixture
def member(shop: Shop, request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Makes a customer with that many points: 50 for signing up, the rest for an order."""
    made: list[int] = []

    def make(points: int) -> int:
        name = f"{request.node.originalname.removeprefix('test_').replace('_', ' ').title()[:40]} {len(made)}"
        customer = shop.new_customer(f"{name} {id(request.node) % 10_000}")
        made.append(customer)
        if points > 50:
            shop.order(customer, f"{points - 50}.00")
        wait_until(15, f"{points} points", lambda: shop.points(customer) == points)
        return customer

    return make


@pytest.fixture(scope="session")
def someone(shop: Shop) -> int:
    """A member with points whom no test changes."""
    customer = shop.new_customer("Someone Else")
    shop.order(customer, "120.00")
    return customer


@pytest.fixture
def program_kept(demo: Demo, shop: Shop, tmp_path: Path) -> Iterator[None]:
    """The program as it was before, so that the next test finds its rates and rewards."""
    before = published(demo)
    exported = demo.manage("program", "export", "--shop", demo.shop).stdout
    (tmp_path / "program.json").write_text(exported)
    yield
    apply(demo, tmp_path / "program.json")
    wait_until(15, "the old program is back", lambda: published(demo) == before)


@pytest.fixture
def change_program(demo: Demo, program_kept: None, tmp_path: Path) -> Callable[..., None]:
    """Gives the program other rules, tiers and so on, and waits until the theme prints it."""

    def change(*rules: dict[str, Any], **parts: Any) -> None:
        document = json.loads(demo.manage("program", "export", "--shop", demo.shop).stdout)
        document |= {"name": f"Rewards {time.monotonic_ns()}", **parts}
        document["earning"]["rules"] = list(rules)
        (tmp_path / "changed.json").write_text(json.dumps(document))
        apply(demo, tmp_path / "changed.json")
        wait_until(15, "the changed program", lambda: document["name"] in published(demo))

    return change


def apply(demo: Demo, file: Path) -> None:
    applied = demo.manage("program", "apply", "--shop", demo.shop, str(file))
    assert applied.returncode == 0, applied.stderr


def published(demo: Demo) -> tuple[str, ...]:
    """What the theme prints of the program: its name, and what a knife earns."""
    text = requests.get(f"{demo.sandbox}/products/bread-knife", timeout=10).text
    found = [
        re.search(part, text) for part in (r'id="loyalty-title".*?>(.*?)<', r'data-loyalty-points="(\d+)"')
    ]
    return tuple(one[1] for one in found if one)
