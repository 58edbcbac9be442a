"""Figures for Prometheus, on a port of their own that is never the public one.

Counters live in files that the processes of one machine share; gauges are read from the database when asked.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import psutil
from django.db import connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.db.utils import OperationalError
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from rewards.models import Member, Redemption
from shopify_bridge.models import Credit, InboxRow, Shop

log = logging.getLogger(__name__)

REQUESTS = Counter("loyalty_requests", "Requests answered", ["route", "method", "status"])
SECONDS = Histogram(
    "loyalty_request_seconds",
    "Time to answer a request",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 5),
)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    requests, times = _of(route, method, status)
    requests.inc()
    times.observe(seconds)


@lru_cache(maxsize=4096)  # looking them up costs as much as counting
def _of(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route)


class DatabaseCollector(Collector):
    """Numbers of rows, counted in the database, so that every process and restart tells the same."""

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("loyalty_database_up", "1 when the database answers")
        try:
            families = list(_counted())
            up.add_metric([], 1)
            return [up, *families]
        except OperationalError as error:
            log.warning("rows not counted", extra={"why": str(error)[:200]})
            up.add_metric([], 0)
            return [up]
        finally:
            connection.close()  # This thread belongs to one request of the metrics port.


def _counted() -> Iterator[Metric]:
    # Asked for apart, each finds its few rows by an index among all that are done.
    waiting = InboxRow.objects.filter(state=InboxRow.State.WAITING)
    inbox = waiting.aggregate(waiting=Count("id"), oldest=Now() - Min("received_at"))
    parked = InboxRow.objects.filter(state=InboxRow.State.PARKED).count()
    rows = GaugeMetricFamily("loyalty_inbox_rows", "Deliveries that are not done", labels=["state"])
    rows.add_metric(["waiting"], inbox["waiting"])
    rows.add_metric(["parked"], parked)
    yield rows
    age = inbox["oldest"].total_seconds() if inbox["oldest"] else 0.0
    yield GaugeMetricFamily("loyalty_inbox_oldest_seconds", "Age of the oldest waiting delivery", value=age)
    unsure = Credit.objects.filter(parked_at__isnull=False).count()
    yield GaugeMetricFamily("loyalty_store_credits_parked", "Credits that need a person", value=unsure)
    yield GaugeMetricFamily("loyalty_members", "Members", value=Member.objects.count())
    yield _by_state("loyalty_redemptions", "Redemptions", Redemption)
    yield _by_state("loyalty_shops", "Shops", Shop)


def _by_state(name: str, text: str, model: type[Redemption] | type[Shop]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["state"])
    counted = dict(model.objects.values_list("state").annotate(number=Count("id")))
    for state in model.State.values:
        family.add_metric([state], counted.get(state, 0))
    return family


def registry() -> CollectorRegistry:
    found = CollectorRegistry()
    MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    found.register(DatabaseCollector())
    return found


def serve(address: str, port: int) -> None:
    """In a thread of the clock: one process of them all answers for all."""
    start_http_server(port, addr=address, registry=registry())


def forget_dead_processes() -> None:
    """Each process writes files of its own: those of processes that ended long ago only make reading slow."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            file.unlink(missing_ok=True)
