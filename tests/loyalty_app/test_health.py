"""The addresses that a load balancer and Prometheus read."""

import socket
from datetime import timedelta

import pytest
import requests
from django.db import connection
from django.test import Client, override_settings

from loyalty_app import health, metrics
from shopify_bridge.models import InboxRow
from tests.factories import IdentityFactory, InboxRowFactory

pytestmark = pytest.mark.django_db


def test_live_asks_nobody(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/health/live").json() == {"status": "ok"}


def test_ready_tells_about_each_part(client: Client) -> None:
    InboxRowFactory(age=timedelta(seconds=90))
    InboxRowFactory(age=timedelta(seconds=500), state=InboxRow.State.DONE)
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    content = answer.json()
    assert 90 <= content.pop("inbox_oldest_seconds") < 100
    assert content == {"status": "ok", "database": "ok", "migrations": "ok", "queue": "ok"}


def test_without_its_queue_the_app_serves_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    health._queue.cache_clear()
    queues = {"default": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}
    monkeypatch.setattr("django_rq.settings.QUEUES", queues)
    with override_settings(RQ_QUEUES=queues):
        answer = client.get("/health/ready")
    health._queue.cache_clear()
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["queue"]) == ("degraded", "down")


def test_missing_migrations_are_not_ready(client: Client) -> None:
    health._complete.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'rewards'")
    answer = client.get("/health/ready")
    health._complete.clear()
    assert answer.status_code == 503
    assert answer.json()["migrations"].endswith("to apply")


def test_metrics_are_served_on_a_port_of_their_own(client: Client) -> None:
    client.get("/health/live")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics.serve("127.0.0.1", port)
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    assert 'loyalty_requests_total{method="GET",route="health/live",status="200"}' in text
    assert "loyalty_database_up 1.0" in text
    assert "loyalty_members " in text
    assert client.get("/metrics").status_code == 404


def test_gauges_come_from_the_database() -> None:
    IdentityFactory()
    InboxRowFactory(age=timedelta(seconds=90))
    InboxRowFactory(state=InboxRow.State.PARKED)
    families = {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics._counted()
        for sample in family.samples
    }
    assert families["loyalty_inbox_rows", "waiting"] == 1
    assert families["loyalty_inbox_rows", "parked"] == 1
    assert 90 <= families["loyalty_inbox_oldest_seconds",] < 100
    assert families["loyalty_members",] == 1
    assert families["loyalty_shops", "active"] == 3
    assert families["loyalty_redemptions", "issued"] == 0
