"""Event loops for tests, in threads of their own: Playwright keeps one in the thread of the tests."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


@contextmanager
def begun(talk: Coroutine[Any, Any, Result]) -> Iterator[Future[Result]]:
    """It goes on beside the block."""
    with ThreadPoolExecutor(1) as elsewhere:
        yield elsewhere.submit(asyncio.run, talk)


def run(talk: Coroutine[Any, Any, Result]) -> Result:
    with begun(talk) as done:
        return done.result()
