"""A shop that can't be called for a while misses nothing of what happens meanwhile."""

from datetime import UTC, datetime

from rewards import people
from rewards.models import Member, Program
from shopify_bridge import install, metafields
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import Sandbox, take_in

STANDING = 'query($id: ID!) { customer(id: $id) { metafield(namespace: "$app", key: "standing") { value } } }'


def new_member(sandbox: Sandbox, shop: Shop) -> int:
    customer = sandbox.new_customer()
    people.enrol(Program.objects.get(pk=shop.program_id), {(shop.pk, customer): datetime.now(UTC)})
    return customer


def freeze_once(sandbox: Sandbox) -> None:
    accident = {"operation": "metafieldsSet", "fault": "frozen", "times": 1}
    sandbox.post("/sandbox/faults", {"operations": [accident]})


def test_one_402_leaves_the_shop_paused_until_the_clock_knocks(shop: Shop, sandbox: Sandbox) -> None:
    metafields.publish()
    customer = new_member(sandbox, shop)
    freeze_once(sandbox)
    assert metafields.publish() == 0
    shop.refresh_from_db()
    assert shop.state == Shop.State.PAUSED
    assert metafields.publish() == 0
    assert Member.objects.get().published_version < 0, "nothing counts as published while nobody is told"

    install.knock()
    shop.refresh_from_db()
    assert shop.state == Shop.State.ACTIVE
    metafields.publish()
    seen = sandbox.admin(STANDING, id=f"gid://shopify/Customer/{customer}")
    assert '"points":50' in seen["customer"]["metafield"]["value"]


def test_a_shop_that_stays_frozen_stays_paused(shop: Shop, sandbox: Sandbox) -> None:
    Shop.objects.update(state=Shop.State.PAUSED)
    sandbox.post("/sandbox/faults", {"operations": [{"operation": "*", "fault": "frozen"}]})
    install.knock()
    shop.refresh_from_db()
    assert shop.state == Shop.State.PAUSED


def test_a_shop_that_comes_back_is_published_anew(shop: Shop, sandbox: Sandbox) -> None:
    """With the installation Shopify has thrown away what the theme reads."""
    metafields.publish()
    shop.refresh_from_db()
    assert shop.published_program_version > 0
    install.uninstalled(shop, datetime.now(UTC))
    assert take_in(sandbox).published_program_version == 0
