"""Past orders from the file of a bulk operation to points, against COPY and two set-based statements.

A million orders (`make bench`: 100,000, quick: 20,000) of three lines, 2.1 KB of JSON each, by a quarter as
many customers, who are members. Ours is the posting half of `manage.py import_orders`: the file comes over
HTTP, is read as it streams, and is settled in parts, each of which notes how far it is. The most memory that
the process ever held is looked at too.

The peer copies our rows of orders, as the import left them, into the same table of a fresh database, and
makes lots, movements and balances out of them in two statements, with all keys, references and indexes. It
reads no JSON, knows no rules and writes a shorter explanation. The members are there before, for both.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.test import override_settings

from bench import bulk_file, fill
from bench.figures import Sample, Turns
from bench.stage import VAR, BenchError, Stage, cpu_seconds
from rewards import memories, programs
from shopify_bridge import backfill, vault
from shopify_bridge.models import Backfill, Shop

SHOP = "bench.myshopify.com"
MEMORY_MOST = 300e6
ORDERS = "SELECT * FROM rewards_order ORDER BY id"
STATEMENTS = (
    """
    WITH given AS (
        INSERT INTO rewards_lot (program_id, member_id, order_id, kind, given, pending, available, reserved,
                                 expired, available_at)
        SELECT program_id, member_id, id, 'order', points, 0, points, 0, 0, paid_at FROM rewards_order
        RETURNING program_id, id, member_id, order_id, given, available_at
    )
    INSERT INTO rewards_movement (program_id, key, member_id, lot_id, order_id, kind, source, target, points,
                                  explanation, happened_at)
    SELECT program_id, 'order:' || order_id || ':0:0', member_id, id, order_id, 'order', 'issued',
           'available', given, jsonb_build_object('rule', 'order', 'points', given), available_at
    FROM given
    """,
    """
    UPDATE rewards_member m SET available = m.available + v.points, version = m.version + 1
    FROM (SELECT program_id, member_id, sum(given) AS points FROM rewards_lot GROUP BY 1, 2) v
    WHERE m.program_id = v.program_id AND m.id = v.member_id
    """,
)
SUMS = """
    SELECT (SELECT count(*) FROM rewards_order WHERE points > 0), (SELECT count(*) FROM rewards_lot),
           (SELECT sum(points) FROM rewards_movement), (SELECT sum(available) FROM rewards_member)
"""


@contextmanager
def from_file(stage: Stage) -> Iterator[Turns]:
    orders = stage.pick(quick=15_000, usual=100_000, full=1_000_000)
    file, rows = VAR / "orders.jsonl", VAR / "orders.copy"
    found: list[tuple[int, ...]] = []
    try:
        with stage.running(sys.executable, "-m", "bench.shop", str(stage.port), str(file)) as shop:
            shop.wait_for(stage.port)
            yield Turns(
                lambda: _ours(stage, orders, file, rows, found), lambda: _peer(stage, orders, rows, found)
            )
    finally:
        file.unlink(missing_ok=True)
        rows.unlink(missing_ok=True)


def too_much_memory(ours: list[Sample], peer: list[Sample]) -> list[str]:
    worst = max(sample.notes["MB at most"] for sample in ours) * 1e6
    return [f"{worst / 1e6:.0f} MB"] if worst > MEMORY_MOST else []


def _ours(stage: Stage, orders: int, file: Path, rows: Path, found: list[tuple[int, ...]]) -> Sample:
    shop, customers = _filled(stage, orders)
    bulk_file.write(file, orders, customers)
    row = Backfill.objects.create(
        program_id=shop.program_id,
        shop_id=shop.pk,
        author="bench",
        confirmed_by="bench",
        bulk_id="gid://shopify/BulkOperation/1",
    )
    before = _cpu(stage)
    began = time.monotonic()
    with override_settings(SHOPIFY_SANDBOX=stage.app):
        backfill.go_on(row, float("inf"))
    seconds = time.monotonic() - began
    spent = _cpu(stage) - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    row.refresh_from_db()
    with stage.connect() as plain, open(rows, "wb") as out:
        found[:] = [plain.execute(SUMS).fetchone() or ()]
        with plain.cursor().copy(f"COPY ({ORDERS}) TO STDOUT (FORMAT binary)") as copy:
            for part in copy:
                out.write(part)
    if (row.state, row.looked_at, row.failed, found[0][1]) != (Backfill.State.DONE, orders, 0, orders):
        raise BenchError(f"It is {row.state} at {row.looked_at}, {row.failed} failed, {found}: {row.problem}")
    return Sample(
        seconds, spent / orders, {"µs an order": seconds / orders * 1e6, "MB at most": memory / 1e6}
    )


def _peer(stage: Stage, orders: int, rows: Path, found: list[tuple[int, ...]]) -> Sample:
    _filled(stage, orders)
    before = cpu_seconds(stage.postmaster())
    began = time.monotonic()
    with stage.connect() as plain, plain.transaction(), open(rows, "rb") as file:
        with plain.cursor().copy("COPY rewards_order FROM STDIN (FORMAT binary)") as copy:
            while part := file.read(1 << 20):
                copy.write(part)
        for statement in STATEMENTS:
            plain.execute(statement)
    seconds = time.monotonic() - began
    spent = cpu_seconds(stage.postmaster()) - before
    with stage.connect() as plain:
        if (made := plain.execute(SUMS).fetchone()) != found[0]:
            raise BenchError(f"The peer made {made} out of {found[0]}")
    return Sample(seconds, spent / orders, {"µs an order": seconds / orders * 1e6})


def _filled(stage: Stage, orders: int) -> tuple[Shop, list[int]]:
    """A fresh database with a shop and its members; their customers' ids."""
    connection.close()
    stage.fresh_database()
    memories.forget()
    program = programs.start("Bench", "EUR", "UTC")
    shop = Shop.objects.create(
        program_id=program.pk, domain=SHOP, currency="EUR", access_token=vault.seal("token", "access", SHOP)
    )
    with stage.connect() as plain, plain.cursor() as cursor:
        fill.members(cursor, program.pk, shop.pk, orders // 4, orders_each=0)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT external_id FROM rewards_identity ORDER BY md5(external_id::text)")
        return shop, [customer for (customer,) in cursor.fetchall()]


def _cpu(stage: Stage) -> float:
    return cpu_seconds(os.getpid()) + cpu_seconds(stage.postmaster())
