"""Recurring work goes from one program to the next, part by part: what fails keeps nobody else waiting.

What failed is logged with whom it concerns, and told at the end of the round, so that the clock tells it too.
A lost database is nobody's doing and ends the round at once.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from django.db import connection

log = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P")


class LeftBehind(Exception):
    """The work failed for some, which the log names; for all others it was done."""


def _id(item: Any) -> object:
    return getattr(item, "pk", item)


def each(what: str, items: Iterable[T], work: Callable[[T], int], *, id: Callable[[T], object] = _id) -> int:
    """Do the work on every item; returns the sum of what it returns. Raises LeftBehind.

    `what`: an item is one of these, for the log. `id`: what names it there, where it holds more than that: a
    log has nobody's words in it. Each piece of work has a transaction of its own.
    """
    done = 0
    failed = False
    for item in items:
        try:
            done += work(item)
        except LeftBehind:
            failed = True  # by somebody within, who has logged it
        except Exception:
            _raise_where_lost()
            log.exception("left behind", extra={what: str(id(item))})
            failed = True
    if failed:
        raise LeftBehind(f"Failed for some {what}s; the log names them. All others are done.")
    return done


def halved(what: str, items: Sequence[T], work: Callable[[Sequence[T]], int]) -> int:
    """Do the work on all of them at once, and where that fails, on fewer: one stops no other. As `each`."""
    try:
        return work(items)
    except Exception:
        _raise_where_lost()
        if len(items) == 1:
            log.exception("left behind", extra={what: str(_id(items[0]))})
            raise LeftBehind(f"Failed for {what} {_id(items[0])}.") from None
    middle = len(items) // 2
    return each(what, (items[:middle], items[middle:]), lambda part: halved(what, part, work))


def of_members(
    programs: Iterable[P],
    parts: Callable[[P], Iterable[Collection[int]]],
    work: Callable[[P, Sequence[int]], int],
) -> int:
    """Do the work on members of these programs, part after part of each. As `each`."""

    def of_program(program: P) -> int:
        return each(
            "part", parts(program), lambda part: halved("member", sorted(part), partial(work, program))
        )

    return each("program", programs, of_program)


def _raise_where_lost() -> None:
    """Raise what is being handled, if the database is gone."""
    if connection.connection is not None and not connection.is_usable():
        raise
