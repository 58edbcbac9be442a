"""What is made of a version of a program, which never changes, is made once in each process."""

from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache, partial
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

R = TypeVar("R")

REMEMBERED = 20_000
"""Versions of which is remembered what settling asks of them: more than the programs that sell in one day."""


class _Forgetful(Protocol):
    def cache_clear(self) -> None: ...


_memories: list[_Forgetful] = []


class Memory(Generic[R]):
    """A function of a version's numbers, seldom asked twice; who learns its answer otherwise may say it.

    The oldest answers make room for new ones. Don't change what you get.
    """

    def __init__(self, read: Callable[..., R], most: int = REMEMBERED) -> None:
        self._read, self._most = read, most
        self._known: dict[tuple[Any, ...], R] = {}
        self._turn = Lock()
        _memories.append(self)

    def __call__(self, *key: Any) -> R:
        try:
            return self._known[key]
        except KeyError:
            return self.keep(key, self._read(*key))

    def __contains__(self, key: tuple[Any, ...]) -> bool:
        return key in self._known

    def keep(self, key: tuple[Any, ...], answer: R) -> R:
        """Remember an answer, and give it back."""
        with self._turn:
            self._known.pop(key, None)
            while len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[key] = answer
        return answer

    def cache_clear(self) -> None:
        """Forget all of them."""
        with self._turn:
            self._known.clear()


def remembered(read: Callable[..., R]) -> "_lru_cache_wrapper[R]":
    """The same for what is asked so often that it has to be quick, and is made of what is known already."""
    memory = lru_cache(maxsize=REMEMBERED)(read)
    _memories.append(memory)
    return memory


def memory(most: int) -> Callable[[Callable[..., R]], Memory[R]]:
    """As a decorator."""
    return partial(Memory, most=most)


def forget() -> None:
    """The numbers of programs and versions may come to mean others, in a database that is another."""
    for one in _memories:
        one.cache_clear()
