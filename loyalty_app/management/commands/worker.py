"""`manage.py worker`"""

from typing import Any

from django_rq.management.commands import rqworker

from loyalty_app import startup


class Command(rqworker.Command):
    help = "Do the jobs of the queue until told to stop (TERM: after the job in hand)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        """None of rqworker's: each other value of them would be wrong here."""

    def handle(self, *args: Any, **options: Any) -> None:
        startup.prepare(self)
        super().handle(  # type: ignore[no-untyped-call]
            # One queue: a worker of several loses the job that it has just taken (rq#2079).
            "default",
            # The command's own default is pickle, whatever the queue says.
            serializer="rq.serializers.JSONSerializer",
            # No fork for each job: they are short, and a fork takes longer than most of them.
            worker_class="loyalty_app.worker.Worker",
            queue_class=None,
            job_class=None,
            name=None,
            worker_ttl=420,
            max_jobs=None,
            max_idle_time=None,
            verbosity=0,
        )
