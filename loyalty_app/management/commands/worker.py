"""`manage.py worker`"""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django_rq import get_worker
from redis.exceptions import RedisError

from loyalty_app import startup

log = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0


class Command(BaseCommand):
    help = "Do the jobs of the queue until told to stop (TERM: after the job in hand)."
    # They run in `handle`, with the database's.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        startup.prepare(self)
        while not self._work():
            # RQ gives up when Redis goes away; the jobs that come back with it need a worker.
            log.warning("the queue is away", extra={"next_try_seconds": PAUSE_SECONDS})
            if _told_to_stop_within(PAUSE_SECONDS):
                return

    def _work(self) -> bool:
        """True after a signal to stop, False when Redis went away."""
        try:
            get_worker(
                # One queue: a worker of several loses the job that it has just taken (rq#2079).
                "default",
                # RQ's own default is pickle, whatever the queue says.
                serializer="rq.serializers.JSONSerializer",
                # No fork for each job: they are short, and a fork takes longer than most of them.
                worker_class="loyalty_app.worker.Worker",
            ).work(logging_level="WARNING")
        except (RedisError, SystemExit) as error:
            if isinstance(error, SystemExit) and not error.code:
                raise
            return False
        return True


def _told_to_stop_within(seconds: float) -> bool:
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return told.wait(seconds)
