"""Very many orders are compared out of a bulk operation's file, which may break off or be gone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from rewards.audit import audit
from rewards.models import Program
from rewards.orders import settle_orders
from shopify_bridge import bulk, checks, orders
from shopify_bridge.models import Gap, OrderCheck
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Checked, finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.setattr(checks, "SETTLING", timedelta(seconds=-5))  # nothing is under way to us here
    return Checked(sandbox)


@pytest.fixture
def in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many orders that they are asked for in bulk, and compared two by two."""
    monkeypatch.setattr(checks, "SEARCHED_MOST", 0)
    monkeypatch.setattr(checks, "PAGE", 2)


@pytest.mark.usefixtures("in_bulk")
def test_many_orders_are_compared_in_bulk(store: Checked) -> None:
    made = [store.sells(f"{price}.00") for price in range(10, 15)]
    check = store.checked(heals=True)
    assert check.bulk_id
    assert (check.looked_at, check.found, check.healed, check.expected) == (5, 5, 5, 5)
    assert [store.points(order) for order in made] == [11, 12, 13, 14, 15]
    assert store.checked().found == 0


@pytest.mark.usefixtures("in_bulk")
def test_in_bulk_points_that_are_wrong_are_found_too(store: Checked) -> None:
    order = store.sells("20.00")
    right = orders.fetch(store.shop, order)
    assert right is not None
    wrong = replace(right, fact=replace(right.fact, lines=right.fact.lines[1:]))
    settle_orders(Program.objects.get(pk=store.shop.program_id), [wrong])
    assert store.points(order) == 1
    assert store.checked().found == 1
    assert store.gap().kind == Gap.Kind.DIFFERS
    assert store.checked(heals=True).healed == 1
    assert (store.points(order), store.gap().points) == (21, 20)
    assert not [finding.check.name for finding in audit() if finding.rows]


@pytest.mark.usefixtures("in_bulk")
def test_in_bulk_a_payment_that_nobody_told_of_is_found_though_the_state_is_known(store: Checked) -> None:
    """Found by the long soak: `orders/paid` was lost, and the news of an edit that made the order dearer said
    that it owes money. What Shopify shows at that same moment is that it had been paid.
    """
    order = store.sells("20.00")
    right = orders.fetch(store.shop, order)
    assert right is not None
    settle_orders(Program.objects.get(pk=store.shop.program_id), [replace(right.fact, paid=False)])
    assert store.points(order) == 0
    assert store.checked(heals=True).healed == 1
    assert store.points(order) == 21
    assert store.checked().found == 0


@pytest.mark.usefixtures("in_bulk")
def test_a_check_that_is_interrupted_goes_on_where_it_was(store: Checked) -> None:
    for _ in range(5):
        store.sells()
    now = datetime.now(UTC)
    check = finished(checks.begin(store.shop, now - timedelta(hours=1), now, heals=False), step=-1.0)
    assert (check.looked_at, check.found) == (5, 5)


@pytest.mark.usefixtures("in_bulk")
def test_no_orders_at_all(store: Checked) -> None:
    assert store.checked().looked_at == 0


def test_a_bulk_file_is_read_in_the_middle_of_an_order(store: Checked) -> None:
    for _ in range(3):
        store.sells()
    now = datetime.now(UTC)
    operation = bulk.orders(store.shop, orders.changed_between(now - timedelta(hours=1), now))
    url = wait_for(lambda: bulk.answer(store.shop, operation).url)
    whole = list(bulk.read(url))
    assert [len(one.node["LineItem"]) for one in whole] == [2, 2, 2]
    assert [one.node["id"] for one in bulk.read(url, whole[0].end)] == [one.node["id"] for one in whole[1:]]
    assert list(bulk.read(url, whole[-1].end)) == []


def wait_for(ask: Callable[[], str | None]) -> str:
    for _ in range(200):
        try:
            found = ask()
        except checks.TryAgain:
            continue
        assert found
        return found
    raise AssertionError("the bulk operation did not end")


@pytest.mark.usefixtures("in_bulk")
def test_a_bulk_file_that_is_gone_is_collected_anew(store: Checked) -> None:
    made = [store.sells() for _ in range(3)]
    now = datetime.now(UTC)
    check = checks.begin(store.shop, now - timedelta(hours=1), now, heals=True)
    for _ in range(200):
        checks.go_on(check, monotonic() - 1)
        check.refresh_from_db()
        if check.bulk_offset:
            break
    first = check.bulk_id
    store.sandbox.post("/sandbox/bulk/expire", shop=store.domain)
    checks.go_on(check, monotonic() + 5)
    check.refresh_from_db()
    assert (check.state, check.restarts, check.bulk_id) == ("waiting", 1, "")
    assert check.due_at > now + timedelta(seconds=30)
    assert "no longer keeps" in check.problem
    assert finished(check).bulk_id not in ("", first)
    assert (check.looked_at, check.healed) == (3, 3)
    assert [store.points(order) for order in made] == [11, 11, 11]


@pytest.mark.usefixtures("in_bulk")
def test_a_bulk_file_that_is_gone_again_and_again_waits_for_a_person(store: Checked) -> None:
    store.sells()
    now = datetime.now(UTC)
    check = checks.begin(store.shop, now - timedelta(hours=1), now, heals=True)
    for restarts in range(checks.RESTARTS_MAX + 1):
        check.refresh_from_db()
        assert (check.state, check.restarts) == (OrderCheck.State.WAITING, restarts)
        search = orders.changed_between(check.since, check.until)
        check.expected, check.bulk_id = 1, bulk.orders(store.shop, search)
        check.save()
        wait_for(lambda: bulk.answer(store.shop, check.bulk_id).url)
        store.sandbox.post("/sandbox/bulk/expire", shop=store.domain)
        checks.go_on(check, monotonic() + 5)
    check.refresh_from_db()
    assert check.state == OrderCheck.State.STOPPED
    assert check.problem.endswith("4 times in a row")


def test_what_says_that_a_file_is_gone(store: Checked) -> None:
    store.sells()
    now = datetime.now(UTC)
    operation = bulk.orders(store.shop, orders.changed_between(now - timedelta(hours=1), now))
    url = wait_for(lambda: bulk.answer(store.shop, operation).url)
    store.sandbox.post("/sandbox/bulk/expire", shop=store.domain)
    with pytest.raises(bulk.Lost, match="HTTP 404"):
        list(bulk.read(url))
    with pytest.raises(bulk.Lost, match="no longer knows"):
        bulk.answer(store.shop, "gid://shopify/BulkOperation/1")
