"""Checks of orders against the sandbox, whose deliveries all get lost here: nobody listens where they go."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from rewards.models import Order, Program
from rewards.orders import settle_orders
from shopify_bridge import budget, checks, gaps, install, orders, reconcile
from shopify_bridge.models import Gap, InboxRow, OrderCheck, Shop
from tests.factories import InboxRowFactory
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Checked, Store, finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.setattr(checks, "SETTLING", timedelta(seconds=-5))  # nothing is under way to us here
    return Checked(sandbox)


def test_what_was_never_told_is_listed_and_repaired_when_asked(store: Checked) -> None:
    order = store.sells("29.00")
    check = store.checked()
    assert (check.state, check.looked_at, check.found, check.healed) == ("done", 1, 1, 0)
    assert store.gap().kind == Gap.Kind.MISSING
    assert not Order.objects.filter(source_id=store.shop.pk).exists()
    assert gaps.repair(store.shop, store.gap(), "42")
    assert store.points(order) == 30
    gap = store.gap()
    assert (gap.points, gap.healed_by, gap.name[:1], gap.problem) == (30, "42", "#", "")
    assert store.checked().found == 0


def test_finding_it_twice_is_one_gap(store: Checked) -> None:
    store.sells()
    assert [store.checked().found, store.checked().found] == [1, 1]
    assert Gap.objects.filter(shop_id=store.shop.pk).count() == 1


def test_a_check_that_heals_closes_what_it_finds(store: Checked) -> None:
    first, second = store.sells("10.00"), store.sells("20.00")
    check = store.checked(heals=True, author="")
    assert (check.found, check.healed) == (2, 2)
    assert (store.points(first), store.points(second)) == (11, 21)
    assert set(Gap.objects.values_list("healed_by", flat=True)) == {"reconcile"}
    store.shop.refresh_from_db()
    assert store.shop.reconcile_report == {"looked_at": 2, "found": 2, "healed": 2}
    assert store.checked(heals=True).found == 0


def test_a_change_that_was_not_told_is_a_gap_of_its_own_kind(store: Checked) -> None:
    order = store.sells()
    store.checked(heals=True)
    Order.objects.filter(external_id=order).update(facts_at=datetime.now(UTC) - timedelta(hours=1))
    assert store.checked().found == 1
    assert gaps.open_gaps(store.shop).get().kind == Gap.Kind.BEHIND


def test_a_delivery_that_comes_late_closes_the_gap(store: Checked) -> None:
    order = store.sells()
    store.checked()
    late = orders.fetch(store.shop, order)
    assert late is not None
    settle_orders(Program.objects.get(pk=store.shop.program_id), [late])
    assert store.checked().found == 0
    assert store.gap().healed_by == "delivery"


def test_orders_in_another_currency_stay_open_and_are_not_repaired(store: Checked) -> None:
    Program.objects.filter(pk=store.shop.program_id).update(currency="EUR")
    order = store.sells()
    assert store.checked(heals=True).healed == 0
    assert store.gap().kind == Gap.Kind.CURRENCY
    assert gaps.ask_for_repair(store.shop, "42") == 0
    assert store.points(order) == 0


def test_repairs_that_were_asked_for_are_done_by_whoever_works(store: Checked) -> None:
    made = [store.sells(), store.sells()]
    store.checked()
    assert gaps.ask_for_repair(store.shop, "42") == 2
    checks.work()
    assert [store.points(order) for order in made] == [11, 11]
    assert not gaps.open_gaps(store.shop).exists()


def test_an_order_that_shopify_no_longer_shows_is_closed(store: Checked) -> None:
    gap = Gap.objects.create(
        program_id=store.shop.program_id,
        shop_id=store.shop.pk,
        external_id=999_999_999,
        kind=Gap.Kind.MISSING,
        changed_at=datetime.now(UTC),
    )
    assert gaps.repair(store.shop, gap, "42")
    gap.refresh_from_db()
    assert gap.problem == gaps.NO_LONGER_SHOWN


def test_pages_go_on_too(store: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PAGE", 1)
    for _ in range(3):
        store.sells()
    now = datetime.now(UTC)
    check = checks.begin(store.shop, now - timedelta(hours=1), now, heals=True)
    checks.go_on(check, monotonic() - 1)
    check.refresh_from_db()
    assert (check.state, check.looked_at, check.healed) == ("waiting", 1, 1)
    assert check.reached_at is not None
    assert finished(check).state == "done"
    assert gaps.open_gaps(store.shop).count() == 0
    assert Gap.objects.filter(shop_id=store.shop.pk).count() == 3


def test_the_recent_look_leaves_what_is_long_to_a_check(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [store.sells() for _ in range(3)]
    Shop.objects.exclude(pk=store.shop.pk).update(state=Shop.State.UNINSTALLED)
    monkeypatch.setattr(checks, "PAGE", 1)
    monkeypatch.setattr(reconcile, "SEARCHED_MOST", 1)
    reconcile.recent()
    check = OrderCheck.objects.get(shop_id=store.shop.pk)
    assert check.heals
    finished(check)
    assert [store.points(order) for order in made] == [11, 11, 11]
    store.shop.refresh_from_db()
    assert store.shop.reconcile_watermark == check.until


def test_everything_is_looked_at_once_at_a_time(store: Checked) -> None:
    Program.objects.update(created_at=datetime.now(UTC) - timedelta(days=90))
    for _ in range(2):
        reconcile.everything()
    check = OrderCheck.objects.get(shop_id=store.shop.pk)
    assert check.until - check.since > timedelta(days=59)


def test_everything_is_looked_at_once_a_day_however_often_the_clock_starts(store: Checked) -> None:
    """Found by the soak: each start of a clock had all orders of all shops looked at."""
    Shop.objects.exclude(pk=store.shop.pk).update(state=Shop.State.UNINSTALLED)
    reconcile.everything()
    check = finished(OrderCheck.objects.get(shop_id=store.shop.pk))
    reconcile.everything()
    assert OrderCheck.objects.filter(shop_id=store.shop.pk).count() == 1
    OrderCheck.objects.update(state=OrderCheck.State.STOPPED)
    reconcile.everything()
    assert OrderCheck.objects.filter(shop_id=store.shop.pk).count() == 2
    OrderCheck.objects.exclude(pk=check.pk).delete()
    OrderCheck.objects.update(state=OrderCheck.State.DONE, created_at=check.created_at - timedelta(hours=24))
    reconcile.everything()
    assert OrderCheck.objects.filter(shop_id=store.shop.pk).count() == 2


def test_what_last_changed_before_the_program_began_is_no_gap(store: Checked) -> None:
    store.sells()
    Program.objects.update(created_at=datetime.now(UTC) + timedelta(minutes=11))
    assert store.checked(heals=True).looked_at == 0


def test_what_waits_in_the_inbox_is_no_gap(store: Checked) -> None:
    store.sells()
    InboxRowFactory(shop=store.shop, age=timedelta(minutes=30))
    InboxRowFactory(shop=store.shop, age=timedelta(minutes=50), attempts=1)
    behind = datetime.now(UTC) - checks.horizon(store.shop)
    assert timedelta(minutes=29) < behind < timedelta(minutes=31)
    assert store.checked().looked_at == 0
    assert orders.spare_for_news(store.shop) == 0.5
    InboxRow.objects.update(state=InboxRow.State.DONE)
    assert orders.spare_for_news(store.shop) == 0
    assert store.checked().looked_at == 1


def test_a_shop_that_cant_be_asked_stops_the_check(store: Checked) -> None:
    Shop.objects.filter(pk=store.shop.pk).update(access_token="", refresh_token="")
    check = store.checked()
    assert check.state == OrderCheck.State.STOPPED
    assert check.problem
    with pytest.raises(checks.NeedsHuman):
        reconcile.reconcile(store.shop, datetime.now(UTC) - timedelta(days=1))


def test_accidents_put_a_check_off(store: Checked) -> None:
    store.sells()
    fault = {"operation": "ordersCount", "fault": "5xx", "times": 1}
    store.sandbox.post("/sandbox/faults", {"operations": [fault]}, shop=store.domain)
    now = datetime.now(UTC)
    check = checks.begin(store.shop, now - timedelta(hours=1), now, heals=True)
    checks.go_on(check, monotonic() + 5)
    check.refresh_from_db()
    assert check.state == OrderCheck.State.WAITING
    assert check.due_at > now
    assert finished(check).healed == 1


def test_a_redacted_shop_leaves_no_gaps(store: Checked) -> None:
    store.sells()
    store.checked()
    install.uninstalled(store.shop, datetime.now(UTC) + timedelta(minutes=1))
    assert install.redact_shop(store.shop, datetime.now(UTC))
    assert not Gap.objects.filter(shop_id=store.shop.pk).exists()
    assert not OrderCheck.objects.filter(shop_id=store.shop.pk).exists()


def test_old_checks_and_gaps_are_deleted(store: Checked) -> None:
    store.sells()
    store.checked(heals=True)
    assert checks.purge() == 0
    old = datetime.now(UTC) - checks.KEPT - timedelta(days=1)
    OrderCheck.objects.update(finished_at=old)
    Gap.objects.update(healed_at=old)
    assert checks.purge() == 2


def test_looking_back_leaves_half_of_the_bucket_to_deliveries(
    store: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.sells()
    left: list[tuple[str, float, float]] = []
    learn = budget.learn

    def watched(shop_domain: str, operation: str, extensions: Any) -> None:
        status = extensions["cost"]["throttleStatus"]
        left.append((operation, float(status["currentlyAvailable"]), float(status["maximumAvailable"])))
        learn(shop_domain, operation, extensions)

    monkeypatch.setattr(budget, "learn", watched)
    now = datetime.now(UTC)
    search = orders.changed_between(now - timedelta(hours=1), now)
    while not left or left[-1][1] > left[-1][2] * 0.56:
        list(orders.changed(store.shop, search))  # nothing waits: all of the bucket may be used
    InboxRowFactory(shop=store.shop, attempts=1)
    del left[:]
    check = checks.begin(store.shop, now - timedelta(hours=1), now, heals=True)
    assert finished(check, step=60).state == "done"
    assert {name for name, _, _ in left} == {"orders_count", "orders_changed", "order", "orders_there"} | {
        "customers_changed"
    }
    assert all(available >= maximum / 2 for _, available, maximum in left)


def test_no_look_goes_beyond_what_shopify_shows(store: Checked) -> None:
    """60 days, and 25,000 objects of one search: of more than 2,000 orders there is none."""
    Program.objects.update(created_at=datetime.now(UTC) - timedelta(days=900))
    Shop.objects.update(reconcile_watermark=datetime.now(UTC) - timedelta(days=300))
    reconcile.everything()
    check = OrderCheck.objects.get(shop_id=store.shop.pk)
    assert check.until - check.since <= timedelta(days=60)
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "changed", lambda shop, search: asked.append(search) or iter(()))
        reconcile.recent()
    since = datetime.fromisoformat(asked[-1].partition("'")[2].partition("'")[0])
    assert datetime.now(UTC) - since <= timedelta(days=60, minutes=1)
    assert checks.SEARCHED_MOST + checks.PAGE < 25_000
