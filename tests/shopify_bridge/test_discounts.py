"""Redemptions that meet a death in the middle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from rewards import people, redemptions
from rewards.models import Program, Redemption
from shopify_bridge import discounts, vault
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

CUSTOMER = 7001


@pytest.mark.django_db(transaction=True)
def test_a_second_try_cut_short_by_a_death_is_taken_up_within_a_minute(scripted: Scripted) -> None:
    """Found by the soak: PostgreSQL died while Shopify made the code, and its points were set aside for a
    quarter of an hour before anybody looked for it again.
    """
    shop = _shop()
    redemption = _reserved(shop)
    redemptions.put_off(redemption, datetime.now(UTC))  # the first try got no answer
    redemption.refresh_from_db()
    due_while_asked: list[datetime] = []

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if asked["operationName"] == "discount_by_code":
            return json_answer({"data": {"codeDiscountNodeByCode": None}})
        due_at = Redemption.objects.get(pk=redemption.pk).due_at
        connections.close_all()
        assert due_at is not None
        due_while_asked.append(due_at)
        made = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
        return json_answer({"data": {"discountCodeBasicCreate": made}})

    scripted.answer = answer
    assert discounts.work_on(redemption).state == Redemption.State.ISSUED
    (due_at,) = due_while_asked
    assert due_at < datetime.now(UTC) + timedelta(minutes=1)


def _shop() -> Shop:
    shop = ShopFactory.create()
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
    shop.save()
    return shop


def _reserved(shop: Shop) -> Redemption:
    """20 points of the 50 for signing up."""
    program = Program.objects.get(pk=shop.program_id)
    ref = (shop.pk, CUSTOMER)
    member_id = people.enrol(program, {ref: datetime.now(UTC)})[ref]
    wanted = redemptions.Request(member_id, shop.pk, CUSTOMER, "choose", "key", 20)
    redemption, _ = redemptions.reserve(program, wanted)
    return redemption
