"""Orders that are gone from the shop, though nobody told of it: found by their ids, settled as cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from rewards import redemptions, reservations
from rewards.audit import audit
from rewards.models import Order, Program
from rewards.orders import settle_orders
from shopify_bridge import checks, gaps, orders
from shopify_bridge.models import Gap, OrderCheck
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Checked, finished

pytestmark = pytest.mark.django_db


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
