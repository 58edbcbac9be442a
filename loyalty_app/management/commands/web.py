"""`manage.py web`"""

import multiprocessing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from loyalty_app import metrics, startup
from loyalty_app.logs import configuration

REQUESTS_MOST = 1024
"""At once, in each process; others wait to be accepted."""


class Command(BaseCommand):
    help = "Serve the app. Settings: WEB_BIND, WEB_PORT, WEB_PROCESSES, WEB_THREADS."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default=settings.WEB_BIND, help="address to listen at (WEB_BIND)")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT, help="port (WEB_PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        startup.prepare(self)
        metrics.forget_dead_processes()
        # Not by fork: a worker has settings of its own (loyalty_app.asgi) and no thread of this process.
        multiprocessing.set_start_method("spawn", force=True)
        Granian(
            "loyalty_app.asgi:application",
            address=options["bind"],
            port=options["port"],
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            workers=settings.WEB_PROCESSES,
            backpressure=REQUESTS_MOST,
            # Its access log writes queries, and those of the app proxy carry signatures; ours doesn't.
            log_access=False,
            # At WARNING it gives advice about numbers of threads at each start.
            log_level=LogLevels.error,
            log_dictconfig=configuration(settings.LOG_LEVEL),
            respawn_failed_workers=True,
            workers_kill_timeout=20,
        ).serve()
