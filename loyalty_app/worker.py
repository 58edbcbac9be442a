"""The worker's process, which keeps its database connection from job to job."""

from typing import Any

from django.db import close_old_connections
from rq.worker import SimpleWorker


class Worker(SimpleWorker):
    def perform_job(self, *args: Any, **kwargs: Any) -> bool:
        # A connection that broke stays broken until somebody closes it.
        close_old_connections()
        try:
            return super().perform_job(*args, **kwargs)
        finally:
            close_old_connections()
