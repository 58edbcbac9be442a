"""Work beside other work, in a thread of its own with a database connection of its own."""

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections

log = logging.getLogger(__name__)


class Beside:
    """Does `work` whenever it is asked to, never twice at once; asked meanwhile, it does it once more.

    The thread ends with its process, wherever it is: only for work that a death may interrupt anywhere.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self._asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Returns at once."""
        self._asked.set()
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go, name=self.work.__name__, daemon=True)
                self._thread.start()

    def _go(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            close_old_connections()  # one that broke stays broken until somebody closes it
            try:
                self.work()
            except Exception:
                # Whatever it was, the next one who asks deserves an answer; the clock's sweep is one of them.
                log.exception("work beside others failed", extra={"work": self.work.__name__})
