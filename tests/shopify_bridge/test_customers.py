"""Customers become members in steps, from wherever the last one stopped."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from rewards.models import Identity
from shopify_bridge import checks, customers, reconcile
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Checked, finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.setattr(checks, "SETTLING", timedelta(seconds=-5))  # nothing is under way to us here
    return Checked(sandbox)


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
