"""Whether the process lives, and whether it can serve."""

import threading
from datetime import UTC, datetime
from functools import cache

import django_rq
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError
from rq import Queue

from shopify_bridge.models import InboxRow


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return _answer({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 without a database (by the middleware) or with missing migrations; a missing queue only delays."""
    pending = pending_migrations()
    if pending:
        return _answer({"status": "unavailable", "migrations": f"{len(pending)} to apply"}, status=503)
    queue = "ok" if queue_answers() else "down"
    return _answer(
        {
            "status": "ok" if queue == "ok" else "degraded",
            "database": "ok",
            "migrations": "ok",
            "queue": queue,
            "inbox_oldest_seconds": inbox_oldest_seconds(),
        }
    )


def _answer(content: dict[str, object], status: int = 200) -> JsonResponse:
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})


def pending_migrations() -> list[str]:
    """Names of migrations that this release has and the database hasn't."""
    if _complete.is_set():
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        _complete.set()
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


# A process has one release's migrations: once the database has them all, that doesn't change.
_complete = threading.Event()


@cache
def _queue() -> Queue:
    return django_rq.get_queue("default")


def queue_answers() -> bool:
    try:
        return bool(_queue().connection.ping())
    except RedisError:
        return False


def inbox_oldest_seconds() -> int:
    """The age of the delivery that waits longest for its turn; 0 when none waits."""
    waiting = InboxRow.objects.filter(state=InboxRow.State.WAITING)
    first = waiting.aggregate(first=Min("received_at"))["first"]
    return 0 if first is None else max(0, int((datetime.now(UTC) - first).total_seconds()))
