"""What web and worker hold after many deliveries, against what they held after the first thousand.

Deliveries are taken over HTTP, settled by the worker until none waits, and then both processes are looked at:
bytes that they share with nobody.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import connections

from bench import ack, orders
from bench.figures import Sample, Turns
from bench.load import flat_out
from bench.stage import BenchError, Process, Stage
from rewards import people, programs
from shopify_bridge.models import Shop

FIRST = 1_000
ORDERS = 5_000
CUSTOMERS = 1_000
SETTLED_SECONDS = 900
WAITING = "SELECT count(*) FROM shopify_bridge_inboxrow WHERE state = 'waiting'"
TAKEN = "SELECT count(*) FROM shopify_bridge_inboxrow"
PARKED = "SELECT count(*) FROM shopify_bridge_inboxrow WHERE state = 'parked'"


@contextmanager
def growth(stage: Stage) -> Iterator[Turns]:
    requests = _fill(stage)
    with stage.web() as web, stage.running(sys.executable, "manage.py", "worker") as worker:
        early = _after(stage, FIRST, requests, web, worker)
        late = _after(stage, stage.pick(quick=10_000, usual=100_000), requests, web, worker)
        yield Turns(lambda: late, lambda: early)


def _fill(stage: Stage) -> list[bytes]:
    """Orders of a thousand members, each paid by one delivery or more."""
    program = programs.start("Bench", "EUR", "UTC")
    shop = Shop.objects.create(program_id=program.pk, domain=ack.SHOP, currency="EUR")
    people.enrol(program, {(shop.pk, 7_000_000 + n): datetime.now(UTC) for n in range(CUSTOMERS)})
    connections.close_all()
    bodies = (
        orders.wanted(orders.whole(number, customer=7_000_000 + number % CUSTOMERS))
        for number in range(ORDERS)
    )
    return [ack.request(json.dumps(body, separators=(",", ":")).encode(), stage.app) for body in bodies]


def _after(stage: Stage, number: int, requests: list[bytes], web: Process, worker: Process) -> Sample:
    with stage.connect() as connection:

        def count(query: str) -> int:
            (found,) = connection.execute(query).fetchone() or (0,)
            return int(found)

        while (taken := count(TAKEN)) < number:
            # Seconds are what can be chosen: the first thousand come in one, the rest in a few.
            flat_out(
                f"{stage.app}/webhooks", requests, seconds=min(10, 1 + (number - taken) / 2000), warm_up=0
            )
        deadline = time.monotonic() + SETTLED_SECONDS
        while count(WAITING):
            if time.monotonic() > deadline:
                raise BenchError(f"{count(WAITING)} deliveries still wait")
            time.sleep(0.5)
        if count(PARKED):
            raise BenchError(f"{count(PARKED)} deliveries were parked")
    held = {"web MB": web.memory() / 1e6, "worker MB": worker.memory() / 1e6}
    return Sample(sum(held.values()), 0, {**held, "deliveries": float(taken)})
