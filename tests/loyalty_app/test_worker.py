"""The worker's process, with a real queue of its own: in the Valkey of the tests, another database."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from loyalty_app import embedded
from shopify_bridge import jobs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address() -> Iterator[str]:
    """A queue that no other test rings."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    address = f"{embedded.redis_url(settings.VAR_DIR)}?db={8 + int(name)}"
    with Redis.from_url(address) as client:
        client.flushdb()
        yield address
        client.flushdb()


@pytest.fixture
def worker(address: str, transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": address},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.wait()


def finished(job: Job, seconds: float = 20) -> object:
    deadline = time.monotonic() + seconds
    while not job.is_finished:
        assert time.monotonic() < deadline, job.get_status()
        time.sleep(0.02)
    return job.return_value()


def test_jobs_run_in_the_worker_itself_until_it_is_told_to_stop(
    worker: subprocess.Popen[bytes], address: str
) -> None:
    queue = Queue("default", connection=Redis.from_url(address), serializer=JSONSerializer)
    assert finished(queue.enqueue("os.getpid")) == worker.pid
    started = time.monotonic()
    assert finished(queue.enqueue("os.getpid")) == worker.pid
    assert time.monotonic() - started < 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_a_pickled_job_never_runs(worker: subprocess.Popen[bytes], address: str, tmp_path: Path) -> None:
    """Whoever can write to Redis must not be able to run code."""
    client = Redis.from_url(address)
    queue = Queue("default", connection=client, serializer=JSONSerializer)
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    job = Job.create("os.getpid", connection=client, serializer=JSONSerializer, id="pickled")
    job.save()
    client.hset(job.key, "data", pickle.dumps(Trap()))
    queue.push_job_id("pickled")
    assert finished(queue.enqueue("os.getpid")) == worker.pid
    assert not trap.exists()


def test_a_ring_that_waits_for_its_worker_isnt_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many deliveries ring many times a second; the worker answers once, and other jobs don't wait behind."""
    client = Redis.from_url(address)
    queue = Queue("default", connection=client, serializer=JSONSerializer)
    monkeypatch.setattr(jobs, "_queue", lambda: queue)
    monkeypatch.setattr(jobs.django_rq, "get_connection", lambda *_: client)
    monkeypatch.setattr(jobs, "RING_EVERY_SECONDS", 0)
    monkeypatch.setattr(jobs, "_silent_until", 0)
    assert [jobs.ring(jobs.check_orders) for _ in range(3)] == [True, False, False]
    assert jobs.ring(jobs.redeem)
    assert queue.count == 2
    monkeypatch.setattr(jobs.checks, "work", lambda: None)
    jobs.check_orders()
    assert jobs.ring(jobs.check_orders)
    assert queue.count == 3
