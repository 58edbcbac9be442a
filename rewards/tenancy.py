"""Rows of a tenant. Its program is named in every statement about them, so that each concerns one tenant.

Django finds a row to save, or to read again, by its primary key alone. Here it names the program too, with
which the primary key begins, and by which a database can be spread over machines.
"""

from typing import Any

from django.db import models

COLUMN = "program_id"


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
