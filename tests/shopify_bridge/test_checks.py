"""Checks of orders against the sandbox, whose deliveries all get lost here: nobody listens where they go."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from rewards import redemptions, reservations
from rewards.audit import audit
from rewards.models import Identity, Order, Program
from rewards.orders import settle_orders
from shopify_bridge import budget, bulk, checks, customers, gaps, install, orders, reconcile
from shopify_bridge.models import Gap, InboxRow, OrderCheck, Shop
from tests.factories import InboxRowFactory
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Store

pytestmark = pytest.mark.django_db


class Checked(Store):
    """A store whose orders are compared."""

    def checked(self, *, heals: bool = False, author: str = "42") -> OrderCheck:
        now = datetime.now(UTC)
        check = checks.begin(self.shop, now - timedelta(hours=1), now, heals=heals, author=author)
        return finished(check)

    def gap(self) -> Gap:
        return Gap.objects.get(shop_id=self.shop.pk)


def finished(check: OrderCheck, step: float = 30.0) -> OrderCheck:
    """Worked on until it ends, a bulk operation's pauses left out."""
    for _ in range(200):
        checks.go_on(check, monotonic() + step)
        check.refresh_from_db()
        if check.state != OrderCheck.State.WAITING:
            return check
    raise AssertionError(f"the check didn't end: {check.problem}")


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.setattr(checks, "SETTLING", timedelta(seconds=-5))  # nothing is under way to us here
    return Checked(sandbox)


@pytest.fixture
def in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many orders that they are asked for in bulk, and compared two by two."""
    monkeypatch.setattr(checks, "SEARCHED_MOST", 0)
    monkeypatch.setattr(checks, "PAGE", 2)


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


class Told(Checked):
    """A store whose orders are known here, and what is done to them there without a word."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        since = datetime.now(UTC) - timedelta(days=1)
        Program.objects.filter(pk=self.shop.program_id).update(created_at=since)

    def known(self, price: str = "10.00") -> int:
        order = self.sells(price)
        assert self.checked(heals=True).healed == 1
        Gap.objects.all().delete()
        return order

    def deletes(self, order: int) -> None:
        """Shopify lets an order go only after it was cancelled; neither is told."""
        gid = f"gid://shopify/Order/{order}"
        cancel = """mutation($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: false,
            refundMethod: {originalPaymentMethodsRefund: true}) { orderCancelUserErrors { message } } }"""
        self.sandbox.admin(cancel, shop=self.domain, id=gid)
        delete = "mutation($id: ID!) { orderDelete(orderId: $id) { deletedId userErrors { message } } }"
        assert self.sandbox.admin(delete, shop=self.domain, id=gid)["orderDelete"]["deletedId"]


@pytest.fixture
def told(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(checks, "SETTLING", timedelta(seconds=-5))
    return Told(sandbox)


def test_an_order_whose_deletion_nobody_told_of_loses_its_points(told: Told) -> None:
    kept, gone = told.known("20.00"), told.known("30.00")
    told.deletes(gone)
    check = told.checked(heals=True)
    assert (check.state, check.looked_at, check.found, check.healed) == ("done", 1, 1, 1)
    gap = told.gap()
    assert (gap.kind, gap.points, gap.problem) == (Gap.Kind.DELETED, -31, gaps.NO_LONGER_SHOWN)
    assert [told.points(kept), told.points(gone)] == [21, 0]
    assert told.checked(heals=True).found == 0
    assert not [finding.check.name for finding in audit() if finding.rows]


def test_a_deleted_order_is_shown_first_and_settled_with_one_click(told: Told) -> None:
    order = told.known()
    told.deletes(order)
    assert told.checked().found == 1
    assert told.points(order) == 11
    assert gaps.repair(told.shop, told.gap(), "42")
    assert (told.points(order), told.gap().healed_by) == (0, "42")


def test_an_order_that_is_only_missing_in_a_search_keeps_its_points(told: Told) -> None:
    """It changed after the time that is looked at: asked for by its id it is there."""
    order = told.known()
    Order.objects.filter(external_id=order).update(facts_at=datetime.now(UTC) - timedelta(minutes=30))
    until = datetime.now(UTC) - timedelta(minutes=20)
    check = finished(checks.begin(told.shop, until - timedelta(hours=1), until, heals=True))
    assert (check.looked_at, check.found) == (0, 0)
    assert told.points(order) == 11


def test_an_order_too_old_to_be_shown_keeps_its_points(told: Told) -> None:
    """Older than the oldest order that the shop shows, and not of the last days: nobody can say."""
    order = told.known()
    told.known("20.00")
    told.deletes(order)
    known = Order.objects.get(external_id=order)
    assert known.facts is not None
    known.facts["processed_at"] = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    known.save()
    assert told.checked(heals=True).found == 0
    assert told.points(order) == 11
    known.facts["processed_at"] = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    known.save()
    assert told.checked(heals=True).healed == 1
    assert told.points(order) == 0


def test_very_many_deleted_orders_wait_for_a_person(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "FEW", 1)
    made = [told.known(), told.known(), told.known()]
    for order in made[1:]:
        told.deletes(order)
    check = told.checked(heals=True)
    assert (check.found, check.healed) == (2, 0)
    assert set(gaps.open_gaps(told.shop).values_list("problem", flat=True)) == {gaps.MANY}
    assert [told.points(order) for order in made] == [11, 11, 11]
    gaps.ask_for_repair(told.shop, "42")
    checks.work()
    assert [told.points(order) for order in made] == [11, 0, 0]


def test_known_orders_are_asked_for_in_steps(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "ASKED_AT_ONCE", 1)
    made = [told.known() for _ in range(3)]
    told.deletes(made[2])
    now = datetime.now(UTC)
    check = checks.begin(told.shop, now - timedelta(hours=1), now, heals=True)
    stages = []
    for _ in range(20):
        checks.go_on(check, monotonic() - 1)
        check.refresh_from_db()
        stages.append((check.stage, check.last_order))
        if check.state != OrderCheck.State.WAITING:
            break
    assert (check.state, check.healed) == ("done", 1)
    assert stages == [*(("known", order) for order in made), ("end", made[2])]


def test_a_code_used_in_a_deleted_order_comes_back(told: Told) -> None:
    order = told.known("200.00")
    program, member = (
        Program.objects.get(pk=told.shop.program_id),
        Order.objects.get(external_id=order).member,
    )
    assert member is not None
    request = reservations.Request(member.pk, told.shop.pk, told.customer, "five-off", "k")
    redemption, _ = reservations.reserve(program, request)
    redemptions.issued(program.pk, redemption.pk, "gid")
    user = told.known("1.00")
    known = orders.fetch(told.shop, user)
    assert known is not None
    later = known.fact.updated_at + timedelta(microseconds=1)
    carrying = replace(known.fact, codes=(redemption.code,), lines=(), updated_at=later)
    settle_orders(program, [replace(known, fact=carrying)])
    assert told.points(user) == 0
    told.deletes(user)
    assert told.checked(heals=True).healed == 1
    redemption.refresh_from_db()
    assert redemption.state == "returned"


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


def test_customers_are_enrolled_by_the_check_in_steps(store: Checked) -> None:
    people_there = [store.customer, *(store.sandbox.new_customer() for _ in range(2))]
    now = datetime.now(UTC)
    check = finished(checks.begin(store.shop, now - timedelta(hours=1), now, heals=True))
    assert check.last_customer == store.customer
    assert check.last_customer in people_there
    assert Identity.objects.filter(source_id=store.shop.pk).count() == 1


def test_enrolling_goes_on_after_the_last_customer(shop: Shop, sandbox: Sandbox) -> None:
    everybody: list[int] = []
    assert customers.enrol(shop, "", 0, monotonic() + 30, everybody.append)
    known = Identity.objects.filter(source_id=shop.pk).order_by("external_id")
    found = list(known.values_list("external_id", flat=True))
    assert len(found) > 2
    assert everybody == [found[-1]]
    known.delete()
    assert customers.enrol(shop, "", found[1], monotonic() + 30, everybody.append)
    assert list(known.values_list("external_id", flat=True)) == found[2:]


def test_a_new_shops_customers_are_enrolled_from_where_it_stopped(shop: Shop, sandbox: Sandbox) -> None:
    reconcile.welcome_new_shops()
    shop.refresh_from_db()
    assert shop.customers_enrolled_at
    found = sorted(Identity.objects.filter(source_id=shop.pk).values_list("external_id", flat=True))
    assert shop.last_customer == found[-1]
    Shop.objects.filter(pk=shop.pk).update(customers_enrolled_at=None, last_customer=found[0])
    Identity.objects.filter(source_id=shop.pk).delete()
    reconcile.welcome_new_shops()
    assert Identity.objects.filter(source_id=shop.pk).count() == len(found) - 1


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
