"""`manage.py inbox`: what was parked can be seen and handled again."""

import io
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command

from rewards import programs
from shopify_bridge.models import InboxRow, Shop

SHOP = "demo.myshopify.com"
BODY = b'{"id": 7, "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z"}'


@pytest.fixture
def shop(db: None) -> Shop:
    program = programs.start("Demo", "EUR", "UTC")
    return Shop.objects.create(program_id=program.pk, domain=SHOP, currency="EUR")


def park(shop: Shop, webhook_id: str, topic: str = "customers/create", body: bytes = BODY) -> InboxRow:
    return InboxRow.objects.create(
        program_id=shop.program_id,
        shop_id=shop.pk,
        shop_domain=shop.domain,
        webhook_id=webhook_id,
        topic=topic,
        body=body,
        body_hash=sha256(body).digest(),
        state=InboxRow.State.PARKED,
        reason="It rained.",
    )


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("inbox", *arguments, stdout=out)
    return out.getvalue()


def test_an_empty_inbox_says_so(db: None) -> None:
    assert run("list") == "The inbox is empty.\n"


def test_parked_deliveries_are_listed_with_their_reason(shop: Shop) -> None:
    row = park(shop, "a")
    lines = run("list", "--shop", SHOP).splitlines()
    assert str(row.pk) in lines[0]
    assert "It rained." in lines[0]
    assert lines[1] == "1 parked"
    assert run("list", "--shop", "other.myshopify.com") == "The inbox is empty.\n"


def test_the_body_is_shown_only_when_asked_for(shop: Shop) -> None:
    row = park(shop, "a", body=b"\xff secret")
    assert "secret" not in run("show", str(row.pk))
    assert "\\xff secret" in run("show", str(row.pk), "--body")
    with pytest.raises(CommandError, match="no delivery"):
        run("show", "0")


def test_replay_handles_them_and_says_how_it_went(shop: Shop) -> None:
    park(shop, "a")
    park(shop, "b", topic="nothing/handles")
    assert run("replay", "--all") == "2 replayed: 1 done, 0 waiting, 1 parked again.\n"


def test_replay_of_one_leaves_the_others(shop: Shop) -> None:
    first, second = park(shop, "a"), park(shop, "b")
    run("replay", str(first.pk))
    second.refresh_from_db()
    assert second.state == InboxRow.State.PARKED
    with pytest.raises(CommandError, match="Name deliveries"):
        run("replay")
