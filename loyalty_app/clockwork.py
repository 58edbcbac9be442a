"""Runs recurring work: each item in a thread of its own, one process at a time, whatever happens to it."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection

from shopify_bridge.database import alone

log = logging.getLogger(__name__)

Work = tuple[str, float, Callable[[], object]]
STOP_SECONDS = 25


def run(work: list[Work], stop: threading.Event) -> None:
    """Until `stop` is set; then wait for what is in hand."""
    threads = [
        threading.Thread(target=_repeat, args=(*item, stop), name=f"clock-{item[0]}", daemon=True)
        for item in work
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("work left unfinished", extra={"work": thread.name})


def _repeat(name: str, every: float, function: Callable[[], object], stop: threading.Event) -> None:
    while not stop.is_set():
        started = time.monotonic()
        once(name, function)
        # One item a second has a connection at hand; the many that rest for minutes don't keep one each.
        if every > 30:
            connection.close()
        stop.wait(max(0.05, every - (time.monotonic() - started)))
    connection.close()


def once(name: str, function: Callable[[], object]) -> bool:
    """Run it unless another process does right now. A failure is logged and never ends the clock."""
    started = time.monotonic()
    try:
        connection.close_if_unusable_or_obsolete()
        with alone(f"clock:{name}") as nobody_else:
            if nobody_else:
                function()
    except Exception:  # The one place where any failure of any item has to end.
        log.exception("work failed", extra={"work": name})
        connection.close()
        return False
    log.debug("work done", extra={"work": name, "ms": round((time.monotonic() - started) * 1000)})
    return nobody_else
