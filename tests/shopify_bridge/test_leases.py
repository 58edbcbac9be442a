"""Deliveries that need a question are leased: for as long as the questions take, and little longer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from shopify_bridge import inbox, inbox_rows, vault
from shopify_bridge.models import InboxRow
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer
from tests.shopify_bridge.test_inbox import ORDER, deliver


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_its_question_stays_leased_and_is_soon_due_when_the_asker_dies(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the soak: with one lease for all questions, what a killed worker held waited a minute."""
    monkeypatch.setattr(inbox, "LEASED_ANEW_SECONDS", 0)
    shop = ShopFactory.create(access_token_expires_at=timezone.now() + timedelta(hours=1))
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.save()
    for id in (1, 2):
        for note in ("10.00", "11.00"):  # two states of one moment: in doubt the order is fetched
            payload = json.dumps({**ORDER, "id": id}).replace("10.00", note)
            deliver(shop, "orders/updated", payload.encode())
    seen: list[tuple[datetime, datetime]] = []

    def answer(_: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        now = datetime.now(UTC)
        seen.append((now, InboxRow.objects.order_by("-pk")[0].due_at))
        connections.close_all()
        return json_answer({}, status=502)

    scripted.answer = answer
    assert inbox.drain_batch() == 4
    assert len(seen) == 2
    assert all(now < due_at <= now + inbox_rows.LEASE for now, due_at in seen)
    assert seen[1][1] > seen[0][1]
