"""From a signed delivery over HTTP to committed points: 500 orders a second, against one job for each at 50.

Ours: web and worker as in production, one process each, with Valkey between them; 500 new orders of three
lines (2.3 KB) a second for a minute (quick: 10 s), of 5,000 members with four settled orders each. Between
them the worker publishes standings to something that takes its 0.1 s for each 25, as Shopify does. A time
counts from when the delivery was due to be sent until this process is told, by a NOTIFY of the transaction
itself, that its movement is committed.

The peer is the usual design (bench/peers/jobs.py): the web asks for a job for each order, and one forking
worker of django-rq posts its points by the same call. 50 a second for 10 s (quick: 2 s), for it falls behind.
The figure is the median of the times; the ratio is ours to the peer's.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from statistics import median

import django_rq
from django.db import connections

from bench import ack, deliveries, settle
from bench.deliveries import FIRST_ORDER, Buyer
from bench.figures import Sample, Turns
from bench.load import steadily
from bench.stage import BenchError, Process, Stage, cpu_seconds
from shopify_bridge import vault
from shopify_bridge.models import Shop

RATE, PEER_RATE = 500, 50
P50_SECONDS, P99_SECONDS = 0.05, 0.25
PATIENCE_SECONDS = 180
WARM_UP = 20
# Ids fit into a notice by three hundreds.
TELL = (
    """
    CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('bench', string_agg(order_id::text, ' '))
        FROM (SELECT order_id, row_number() OVER () / 300 AS part FROM new) numbered GROUP BY part;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER bench_tell AFTER INSERT ON rewards_movement REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION bench_tell()
    """,
)
IDS = "SELECT external_id, id FROM rewards_order WHERE external_id = ANY(%s)"


Numbers = Iterator[int]


@contextmanager
def at_rate(stage: Stage) -> Iterator[Turns]:
    buyers, numbers = settle.filled(stage), count()
    Shop.objects.update(access_token=vault.seal("token", "access", ack.SHOP))
    connections.close_all()
    with stage.connect() as connection:
        for statement in TELL:
            connection.execute(statement)
    yield Turns(partial(_ours, stage, buyers, numbers), partial(_peer, stage, buyers, numbers))


def too_late(ours: list[Sample], peer: list[Sample]) -> list[str]:
    p50, p99 = (median(sample.notes[name] for sample in ours) for name in ("p50 ms", "p99 ms"))
    faults = [f"p50 {p50:.0f} ms"] if p50 > P50_SECONDS * 1000 else []
    return faults + ([f"p99 {p99:.0f} ms"] if p99 > P99_SECONDS * 1000 else [])


def _ours(stage: Stage, buyers: list[Buyer], numbers: Numbers) -> Sample:
    with (
        stage.running(sys.executable, "-m", "bench.shop", str(stage.port + 1)) as shopify,
        stage.web() as web,
        stage.running(sys.executable, "manage.py", "worker", SHOPIFY_SANDBOX=stage.peer) as worker,
    ):
        shopify.wait_for(stage.port + 1)
        orders = RATE * stage.pick(quick=6, usual=60)
        return _turn(stage, stage.port, [web, worker], islice(numbers, orders + WARM_UP), buyers, RATE)


def _peer(stage: Stage, buyers: list[Buyer], numbers: Numbers) -> Sample:
    settings = {"DJANGO_SETTINGS_MODULE": "bench.peers.settings", "LOYALTY_ROLE": "web"}
    port = str(stage.port + 1)
    server = ["granian", "--interface", "wsgi", "--port", port, "--blocking-threads", "4", "--factory"]
    worker = ["manage.py", "rqworker", "default", "--serializer", "rq.serializers.JSONSerializer"]
    with (
        stage.running(
            sys.executable, "-m", *server, "django.core.wsgi:get_wsgi_application", **settings
        ) as web,
        stage.running(sys.executable, *worker, DJANGO_SETTINGS_MODULE="bench.peers.settings") as jobs,
    ):
        web.wait_for(stage.port + 1)
        orders = PEER_RATE * stage.pick(quick=2, usual=10)
        return _turn(stage, stage.port + 1, [web, jobs], islice(numbers, orders + WARM_UP), buyers, PEER_RATE)


def _turn(
    stage: Stage, port: int, processes: list[Process], numbers: Numbers, buyers: list[Buyer], rate: int
) -> Sample:
    address = f"http://127.0.0.1:{port}"
    requests = [
        (FIRST_ORDER + number, _request(number, buyers[number % len(buyers)].customer_id, address))
        for number in numbers
    ]
    django_rq.get_connection("default").flushall()  # jobs that the other side's turn left
    with _told(stage) as told:
        _send(stage, port, requests[:WARM_UP], PEER_RATE, told)
        before, stores = sum(process.cpu() for process in processes), cpu_seconds(stage.postmaster())
        times = sorted(_send(stage, port, requests[WARM_UP:], rate, told))
        spent = sum(process.cpu() for process in processes) - before
        in_stores = cpu_seconds(stage.postmaster()) - stores
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    notes = {
        "PostgreSQL ms": in_stores / len(times) * 1000,
        "p50 ms": p50 * 1000,
        "p99 ms": p99 * 1000,
        "worst ms": times[-1] * 1000,
    }
    return Sample(p50, spent / len(times), notes)


def _request(number: int, customer_id: int, address: str) -> bytes:
    return ack.request(deliveries.body(number, customer_id), address).replace(b"{id}", b"order-%d" % number)


def _send(
    stage: Stage, port: int, requests: list[tuple[int, bytes]], rate: int, told: dict[int, float]
) -> list[float]:
    """The time of each order, from when it was due to be sent to its commit."""
    begun: list[float] = []

    def request(number: int) -> bytes:
        begun.append(time.monotonic() - number / rate)
        return requests[number][1]

    steadily(port, request, rate=rate, seconds=len(requests) / rate)
    began, deadline = min(begun), time.monotonic() + PATIENCE_SECONDS
    while True:
        with stage.connect() as connection:
            ids = dict(connection.execute(IDS, [[order for order, _ in requests]]).fetchall())
        if len(ids) == len(requests) and all(id in told for id in ids.values()):
            break
        if time.monotonic() > deadline:
            raise BenchError(f"Of {len(requests)} orders {len(ids)} came to points")
        time.sleep(0.5)
    return [told[ids[order]] - began - number / rate for number, (order, _) in enumerate(requests)]


@contextmanager
def _told(stage: Stage) -> Iterator[dict[int, float]]:
    """When each order's movement was committed, as far as it is known here."""
    told: dict[int, float] = {}
    stop = threading.Event()

    def listen() -> None:
        with stage.connect() as connection:
            connection.execute("LISTEN bench")
            while not stop.is_set():
                for notice in connection.notifies(timeout=0.5):
                    now = time.monotonic()
                    for id in notice.payload.split():
                        told.setdefault(int(id), now)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield told
    finally:
        stop.set()
        listener.join()
