"""`manage.py clock`"""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from loyalty_app import clock, clockwork, metrics, startup


class Command(BaseCommand):
    help = "Run the recurring work (loyalty_app/clock.py) until it is told to stop. Needs no queue."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        startup.prepare(self)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if settings.METRICS_PORT:
            metrics.serve(settings.METRICS_BIND, settings.METRICS_PORT)
        clockwork.run(clock.WORK, stop)
