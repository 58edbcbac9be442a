"""Tiers seen from outside: the tag that a customer has in the shop."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.flows.conftest import MakeCustomer, OwnShop
from tests.flows.people import Customer, Merchant
from tests.smoke.shop import gid, wait_until

SECONDS = 60
REST_SECONDS = 11
"""Longer than two turns of publishing and tagging."""
TAGS = "query($id: ID!) { customer(id: $id) { tags } }"
LEVELS = [
    {"id": "silver", "name": "Silver", "from": "50", "customer_tag": "Silver"},
    {"id": "gold", "name": "Gold", "from": "200", "customer_tag": "Gold"},
]


@pytest.fixture
def tiered(own_shop: OwnShop, tmp_path: Path) -> Merchant:
    shop = own_shop()
    program = shop.program()
    program["tiers"]["levels"] = LEVELS
    file = tmp_path / "tiered.json"
    file.write_text(json.dumps(program))
    shop.manage("program", "apply", "--shop", shop.domain, str(file))
    return shop


def tags_become(customer: Customer, *wanted: str) -> None:
    def look() -> bool:
        found = customer.shop.admin(TAGS, id=gid("Customer", customer.id))["customer"]["tags"]
        return bool(found == list(wanted))

    wait_until(SECONDS, f"the tags {wanted}", look)


def test_the_tag_follows_the_tier_through_accidents(tiered: Merchant, make_customer: MakeCustomer) -> None:
    """Shopify tells of our own changes too, as of anybody's: that comes to rest."""
    customer = make_customer(tiered, tags=["wholesale"])
    tiered.fault("tagsAdd", "cut")
    customer.buys("60.00")
    tags_become(customer, "Silver", "wholesale")
    tiered.fault("tagsRemove", "5xx")
    order = customer.buys("150.00")
    tags_become(customer, "Gold", "wholesale")
    tiered.cancel(order)
    tags_become(customer, "Silver", "wholesale")
    tiered.handled()
    delivered = tiered.status()["delivered"]
    time.sleep(REST_SECONDS)
    assert tiered.status()["delivered"] == delivered


def test_the_tag_outlives_a_merge_and_ends_with_the_program(
    tiered: Merchant, make_customer: MakeCustomer, tmp_path: Path
) -> None:
    one, two = make_customer(tiered), make_customer(tiered)
    one.buys("60.00")
    two.buys("220.00")
    tags_become(one, "Silver")
    tags_become(two, "Gold")
    kept = Customer(tiered, tiered.merge(one.id, two.id))
    tags_become(kept, "Gold")
    program = tiered.program()
    program["tiers"]["levels"] = [{**level, "customer_tag": ""} for level in LEVELS]
    file = tmp_path / "untagged.json"
    file.write_text(json.dumps(program))
    tiered.manage("program", "apply", "--shop", tiered.domain, str(file))
    tags_become(kept)
