"""Rows of a tenant. Its program is named in every statement about them, so that each concerns one tenant.

Django finds a row to save, or to read again, by its primary key alone. Here it names the program too, with
which the primary key begins, and by which a database can be spread over machines.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

COLUMN = "program_id"
T = TypeVar("T")


@cache
def is_spread() -> bool:
    """Whether Citus spreads this database over machines; as it was when the process first asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_dist_partition') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def shares(of_programs: Sequence[T]) -> list[Sequence[T]]:
    """What concerns several programs, in parts that may share a statement.

    All of it, in one database. Citus locks rows of one shard only, so there each program's part goes alone.
    """
    return [[one] for one in of_programs] if is_spread() else [of_programs]


def columns(wanted: Mapping[int, Iterable[tuple[Any, ...]]]) -> list[list[Any]]:
    """For `unnest`: the program, then the parts of the key, of all that is wanted of each program.

    Nothing, where nothing is wanted.
    """
    rows = [(program_id, *key) for program_id, keys in wanted.items() for key in keys]
    return [list(column) for column in zip(*rows, strict=True)]


def of(alias: str, programs: Iterable[int]) -> str:
    """The condition that names the program of a statement about one, so that it goes to one shard.

    In a statement about several, rows are joined with their programs, and that is enough.
    """
    different = set(programs)
    return f"{alias}.{COLUMN} = {int(*different)}" if len(different) == 1 else "true"


class OfProgram(models.Model):
    """A row with a `program_id` that never changes."""

    program_id: int

    class Meta:
        abstract = True

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        if from_queryset is None:
            everybody: Any = type(self)._base_manager
            from_queryset = everybody.filter(program_id=self.program_id)
        super().refresh_from_db(using, fields, from_queryset)

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *rest: Any) -> Any:
        kept = [value for value in values if value[0].attname != COLUMN]
        of_program = base_qs.filter(program_id=self.program_id)
        return super()._do_update(of_program, using, pk_val, kept, *rest)
