"""E-mail addresses, as far as guards ask: whether two are one person's, whether one is thrown away. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DISPOSABLE_FILE = Path(__file__).with_name("disposable_domains.txt")
LENGTH_MAX = 254
STEM_LENGTH_MIN = 6
"""Shorter ones - anna, info - are many people's."""
SAME_DOMAINS = {"googlemail.com": "gmail.com"}
_SHAPE = re.compile(r"([^\s@<>()\",;:\\\[\]]{1,64})@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61})")


class NoAddress(ValueError):
    """This is no e-mail address."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An address, in small letters."""

    local: str
    domain: str

    @classmethod
    def of(cls, text: str) -> "Mail":
        """Raises NoAddress."""
        plain = unicodedata.normalize("NFKC", text).strip().casefold()
        found = _SHAPE.fullmatch(plain) if len(plain) <= LENGTH_MAX and plain.isprintable() else None
        if found is None:
            raise NoAddress(f"“{text[:80]}” is no e-mail address.")
        return cls(found[1], SAME_DOMAINS.get(found[2], found[2]))

    @property
    def box(self) -> str:
        """The same for all that arrives in one box: without dots, and without what follows a plus."""
        local = self.local.partition("+")[0].replace(".", "") or self.local
        return f"{local}@{self.domain}"

    @property
    def stem(self) -> str | None:
        """The letters alone, wherever the box is: the same for `jo.smithson1` and `jo_smithson`."""
        letters = "".join(sign for sign in self.local.partition("+")[0] if sign.isalpha())
        return letters if len(letters) >= STEM_LENGTH_MIN else None

    @property
    def is_disposable(self) -> bool:
        """Whether anybody gets such a box for some minutes, at this domain or one that it is a part of."""
        labels = self.domain.split(".")
        return any(".".join(labels[start:]) in _disposable() for start in range(len(labels) - 1))


@cache
def _disposable() -> frozenset[str]:
    return frozenset(DISPOSABLE_FILE.read_text().split())
