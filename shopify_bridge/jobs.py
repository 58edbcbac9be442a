"""The only file that knows the queue. Redis is a doorbell, never a store.

`ring` says "look now"; what there is to do stands in the database, and a sweep in the clock finds what
nobody rang for. A job is always the same for the same work, takes no arguments, and may run twice.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from time import monotonic, sleep

import django_rq
from django.db import close_old_connections
from redis.exceptions import RedisError
from rq import Queue

from shopify_bridge import backfill, checks, inbox, issuing, metafields, metrics
from shopify_bridge.beside import Beside

log = logging.getLogger(__name__)

RING_EVERY_SECONDS = 0.05
"""A burst of deliveries rings once; the worker drains them all."""
LOOK_EVERY_SECONDS = 0.02
LOOKS = 3
"""Without finding anything: a ring that was swallowed because one had just rung has its row here by then."""
DRAIN_SECONDS = 1.0
"""Standings wait no longer, where deliveries never stop: they have rung for the next job by then."""
SILENCE_SECONDS = 5.0
"""After a failed ring Redis is left alone for a while, so that its absence costs deliveries no time."""
JOB_SECONDS_MAX = 120
MARK = "loyalty:rung:"
MARK_SECONDS = 5
"""A ring that waits for its worker is marked, so that many of them don't pile up before other jobs."""

_draining = Beside(inbox.drain)
_publishing = Beside(metafields.publish)
_last_ring: dict[str, float] = {}
_silent_until = 0.0


def ring(job: Callable[[], None]) -> bool:
    """Ask a worker to run this job soon. Never raises for a queue that is away; says whether it rang."""
    global _silent_until
    now, name = monotonic(), job.__name__
    if now < _silent_until or now - _last_ring.get(name, -1.0) < RING_EVERY_SECONDS:
        return False
    _last_ring[name] = now
    queue = _queue()
    try:
        if not queue.connection.set(MARK + name, 1, nx=True, ex=MARK_SECONDS):
            return False
        queue.enqueue(job, result_ttl=0, failure_ttl=3600, ttl=600)
    except (RedisError, OSError) as error:
        _silent_until = now + SILENCE_SECONDS
        metrics.RINGS_LOST.inc()
        log.warning("the queue can't be rung", extra={"why": type(error).__name__})
        return False
    return True


@cache
def _queue() -> Queue:
    """Made once: each has a connection of its own, which takes longer than a ring."""
    return django_rq.get_queue("default", default_timeout=JOB_SECONDS_MAX, commit_mode="auto")


def _job(work: Callable[[], None]) -> Callable[[], None]:
    """What a worker runs. Once begun, a ring is a job again: its news may come too late for this one."""

    @wraps(work)
    def answered() -> None:
        with suppress(RedisError, OSError):
            django_rq.get_connection("default").delete(MARK + work.__name__)
        close_old_connections()
        work()

    return answered


@_job
def drain() -> None:
    """Handle the inbox in two threads until it stays empty, and then have published what changed.

    One of them reckons while PostgreSQL writes what the other one has reckoned. Publishing waits for Shopify,
    and no delivery may wait for that.
    """
    _draining.ask()
    inbox.drain()
    ends, looks = monotonic() + DRAIN_SECONDS, LOOKS
    while looks and monotonic() < ends:
        sleep(LOOK_EVERY_SECONDS)
        looks = LOOKS if inbox.drain() else looks - 1
    _publishing.ask()


@_job
def publish() -> None:
    """Write changed standings to Shopify."""
    metafields.publish()


@_job
def check_orders() -> None:
    """Go on with checks of orders, and with repairs that were asked for."""
    checks.work()


@_job
def back_fill() -> None:
    """Go on with back-fills."""
    backfill.work()


@_job
def redeem() -> None:
    """Go on with redemptions that wait for Shopify."""
    issuing.work_due()
