"""Paid orders from the inbox to points, everything included, against the bare ledger transaction in pgbench.

Ours: 20,000 rows wait in the inbox (quick: 5,000), each a new order of three lines (2.3 KB of JSON, packed
by the door) of one of 5,000 members, who have four settled orders each. One worker process, or two, drain
them as they do in production: parsing, rules, lots, explanation, all committed. The clock runs from the ring
to the last row done. Afterwards each row must be done, and the points posted must be what the orders earn.

The peer: pgbench with 16 clients and prepared statements. Each transaction is one statement that inserts an
event under a unique key and two entries, and updates one of 5,000 balances.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connections

from bench import ack, deliveries, fill, pgbench
from bench.deliveries import Buyer
from bench.figures import Sample, Turns
from bench.stage import Stage
from rewards import programs
from shopify_bridge.models import Shop

MEMBERS = 5_000
ORDERS_EACH = 4
TABLES = """
    CREATE TABLE peer_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, program_id bigint NOT NULL, key bigint NOT NULL,
        UNIQUE (program_id, key)
    );
    CREATE TABLE peer_entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id bigint NOT NULL REFERENCES peer_event,
        account bigint NOT NULL, points bigint NOT NULL
    );
    CREATE TABLE peer_balance (member bigint PRIMARY KEY, points bigint NOT NULL) WITH (fillfactor = 70);
    INSERT INTO peer_balance SELECT n, 0 FROM generate_series(1, %(members)s) n;
    ANALYZE peer_balance;
"""
# Each client counts for itself, so no two have the same key, and keys grow as ids of orders do.
TRANSACTION = """\
\\set n :n + 1
\\set key :turn * 1000000000 + :n * 16 + :client_id
\\set member random(1, :members)
\\set points random(1, 200)
WITH event AS (
    INSERT INTO peer_event (program_id, key) VALUES (1, :key) ON CONFLICT DO NOTHING RETURNING id
), entries AS (
    INSERT INTO peer_entry (event_id, account, points)
    SELECT id, account, change
    FROM event, (VALUES (0, -(:points)::bigint), ((:member)::bigint, (:points)::bigint)) leg (account, change)
)
UPDATE peer_balance SET points = points + :points FROM event WHERE member = :member;
"""


@contextmanager
def by_workers(number: int, stage: Stage) -> Iterator[Turns]:
    """So many worker processes."""
    buyers = filled(stage)
    with stage.connect() as connection:
        for statement in TABLES.split(";"):
            connection.execute(statement.replace("%(members)s", str(MEMBERS)))
    with deliveries.queue(stage, buyers, workers=number) as queue:
        yield Turns(
            partial(queue.turn, stage.pick(quick=5_000, usual=20_000)), partial(_peer, stage, iter(range(99)))
        )


one = partial(by_workers, 1)
two = partial(by_workers, 2)


def filled(stage: Stage) -> list[Buyer]:
    program = programs.start("Bench", "EUR", "UTC")
    shop = Shop.objects.create(program_id=program.pk, domain=ack.SHOP, currency="EUR")
    connections.close_all()
    with stage.connect() as connection, connection.cursor() as cursor:
        fill.members(cursor, program.pk, shop.pk, MEMBERS, orders_each=ORDERS_EACH)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT external_id FROM rewards_identity ORDER BY md5(external_id::text)")
        return [Buyer(program.pk, shop.pk, customer) for (customer,) in cursor.fetchall()]


def _peer(stage: Stage, turns: Iterator[int]) -> Sample:
    seconds = stage.pick(quick=3, usual=6)
    return pgbench.run(stage, TRANSACTION, seconds=seconds, n=0, turn=next(turns), members=MEMBERS)
