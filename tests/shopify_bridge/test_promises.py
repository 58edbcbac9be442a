"""What the audit says of deliveries and shops."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards.audit import audit, checks
from shopify_bridge.models import InboxRow, Shop
from shopify_bridge.promises import CHECKS
from tests.factories import IdentityFactory, InboxRowFactory, ShopFactory

pytestmark = pytest.mark.django_db
State = InboxRow.State


def broken(program_id: int | None = None) -> set[str]:
    return {finding.check.name for finding in audit(program_id) if finding.rows}


def test_the_bridges_promises_are_audited_too() -> None:
    assert {check.name for check in CHECKS} <= {check.name for check in checks()}


def test_deliveries_that_wait_for_their_turn_are_done_or_parked_are_well() -> None:
    InboxRowFactory(age=timedelta(minutes=59))
    InboxRowFactory(due_at=datetime.now(UTC) + timedelta(minutes=10), age=timedelta(hours=5))
    InboxRowFactory(state=State.DONE, done_at=datetime.now(UTC), age=timedelta(days=2))
    InboxRowFactory(state=State.PARKED, reason="no such topic", age=timedelta(days=2))
    assert not broken()


@pytest.mark.parametrize(
    "row",
    [
        {"age": timedelta(minutes=61)},
        {"state": State.PARKED},
        {"state": State.DONE},
        {"state": "odd"},
    ],
)
def test_a_delivery_that_nobody_looks_at_is_found(row: dict[str, Any]) -> None:
    made = InboxRowFactory(**row)
    assert broken() == {"deliveries"}
    assert broken(made.program_id) == {"deliveries"}
    assert not broken(ShopFactory().program_id)


def test_a_member_through_another_programs_shop_is_found() -> None:
    stranger, member = ShopFactory(), IdentityFactory()
    assert not broken()
    type(member).objects.update(source_id=stranger.pk)
    assert broken(member.program_id) == {"shops"}
    Shop.objects.filter(pk=stranger.pk).update(program_id=member.program_id)
    assert not broken()
