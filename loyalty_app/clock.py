"""The one list of recurring work. `manage.py clock` runs it; it needs no queue."""

from collections.abc import Callable

WORK: list[tuple[str, float, Callable[[], object]]] = [
    # (name, every so many seconds, function)
]
