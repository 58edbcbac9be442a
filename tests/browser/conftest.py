"""One running demo for all journeys, and a watch over what the browser complains about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.storefront import Storefront
from tests.browser.watch import Watch
from tests.smoke.demo import Demo, free_port, running
from tests.smoke.shop import Shop, wait_until

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


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
