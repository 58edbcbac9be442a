"""The audit finds whatever breaks a promise, disturbs nobody, and comes every night."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction

from rewards import audit as auditing
from rewards import donations, draws, expiry, people, programs, redemptions, reservations
from rewards.audit import audit, audit_due
from rewards.models import Member, Movement, Program
from rewards.promises import CHECKS
from tests.rewards.conftest import NOW, World, line, order
from tests.rewards.test_own_rewards import EVENING, RAFFLE, TREES


def found(program_id=None):
    return {finding.check.name: finding for finding in audit(program_id) if finding.rows}


@pytest.fixture
def busy(world):
    """Something of everything, for each promise to be broken in it."""
    document = programs.document(world.program)
    levels = [
        {"id": "silver", "name": "Silver", "from": "40", "entry_points": 5},
        {"id": "gold", "name": "Gold", "from": "400"},
    ]
    expiry_said = {"policy": "rolling", "months": 12}
    limited = [{**reward, "in_total": 10} for reward in document["rewards"]]
    world.apply({**document, "expiry": expiry_said, "tiers": {"levels": levels}, "rewards": limited})
    Program.objects.update(expiry_since=None)  # as if it had always been so
    long_ago = NOW - timedelta(days=500)
    world.settle(
        order(line(5000), external_id=5001, processed_at=long_ago, updated_at=long_ago), now=long_ago
    )
    expiry.lapse_due(now=NOW)
    world.settle(order(line(10000, ordered=5), external_id=5002))
    world.settle(order(line(10000, ordered=5, current=4), external_id=5002, minutes=1))
    for key in ("reserved", "used", "ended"):
        request = reservations.Request(world.member().pk, 1, 7001, "five-off", key)
        made, _ = reservations.reserve(world.program, request, now=NOW)
        if key != "reserved":
            redemptions.issued(world.program.pk, made.pk, "gid", now=NOW)
        if key == "used":
            world.settle(order(line(100), external_id=5003, codes=(made.code,)))
    give_own_rewards(world)
    world.earn(50, customer_id=7002, external_id=5004)
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    world.earn(70, customer_id=7003, external_id=5005)
    people.forget(world.program, (1, 7003))
    return world


def give_own_rewards(world):
    """An evening, a donation that was paid out, and a draw that was drawn."""
    document = programs.document(world.program)
    evening = {**EVENING, "in_total": 1}
    world.apply({**document, "rewards": [*document["rewards"], evening, TREES, RAFFLE]})
    someone = world.earn(500, customer_id=7010, external_id=5010)
    for reward, points in (("evening", None), ("trees", 100), ("raffle", None)):
        request = reservations.Request(someone.pk, 1, 7010, reward, reward, points)
        made, _ = reservations.reserve(world.program, request)
        redemptions.delivered(world.program.pk, made.pk)
    paid = {"paid_on": NOW.date(), "receipt": "No. 1", "author": "ann", "key": "k"}
    donations.pay_out(world.program, "trees", 500, **paid)
    draws.draw(world.program, "raffle", "ann", now=datetime(2101, 1, 1, tzinfo=UTC))


DAMAGE = [
    ("balances", "UPDATE rewards_member SET available = available + 1 WHERE debt = 0"),
    ("balances", "DELETE FROM rewards_member WHERE available > 0"),
    ("balances", "UPDATE rewards_movement SET points = points + 1 WHERE target = 'spent'"),
    ("signs", "UPDATE rewards_member SET debt = -1, available = 5"),
    ("signs", "UPDATE rewards_member SET debt = 1, available = 0"),
    ("signs", "UPDATE rewards_member SET reserved = -1"),
    ("lots", "UPDATE rewards_lot SET available = available + 1"),
    ("lots", "UPDATE rewards_lot SET given = 1 WHERE available > 1"),
    ("lots", "DELETE FROM rewards_lot WHERE available > 0"),
    ("lots", "DELETE FROM rewards_movement WHERE target = 'expired'"),
    ("lots and members", "UPDATE rewards_lot SET available = available - 1 WHERE available > 0"),
    ("lots and members", "UPDATE rewards_lot SET member_id = member_id + 1000000"),
    ("orders", "UPDATE rewards_order SET points = points + 1"),
    ("orders", "DELETE FROM rewards_order WHERE points > 0"),
    ("orders", "DELETE FROM rewards_movement WHERE kind = 'refund'"),
    (
        "orders",
        "UPDATE rewards_movement SET points = 1000 WHERE kind = 'refund';"
        "UPDATE rewards_order SET points = -500 WHERE external_id = 5002",
    ),
    ("orders that earn nothing", """UPDATE rewards_order SET facts = facts || '{"cancelled": true}'"""),
    ("orders that earn nothing", """UPDATE rewards_order SET facts = facts || '{"test": true}'"""),
    ("orders that earn nothing", """UPDATE rewards_order SET context = context || '{"excluded": true}'"""),
    ("orders that earn nothing", "UPDATE rewards_order SET context = NULL"),
    ("orders that earn nothing", "UPDATE rewards_order SET member_id = NULL"),
    ("redemptions", "UPDATE rewards_redemption SET state = 'used' WHERE state = 'reserved'"),
    ("redemptions", "UPDATE rewards_redemption SET state = 'cancelled' WHERE state = 'issued'"),
    ("redemptions", "UPDATE rewards_redemption SET state = 'odd'"),
    ("redemptions", "DELETE FROM rewards_redemption WHERE state = 'used'"),
    ("redemptions", "DELETE FROM rewards_movement WHERE redemption_id IS NOT NULL"),
    ("limits of rewards", "UPDATE rewards_budget SET used = used + 1"),
    ("limits of rewards", "DELETE FROM rewards_budget"),
    ("limits of rewards", "UPDATE rewards_redemption SET state = 'returned' WHERE state = 'used'"),
    ("redemptions at rest", "UPDATE rewards_redemption SET due_at = NULL"),
    ("redemptions at rest", "UPDATE rewards_redemption SET order_id = NULL"),
    ("lapses", "UPDATE rewards_movement SET source = 'expired' WHERE source = 'issued'"),
    ("lapses", "UPDATE rewards_movement SET points = 2 * points WHERE target = 'expired'"),
    ("transfers", "UPDATE rewards_movement SET points = points - 1 WHERE target = 'transferred'"),
    ("transfers", "DELETE FROM rewards_movement WHERE source = 'transferred'"),
    ("movements", "UPDATE rewards_movement SET source = 'nowhere' WHERE source = 'issued'"),
    ("movements", "UPDATE rewards_movement SET points = -points"),
    ("movements", "UPDATE rewards_movement SET target = source"),
    ("keys", "UPDATE rewards_movement SET key = 'order:1:0:0' WHERE kind = 'order'"),
    (
        "forgotten",
        "UPDATE rewards_identity SET member_id = "
        "(SELECT id FROM rewards_member WHERE redacted_at IS NOT NULL)",
    ),
    ("forgotten", "UPDATE rewards_member SET tags = '[\"vip\"]'"),
    ("forgotten", """UPDATE rewards_order SET facts = facts || '{"customer_id": 7003}'"""),
    (
        "forgotten",
        "UPDATE rewards_redemption SET member_id = "
        "(SELECT id FROM rewards_member WHERE redacted_at IS NOT NULL)",
    ),
    (
        "referrals",
        "UPDATE rewards_movement SET kind = 'referral', explanation = '{\"referral\": 1}'"
        " WHERE source = 'issued'",
    ),
    ("tallies", "UPDATE rewards_tally SET count = count + 1"),
    ("tallies", "UPDATE rewards_tally SET value = 0 WHERE value > 0"),
    ("tallies", "DELETE FROM rewards_tally"),
    ("stock", "UPDATE rewards_budget SET used = 2 WHERE rule = 'reward:evening'"),
    ("payouts", "UPDATE rewards_payout SET amount = 501"),
    ("draws", "UPDATE rewards_drawing SET winners = '[]'"),
    ("draws", "UPDATE rewards_drawing SET entries = '[[1]]'"),
    ("draws", "UPDATE rewards_drawing SET seed = repeat('0', 64)"),
    ("tiers", "UPDATE rewards_membertier SET tier = ''"),
    ("tiers", "DELETE FROM rewards_membertier"),
    ("tiers", "DELETE FROM rewards_tierchange"),
    ("ways through tiers", "UPDATE rewards_tierchange SET previous = 'bronze'"),
    ("ways through tiers", "UPDATE rewards_tierchange SET happened_at = now() - id * interval '1 day'"),
    (
        "welcomes",
        "UPDATE rewards_movement SET kind = 'tier', explanation = '{}', member_id = 1"
        " WHERE source = 'issued'",
    ),
    ("orders that earn nothing", "UPDATE rewards_order SET points = 0, spend = 1, context = NULL"),
    ("walls", "DROP TRIGGER rewards_drawing_stays ON rewards_drawing"),
    ("walls", "DROP TRIGGER rewards_tierchange_stays ON rewards_tierchange"),
    ("walls", "ALTER TABLE rewards_movement DISABLE TRIGGER rewards_movement_stays"),
    ("walls", "DROP TRIGGER rewards_movement_stays ON rewards_movement"),
    ("walls", "ALTER TABLE rewards_movement DROP CONSTRAINT movement_once"),
    ("walls", "ALTER TABLE rewards_movement DROP CONSTRAINT rewards_movement_lot_id_in_program"),
]
IN_THE_WAY = {
    "rewards_member": ("member_not_overdrawn", "member_debt_only_when_empty"),
    "rewards_lot": ("lot_holds_what_it_was_given",),
    "rewards_order": ("order_never_negative",),
    "rewards_movement": ("movement_once", "movement_of_points", "movement_goes_somewhere"),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGE, ids=lambda value: value[:60])
def test_whatever_is_broken_is_found(busy, name, damage):
    """Past all walls, as a mistaken hand or a bad restore might."""
    assert not found()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, constraints in IN_THE_WAY.items() if name != "walls" else ():
            for constraint in constraints:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        cursor.execute(damage)
        assert name in found()
        assert name in found(busy.program.pk)
        transaction.set_rollback(True)


def test_every_check_is_tried():
    assert {name for name, _ in DAMAGE} == {check.name for check in CHECKS}


def test_all_rows_are_counted_and_a_few_are_named(world):
    Member.objects.bulk_create(
        [Member(program=world.program, joined_at=NOW, debt=-5) for _ in range(auditing.SHOWN + 3)]
    )
    finding = found()["balances"]
    assert (finding.count, len(finding.rows)) == (auditing.SHOWN + 3, auditing.SHOWN)
    Member.objects.all().delete()


def test_the_command_names_them_and_fails(world, capsys):
    Member.objects.create(program=world.program, joined_at=NOW, debt=-5)
    with pytest.raises(CommandError, match="1 promises are broken"):
        call_command("audit")
    said = capsys.readouterr().out
    assert "BROKEN  Each member's balances" in said
    assert "debt -5, moved_debt None" in said
    Member.objects.all().delete()


def test_another_programs_trouble_is_not_ours(world):
    other = World()
    Member.objects.create(program=other.program, joined_at=NOW, debt=-5)
    assert not found(world.program.pk)
    assert set(found(other.program.pk)) == {"balances"}
    Member.objects.filter(program=other.program).delete()


@pytest.mark.django_db(transaction=True)
def test_it_sees_one_moment_changes_nothing_and_keeps_nobody_waiting():
    world = World()
    world.earn(100)
    checks = audit()
    next(checks)
    # The app goes on, and what it writes now is no difference for the checks still to come.
    with psycopg.connect(connection.connection.info.dsn) as elsewhere:
        elsewhere.execute("SET lock_timeout = '2s'")
        elsewhere.execute("UPDATE rewards_member SET available = available + 1")
    assert not [finding for finding in checks if finding.rows]
    with auditing._snapshot(), pytest.raises(DatabaseError, match="read-only"):
        Movement.objects.create(
            program=world.program,
            key="k",
            member=world.member(),
            lot_id=1,
            kind="order",
            source="issued",
            target="available",
            points=1,
            explanation={},
            happened_at=NOW,
        )
    assert set(found()) == {"balances", "lots and members"}


@pytest.mark.django_db(transaction=True)
def test_it_steps_back_from_a_change_of_the_tables(monkeypatch):
    world = World()
    monkeypatch.setitem(auditing.SETTINGS, "lock_timeout", "100ms")
    with psycopg.connect(connection.connection.info.dsn) as migration:
        migration.execute("LOCK TABLE rewards_lot")
        assert audit_due() == 0
    assert audit_due() == 1
    assert Program.objects.get(pk=world.program.pk).broken_promises == []


@pytest.mark.parametrize(
    ("timezone", "audited", "now", "due"),
    [
        ("Europe/Berlin", "2026-11-20T02:05", "2026-11-21T01:55", False),  # 02:55 there
        ("Europe/Berlin", "2026-11-20T02:05", "2026-11-21T02:00", True),
        ("Asia/Tokyo", "2026-11-19T18:01", "2026-11-20T17:59", False),
        ("Asia/Tokyo", "2026-11-19T18:01", "2026-11-20T18:00", True),
        ("UTC", "2026-11-20T12:00", "2026-11-21T03:00", False),  # looked at by hand some hours ago
        ("UTC", "2026-11-20T12:00", "2026-11-22T03:00", True),
        ("UTC", None, "2026-11-21T12:00", True),
    ],
)
def test_it_comes_in_the_shops_own_night(world, timezone, audited, now, due):
    at = datetime.fromisoformat(audited).replace(tzinfo=UTC) if audited else None
    Program.objects.update(timezone=timezone, audited_at=at)
    assert audit_due(now=datetime.fromisoformat(now).replace(tzinfo=UTC)) == due


def test_what_it_finds_is_kept_for_the_merchant(world):
    Member.objects.create(program=world.program, joined_at=NOW, debt=-5)
    assert audit_due() == 1
    assert audit_due() == 0
    world.program.refresh_from_db()
    assert world.program.broken_promises == ["Each member's balances equal the sums of their movements."]
    Member.objects.all().delete()


def test_a_ledger_that_cant_be_audited_keeps_no_other_waiting(world, monkeypatch):
    other = World()
    real = auditing.audit

    def audit_but_one(program_id):
        if program_id == world.program.pk:
            raise OperationalError("canceling statement due to statement timeout")
        return real(program_id)

    monkeypatch.setattr(auditing, "audit", audit_but_one)
    assert audit_due() == 1
    assert Program.objects.get(pk=other.program.pk).audited_at
    assert Program.objects.get(pk=world.program.pk).audited_at is None
