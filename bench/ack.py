"""`POST /webhooks`: a signed order is verified and committed, then acknowledged. Against Express.

32 connections, one process each, every request a delivery of its own. The peer (bench/peers/webhook.mjs)
validates with Shopify's own package and makes the same insert with the same size of pool.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

from django.db import connections

from bench import orders
from bench.figures import Sample, Turns
from bench.load import flat_out
from bench.stage import SECRET, BenchError, Process, Stage, cpu_seconds
from shopify_bridge.models import Shop

SHOP = "bench.myshopify.com"
BODIES = 200
POOL_SIZE = "16"
COUNT = "SELECT count(*) FROM shopify_bridge_inboxrow"


@contextmanager
def whole_order(stage: Stage) -> Iterator[Turns]:
    """An order of eight lines as Shopify sends it without `include_fields`: 11 KB."""
    with _both(stage, [orders.whole(number) for number in range(BODIES)]) as turns:
        yield turns


@contextmanager
def our_fields(stage: Stage) -> Iterator[Turns]:
    """An order as our subscription asks for it: 1 KB with one line (and 4.8 KB with eight)."""
    with _both(stage, [orders.wanted(orders.whole(number, lines=1)) for number in range(BODIES)]) as turns:
        yield turns


def slower_at_worst(ours: list[Sample], peer: list[Sample]) -> list[str]:
    mine, theirs = (median(sample.notes["p99 ms"] for sample in side) for side in (ours, peer))
    return [f"p99 {mine:.1f} ms, the peer's {theirs:.1f} ms"] if mine > theirs else []


@contextmanager
def _both(stage: Stage, bodies: list[orders.Order]) -> Iterator[Turns]:
    Shop.objects.create(program_id=1, domain=SHOP, currency="EUR")
    connections.close_all()
    with stage.web() as web, stage.express("webhook.mjs", POOL_SIZE=POOL_SIZE) as express:
        requests = [request(json.dumps(body, separators=(",", ":")).encode(), stage.app) for body in bodies]
        yield Turns(
            partial(_turn, stage, web, f"{stage.app}/webhooks", requests),
            partial(_turn, stage, express, f"{stage.peer}/webhooks", requests),
        )


def request(body: bytes, address: str) -> bytes:
    """A signed delivery of this body, with an id of its own each time it is sent."""
    digest = hmac.digest(SECRET.encode(), body, hashlib.sha256)
    head = {
        "Host": address.removeprefix("http://"),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": "orders/paid",
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Api-Version": "2026-10",
        "X-Shopify-Webhook-Id": "{id}",
        "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "X-Shopify-Triggered-At": "2026-11-20T12:00:01.123456789Z",
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /webhooks HTTP/1.1\r\n{lines}\r\n".encode() + body


def _turn(stage: Stage, process: Process, address: str, requests: list[bytes]) -> Sample:
    with stage.connect() as connection:
        connection.execute("TRUNCATE shopify_bridge_inboxrow")
        connection.execute("CHECKPOINT")
        cpu, stores = process.cpu(), cpu_seconds(stage.postmaster())
        load = flat_out(address, requests, seconds=stage.pick(quick=3, usual=6))
        (kept,) = connection.execute(COUNT).fetchone() or (0,)
        if kept < load.requests:
            raise BenchError(f"{load.requests} were acknowledged and {kept} kept: {address}")
        spent, in_stores = process.cpu() - cpu, cpu_seconds(stage.postmaster()) - stores
    notes = {
        "PostgreSQL ms": in_stores / kept * 1000,
        "p50 ms": load.p50 * 1000,
        "p99 ms": load.p99 * 1000,
    }
    return Sample(load.rate, spent / kept, notes)
