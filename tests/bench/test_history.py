"""The large ledger of the benches is one that the app could have written."""

import shutil
from collections import namedtuple

import pytest
from django.db import connection, transaction

from bench import history
from rewards import people
from rewards.audit import audit
from rewards.models import Member, Movement, Order, Program
from rewards.orders import settle_orders
from shopify_bridge.models import Shop
from tests.rewards.conftest import line, order

pytestmark = pytest.mark.django_db


def broken() -> list[str]:
    return [finding.check.name for finding in audit() if finding.rows]


def definitions() -> list[tuple[str, str]]:
    with transaction.atomic(), connection.cursor() as cursor:
        return sorted(history._definitions(cursor, ["rewards_movement", "rewards_lot", "rewards_member"]))


def test_many_copies_of_one_story_fit_together_and_life_goes_on_in_them() -> None:
    loaded = history.load(1_000, programs=3)
    assert loaded.movements >= 1_000
    assert Movement.objects.filter(program_id__in=loaded.program_ids).count() == loaded.movements
    assert Member.objects.count() == loaded.members
    assert Program.objects.count() == len(set(loaded.program_ids)) == len(set(loaded.shop_ids)) == 3
    assert not broken()
    # Something of everything is in it.
    assert set(Movement.objects.values_list("source", "target").distinct()) >= {
        ("issued", "pending"),
        ("pending", "available"),
        ("available", "issued"),
        ("available", "reserved"),
        ("reserved", "spent"),
        ("reserved", "available"),
        ("spent", "available"),
        ("available", "expired"),
        ("debt", "issued"),
        ("available", "transferred"),
        ("adjusted", "available"),
    }
    for program_id, shop_id in zip(loaded.program_ids, loaded.shop_ids, strict=True):
        found = Order.objects.filter(program_id=program_id)
        assert set(found.values_list("source_id", flat=True)) == {shop_id}
        assert Shop.objects.get(pk=shop_id).program_id == program_id
        an_order_grows(Program.objects.get(pk=program_id))
    assert not broken()


def an_order_grows(program: Program) -> None:
    known = Order.objects.filter(program=program).exclude(facts__customer_id=None).latest("facts_at")
    assert known.facts is not None
    assert known.facts_at is not None
    ref = (known.source_id, known.facts["customer_id"])
    assert people.find(program.pk, [ref]) == {ref: known.member_id}
    news = order(
        line(50_000),
        source_id=known.source_id,
        external_id=known.external_id,
        customer_id=ref[1],
        updated_at=known.facts_at.replace(year=known.facts_at.year + 1),
    )
    settle_orders(program, [news])
    known.refresh_from_db()
    assert known.points == 500


def test_indexes_and_walls_are_the_same_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = definitions()
    monkeypatch.setattr(history, "REBUILT_FROM", 1)
    history.load(10)
    assert definitions() == before
    assert not broken()


def test_a_full_disk_is_noticed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(20e9, 6e9, 14e9))
    with pytest.raises(history.NoRoom, match=r"10,000,000 movements need 15 GB.* are 14\.0 GB free"):
        history.load(10_000_000)
    assert not Program.objects.exists()
