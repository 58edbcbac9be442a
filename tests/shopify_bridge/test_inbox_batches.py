"""Batches of the inbox: fair between shops, and never stopped by one row or one slow statement."""

import hashlib
import json
from pathlib import Path

import pytest
from django.db import connection

from rewards import programs
from rewards.models import Movement
from shopify_bridge import inbox, inbox_rows
from shopify_bridge.models import InboxRow, Shop

ORDER = json.loads((Path(__file__).parent.parent / "payloads" / "orders_updated.json").read_text())
pytestmark = pytest.mark.django_db


@pytest.fixture
def shops(monkeypatch):
    monkeypatch.setattr(inbox_rows, "_served_last", 0)
    return [
        Shop.objects.create(
            program_id=programs.start(name, "USD", "UTC").pk, domain=f"{name}.myshopify.com", currency="USD"
        )
        for name in ("busy", "calm", "quiet")
    ]


def deliver(shop, number, **changes):
    order = {**ORDER, "id": 9000 + number, "refunds": [], "customer": {"id": 700 + number}, **changes}
    body = json.dumps(order).encode()
    return InboxRow.objects.create(
        program_id=shop.program_id,
        shop_id=shop.pk,
        shop_domain=shop.domain,
        webhook_id=f"{number}",
        topic="orders/updated",
        body=body,
        body_hash=hashlib.sha256(body).digest(),
    )


def served(batch):
    rows = inbox_rows.claim(batch)
    inbox_rows.finish(rows)
    return [(row.shop_id, row.id) for row in rows]


def test_a_busy_shop_waits_for_the_others_after_each_batch(shops):
    busy, calm, quiet = shops
    flood = [deliver(busy, number) for number in range(10)]
    late = [deliver(calm, 10), deliver(quiet, 11), deliver(quiet, 12)]
    turns = [served(4) for _ in range(5)]
    assert turns == [
        [(busy.pk, row.pk) for row in flood[:4]],
        [(row.shop_id, row.pk) for row in late],
        [(busy.pk, row.pk) for row in flood[4:8]],
        [(busy.pk, row.pk) for row in flood[8:]],
        [],
    ]


def test_what_is_not_due_yet_gives_its_turn_to_others(shops):
    busy, calm, _ = shops
    later = deliver(busy, 1)
    due = deliver(calm, 2)
    inbox_rows.put_off(inbox_rows.claim(1), "Shopify is away.", 60)
    later.refresh_from_db()
    assert later.attempts == 1
    assert served(4) == [(calm.pk, due.pk)]


def test_one_row_that_cant_be_settled_stops_no_other(shops):
    huge = {
        **ORDER["line_items"][0],
        "price": "90000000000000.00",
        "quantity": 1000,
        "current_quantity": 1000,
    }
    rows = [deliver(shops[0], number) for number in range(20)]
    poison = deliver(shops[0], 20, line_items=[huge])
    inbox.drain()
    poison.refresh_from_db()
    assert poison.state == "parked"
    assert "the most" in poison.reason
    assert InboxRow.objects.filter(state="done").count() == len(rows)
    assert Movement.objects.filter(kind="order").count() == len(rows)


def test_nor_does_it_stop_other_shops(shops):
    huge = {
        **ORDER["line_items"][0],
        "price": "90000000000000.00",
        "quantity": 9999,
        "current_quantity": 9999,
    }
    rows = [deliver(shop, 3 * number + turn) for number, shop in enumerate(shops) for turn in range(2)]
    poison = deliver(shops[1], 20, line_items=[huge])
    inbox.drain()
    poison.refresh_from_db()
    assert poison.state == "parked"
    assert InboxRow.objects.filter(state="done").count() == len(rows)
    settled = Movement.objects.filter(kind="order").values_list("program_id", flat=True)
    assert sorted(settled) == sorted(row.program_id for row in rows)


def test_a_statement_that_takes_too_long_is_tried_again_with_fewer_rows(shops, monkeypatch):
    monkeypatch.setattr(inbox, "STATEMENT_LIMIT", "1s")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION tests_slow_when_many() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM fresh WHERE kind = 'order') > 2 THEN PERFORM pg_sleep(30); END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER tests_slow_when_many AFTER INSERT ON rewards_movement
            REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tests_slow_when_many();
            """
        )
    for number in range(4):
        deliver(shops[0], number)
    assert inbox.drain() == 4
    assert Movement.objects.filter(kind="order").count() == 4


def test_an_order_of_thousands_of_lines_is_settled_and_explained_whole(shops):
    line = {**ORDER["line_items"][0], "price": "1.00", "quantity": 3, "current_quantity": 1}
    line |= {"discount_allocations": [], "tax_lines": []}
    lines = [{**line, "id": 1 + number} for number in range(5_000)]
    deliver(shops[0], 20, line_items=lines)
    small = deliver(shops[1], 21)
    assert inbox.drain() == 2
    award = Movement.objects.get(program_id=shops[0].program_id, kind="order")
    assert award.points == 5_000
    assert award.explanation["lines"] == {str(one["id"]): "1.00" for one in lines}
    small.refresh_from_db()
    assert small.state == InboxRow.State.DONE
