"""What the sandbox keeps, and how it says that it can't."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox import commerce, store_credit
from sandbox.model import (
    Buys,
    CodeCreation,
    Discount,
    GiftCard,
    Items,
    NewCode,
    RedeemCode,
    StoreCreditAccount,
)
from sandbox.seed import seed_demo_shop
from sandbox.store import DamagedState, Store
from sandbox.world import World


def test_a_second_start_finds_everything_again(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    state = seed_demo_shop(world)
    with world.change():
        session = world.new_session(state)
        commerce.add_to_cart(world, state, session, next(iter(state.variants)), 2)
        order = commerce.checkout(world, state, session)
        world.remove(state, state.customers[next(iter(state.customers))])
    again = World(Store(tmp_path)).shops[state.domain]
    assert again.orders == {order.id: order}
    assert again.customers == state.customers
    assert again.sessions == state.sessions
    assert again.shop.next_order_number == 1002


def test_what_rewards_are_made_of_is_kept(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    state = seed_demo_shop(world)
    now, customer = world.now(), next(iter(state.customers))
    with world.change():
        gift = Discount(
            world.new_id(), "bxgy", "Gift", now, None, now, now, 1,
            value_percentage="1", items=Items([1], [2]), buys=Buys(Items(collection_ids=[3]), amount=500),
        )  # fmt: skip
        code = RedeemCode(world.new_id(), gift.id, "GIFT", now, 1, [customer])
        creation = CodeCreation(
            world.new_id(), gift.id, now, [NewCode(world.new_id(), "A", None, "no")], True
        )
        card = GiftCard(world.new_id(), "abcd1234", "USD", 500, 400, now, now, customer, "2099-12-31")
        account = StoreCreditAccount(world.new_id(), customer, "USD")
        for thing in (gift, code, creation, card):
            world.save(state, thing)
        store_credit.credit(world, state, account, 700, now + timedelta(days=1))
        store_credit.debit(world, state, account, 300)
    again = World(Store(tmp_path)).shops[state.domain]
    assert (again.discounts, again.codes) == ({gift.id: gift}, {"GIFT": code})
    assert again.discount_by_code("gift") == gift
    assert again.code_creations == {creation.id: creation}
    assert (again.gift_cards, again.store_credit) == ({card.id: card}, {account.id: account})


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    with world.change():
        last = world.new_id()
    again = World(Store(tmp_path))
    with again.change():
        assert again.new_id() > last >= 10**12


def test_the_demo_shop_is_seeded_once(tmp_path: Path) -> None:
    first = seed_demo_shop(World(Store(tmp_path)))
    second = seed_demo_shop(World(Store(tmp_path)))
    assert list(second.products) == list(first.products)
    assert (len(second.products), len(second.collections), second.orders) == (24, 5, {})


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be read", b"SQLite format 3\0" * 40]
)
def test_a_damaged_folder_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "sandbox.sqlite3"
    file.write_bytes(content)
    with pytest.raises(DamagedState, match="Move it away"):
        Store(tmp_path)
    assert file.read_bytes() == content


def test_another_release_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.set_fact("layout", "0")
    store.close()
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--state",
        str(tmp_path),
        "--client-id",
        "a",
        "--client-secret",
        "b",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert "written by another release" in done.stderr


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("demo.myshopify.com", True),
        ("DEMO.localhost:8080", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost", True),
        ("other.myshopify.com", False),
        ("other.localhost:8080", False),
    ],
)
def test_the_shop_is_named_by_the_host(host: str, found: bool) -> None:
    world = World(Store(None))
    seed_demo_shop(world)
    assert (world.shop_for_host(host) is not None) is found
