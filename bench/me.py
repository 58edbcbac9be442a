"""`GET /storefront/me`: a signed read of a member's points, rewards and codes at hand. Against Express.

Flat out at 32 connections, and once at half of that rate to see how long an answer takes when nobody
pushes. One process each. The peer (bench/peers/me.mjs) checks the app proxy's signature with Shopify's own
package, reads the same rows and answers with the same JSON.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlencode

import requests
from django.db import connections

from bench.figures import Sample, Turns
from bench.load import flat_out, steadily
from bench.stage import SECRET, BenchError, Process, Stage, cpu_seconds
from rewards import people, programs
from rewards.models import Redemption
from shopify_bridge.models import Shop

SHOP = "bench.myshopify.com"
FIRST_CUSTOMER = 7_000_000_000_000
POOL_SIZE = "16"
P99_SECONDS = 0.02


@contextmanager
def read(stage: Stage) -> Iterator[Turns]:
    customers = fill(stage.pick(quick=2_000, usual=5_000))
    connections.close_all()
    with stage.web() as web, stage.express("me.mjs", POOL_SIZE=POOL_SIZE) as express:
        if _answer(stage.app, customers[0]) != _answer(stage.peer, customers[0]):
            raise BenchError("The peer answers something else.")
        yield Turns(
            partial(_turn, stage, web, stage.port, customers),
            partial(_turn, stage, express, stage.port + 1, customers),
        )


def slow_at_half(ours: list[Sample], peer: list[Sample]) -> list[str]:
    p99 = median(sample.notes["p99 ms at half"] for sample in ours)
    return [f"p99 {p99:.1f} ms at half of the rate"] if p99 > P99_SECONDS * 1000 else []


def fill(members: int) -> list[int]:
    """A shop with members, each with two codes at hand and three used ones; the customers' ids."""
    now = datetime.now(UTC)
    program = programs.start("Bench", "EUR", "UTC")
    shop = Shop.objects.create(program_id=program.pk, domain=SHOP, currency="EUR", shopify_id=1)
    customers = list(range(FIRST_CUSTOMER, FIRST_CUSTOMER + members))
    found = people.enrol(program, {(shop.pk, customer): now for customer in customers})
    states = [Redemption.State.ISSUED] * 2 + [Redemption.State.USED] * 3
    reward = {**programs.document(program)["rewards"][0], "version": 1, "asked": None}
    Redemption.objects.bulk_create(
        Redemption(
            program=program,
            member_id=member_id,
            source_id=shop.pk,
            customer_id=customer,
            key=f"k{number}",
            reward=reward,
            points=100,
            value=500,
            state=state,
            code=f"B{customer}{number}",
            starts_at=now,
        )
        for (_, customer), member_id in found.items()
        for number, state in enumerate(states)
    )
    return customers


def query(customer: int) -> str:
    """Signed now: the doors take it for 90 seconds."""
    pairs = {
        "logged_in_customer_id": str(customer),
        "path_prefix": "/apps/loyalty",
        "shop": SHOP,
        "timestamp": str(int(time.time())),
    }
    text = "".join(f"{name}={value}" for name, value in sorted(pairs.items()))
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return urlencode({**pairs, "signature": signature})


def _answer(address: str, customer: int) -> Any:
    answer = requests.get(f"{address}/storefront/me?{query(customer)}", timeout=10)
    answer.raise_for_status()
    return answer.json()


def _turn(stage: Stage, process: Process, port: int, customers: list[int]) -> Sample:
    address = f"http://127.0.0.1:{port}/storefront/me"
    asked = [_request(customer, port) for customer in customers[:2_000]]
    cpu, stores = process.cpu(), cpu_seconds(stage.postmaster())
    load = flat_out(address, asked, seconds=stage.pick(quick=3, usual=6))
    # The warm-up counts too: it is as busy, a second long.
    answered = load.requests + load.rate
    spent, in_stores = process.cpu() - cpu, cpu_seconds(stage.postmaster()) - stores
    half = steadily(
        port,
        lambda number: asked[number % len(asked)],
        rate=load.rate / 2,
        seconds=stage.pick(quick=2, usual=5),
    )
    notes = {
        "PostgreSQL ms": in_stores / answered * 1000,
        "p99 ms": load.p99 * 1000,
        "p50 ms at half": half.p50 * 1000,
        "p99 ms at half": half.p99 * 1000,
    }
    return Sample(load.rate, spent / answered, notes)


def _request(customer: int, port: int) -> bytes:
    return f"GET /storefront/me?{query(customer)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
