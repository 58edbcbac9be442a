"""One demo for the whole run; each test brings customers, or a shop, of its own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.people import Customer, Merchant
from tests.smoke.demo import ROOT, Demo, free_port, running

FIRST_PORT = 18910
PORTS_APART = 100
MakeCustomer = Callable[..., Customer]
OwnShop = Callable[..., Merchant]
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def demo(worker_id: str) -> Iterator[Demo]:
    number = int(worker_id.removeprefix("gw")) if worker_id != "master" else 9
    with running(ROOT / "var" / f"flows-{number}", free_port(FIRST_PORT + PORTS_APART * number)) as demo:
        yield demo


@pytest.fixture
def shop(demo: Demo) -> Iterator[Merchant]:
    """The demo shop, without accidents."""
    merchant = Merchant(demo)
    yield merchant
    merchant.drive("faults", reset=True)


@pytest.fixture
def make_customer(shop: Merchant) -> MakeCustomer:
    """A member of the demo shop (or another) with the sign-up bonus and no more."""

    def make(of: Merchant = shop, tags: list[str] | None = None) -> Customer:
        made = Customer(of, of.new_customer(f"Flow {next(_numbers)}"))
        if tags:
            of.add_tags(made.id, tags)
        made.joins()
        return made

    return make


@pytest.fixture
def customer(make_customer: MakeCustomer) -> Customer:
    return make_customer()


@pytest.fixture
def own_shop(demo: Demo, shop: Merchant, tmp_path: Path) -> OwnShop:
    """A fresh shop with the app installed; `earning` changes its program's rules."""

    def make(currency: str = "USD", earning: dict[str, Any] | None = None, **about: Any) -> Merchant:
        domain = f"flow-{next(_numbers)}.myshopify.com"
        shop.drive("shops", domain=domain, currency=currency, **about)
        merchant = Merchant(demo, domain, currency)
        merchant.install()
        if earning:
            program = merchant.program()
            program["earning"].update(earning)
            file = tmp_path / "program.json"
            file.write_text(json.dumps(program))
            merchant.manage("program", "apply", "--shop", domain, str(file))
        return merchant

    return make
