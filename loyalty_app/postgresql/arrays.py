"""Lists as parameters. psycopg asks regular expressions about each element; these literals cost a tenth.

https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from psycopg.pq import Format
from psycopg.types.array import ListDumper


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


WRITERS: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _text,
    bool: str,
    datetime: lambda moment: f'"{moment.isoformat()}"',
    date: date.isoformat,
}


class ArrayDumper(ListDumper):
    """Lists of whole numbers, texts, moments, days, truth values and None; others are left to psycopg.

    The literal has no type of its own: the statement gives it one (`%s::bigint[]`), or its place does.
    """

    format = Format.TEXT

    def get_key(self, obj: list[Any], format: Any) -> Any:
        return self.cls if _writer(obj) else super().get_key(obj, format)

    def upgrade(self, obj: list[Any], format: Any) -> Any:
        return self if _writer(obj) else super().upgrade(obj, format)

    def dump(self, obj: list[Any]) -> Any:
        write = None if self.sub_dumper else _writer(obj)
        if write is None:
            return super().dump(obj)
        return f"{{{','.join(['NULL' if value is None else write(value) for value in obj])}}}".encode()


def _writer(values: list[Any]) -> Callable[[Any], str] | None:
    types = set(map(type, values)) - {type(None)}
    return WRITERS.get(types.pop()) if len(types) == 1 else None
