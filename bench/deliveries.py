"""Paid orders in the inbox, put there by COPY as the door leaves them, and workers that settle them.

An order has three lines and the fields that our subscription asks for: 2.3 KB, 0.6 KB as the door packs it.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from isal import isal_zlib

from bench import orders
from bench.figures import Sample
from bench.stage import ROOT, STOP_SECONDS, VAR, BenchError, Stage, cpu_seconds
from loyalty_app import embedded
from rewards import documents, earning, programs
from shopify_bridge import payloads
from shopify_bridge.webhooks import PACKED_FROM_BYTES, PACKING_LEVEL

LINES = 3
VARIANTS = 40
FIRST_ORDER = 6_000_000_000_000
"""Orders that were filled in have lower ids."""
ORDER, CUSTOMER = 8_888_888_888_888, 7_777_777_777_777
"""They stand in the templates where the ids go."""
WARM_UP = 200
COPY = """
    COPY shopify_bridge_inboxrow (program_id, shop_id, shop_domain, webhook_id, event_id, topic, api_version,
                                  triggered_at, body, packed, body_hash)
    FROM STDIN
"""
LAST_MOVEMENT = "SELECT COALESCE(max(id), 0) FROM rewards_movement"
LEFT = "SELECT count(*), max(reason) FROM shopify_bridge_inboxrow WHERE state <> 'done'"
POSTED = "SELECT count(*), COALESCE(sum(points), 0) FROM rewards_movement WHERE id > %s AND source = 'issued'"


class Buyer(NamedTuple):
    """A customer of a shop, who is a member already."""

    program_id: int
    shop_id: int
    customer_id: int


def body(number: int, customer_id: int) -> bytes:
    """Each number is another order."""
    variant = number % VARIANTS
    text = _template(variant).replace(b"%d" % ORDER, b"%d" % (FIRST_ORDER + number))
    return text.replace(b"%d" % CUSTOMER, b"%d" % customer_id)


@cache
def _template(variant: int) -> bytes:
    order = orders.wanted(orders.whole(variant, customer=CUSTOMER, lines=LINES))
    return json.dumps({**order, "id": ORDER}, separators=(",", ":")).encode()


@cache
def points(variant: int) -> int:
    """What such an order earns by the rules of a new program."""
    document = documents.checked(programs.starter("Bench", "EUR"), "EUR")
    fact = payloads.order(payloads.parse(_template(variant)), 1)
    return earning.target(fact, earning.Rules.of(document, 1, "EUR")).points


@dataclass
class Queue:
    """The inbox of a database, and the workers that drain it. Numbers of orders go on from turn to turn."""

    stage: Stage
    database: str
    buyers: Sequence[Buyer]
    workers: list["Worker"]
    number: int = field(default=0, init=False)

    def turn(self, rows: int) -> Sample:
        """Rows a second, from the ring until the last row is done. Raises BenchError when one isn't."""
        self._fill(WARM_UP)
        self._drain()
        expected = self._fill(rows)
        with self.stage.connect(self.database) as connection:
            (last,) = connection.execute(LAST_MOVEMENT).fetchone() or (0,)
            cpu, stores = self._cpu(), cpu_seconds(self.stage.postmaster())
            seconds = self._drain()
            spent, in_stores = self._cpu() - cpu, cpu_seconds(self.stage.postmaster()) - stores
            left, reason = connection.execute(LEFT).fetchone() or (0, "")
            posted = connection.execute(POSTED, [last]).fetchone()
        if left or posted != (rows, expected):
            raise BenchError(
                f"{left} of {rows} rows aren't done ({reason}); {posted} posted, not {(rows, expected)}"
            )
        return Sample(rows / seconds, spent / rows, {"PostgreSQL ms": in_stores / rows * 1000})

    def _fill(self, rows: int) -> int:
        """New orders of the buyers in turn; returns what they earn."""
        now = datetime.now(UTC)
        with self.stage.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("TRUNCATE shopify_bridge_inboxrow")
            with cursor.copy(COPY) as copy:
                copy.set_types(["int8", "int8", *["text"] * 5, "timestamptz", "bytea", "bool", "bytea"])
                for number in range(self.number, self.number + rows):
                    buyer = self.buyers[number % len(self.buyers)]
                    raw = body(number, buyer.customer_id)
                    packed = len(raw) >= PACKED_FROM_BYTES
                    copy.write_row(
                        (
                            buyer.program_id,
                            buyer.shop_id,
                            f"shop-{buyer.shop_id}.myshopify.com",
                            f"delivery-{number}",
                            f"event-{number}",
                            "orders/paid",
                            "2026-10",
                            now,
                            isal_zlib.compress(raw, PACKING_LEVEL) if packed else raw,
                            packed,
                            hashlib.sha256(raw).digest(),
                        )
                    )
            cursor.execute("VACUUM (ANALYZE) shopify_bridge_inboxrow")
        numbers = range(self.number, self.number + rows)
        self.number += rows
        return sum(points(number % VARIANTS) for number in numbers)

    def _drain(self) -> float:
        began = time.monotonic()
        for worker in self.workers:
            worker.ring()
        for worker in self.workers:
            worker.wait()
        return time.monotonic() - began

    def _cpu(self) -> float:
        return sum(cpu_seconds(worker.process.pid) for worker in self.workers)


@dataclass(frozen=True)
class Worker:
    """A process of `bench.drain`."""

    process: subprocess.Popen[str]

    def ring(self) -> None:
        assert self.process.stdin  # it was asked for
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        assert self.process.stdout  # it was asked for
        if not self.process.stdout.readline():
            raise BenchError(f"A worker ended; see {VAR / 'log' / 'drain.log'}")


@contextmanager
def queue(
    stage: Stage, buyers: Sequence[Buyer], *, workers: int = 1, database: str = embedded.DATABASE
) -> Iterator[Queue]:
    # Before the first turn only: right after one each page that is touched is logged whole, and in a large
    # ledger each order touches others.
    with stage.connect(database) as connection:
        connection.execute("CHECKPOINT")
    with ExitStack() as stack:
        yield Queue(
            stage, database, buyers, [stack.enter_context(_worker(stage, database)) for _ in range(workers)]
        )


@contextmanager
def _worker(stage: Stage, database: str) -> Iterator[Worker]:
    with open(VAR / "log" / "drain.log", "a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.drain", stage.url(database)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        worker = Worker(process)
        try:
            worker.wait()
            yield worker
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
