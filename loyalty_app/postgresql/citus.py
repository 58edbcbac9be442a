"""What turns the database into one that Citus spreads over machines. `manage.py distribute` runs it.

Every step is a statement of its own, since Citus adds no foreign key in the transaction that copied rows.
What is done already is left out, so that a run that was cut short is simply repeated.
https://docs.citusdata.com/en/stable/develop/reference_ddl.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models

from loyalty_app.postgresql.places import COPIED, DISTRIBUTED
from rewards.tenancy import COLUMN

PROGRAMS = "rewards_program"
SETTINGS = {
    # The one trigger there is looks at nothing but its own row.
    "citus.enable_unsafe_triggers": "on",
    # `programs.erase` tells that trigger with SET LOCAL whose rows may go.
    "citus.propagate_set_commands": "local",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of one table that refers to another table's row of the same program."""

    table: str
    column: str
    target: str

    @property
    def definition(self) -> str:
        columns = COLUMN if self.target == PROGRAMS else f"{COLUMN}, {self.column}"
        key = "id" if self.target == PROGRAMS else f"{COLUMN}, id"
        return f"FOREIGN KEY ({columns}) REFERENCES {self.target}({key}) DEFERRABLE INITIALLY DEFERRED"

    @property
    def name(self) -> str:
        return f"{self.table}_{self.column}_in_program"


def is_installed() -> bool:
    """Whether this database has the extension."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
        return cursor.fetchone() is not None


def plan() -> list[str]:
    """The statements that are still to run, in their order; none when all is in place."""
    placed, present = _placed(), _references_present()
    moving = [table for table in (*COPIED, *DISTRIBUTED) if table not in placed]
    wanted = references()
    # A table can't be moved while one refers to it that lies elsewhere.
    loose = [one for one in present if moving and not {one.table, one.target} <= placed]
    missing = [one for one in wanted if one not in present or one in loose]
    return [
        *(_settings() if moving or missing else ()),
        *(f"ALTER TABLE {one.table} DROP CONSTRAINT {present[one]}" for one in loose),
        *(_move(table) for table in moving),
        *(f"SELECT truncate_local_data_after_distributing_table('{table}')" for table in moving),
        *(
            f"ALTER TABLE {one.table} ADD CONSTRAINT {present.get(one, one.name)} {one.definition}"
            for one in missing
        ),
    ]


def references() -> list[Reference]:
    """The foreign keys of all tables that move, as the models have them."""
    return sorted(_references(), key=lambda one: (one.table, one.column))


def _references() -> Iterator[Reference]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey) or model._meta.db_table not in DISTRIBUTED:
                continue
            target = field.related_model._meta.db_table
            # Rows that name a member have no key of their own to the program.
            if target != PROGRAMS or field.db_constraint:  # type: ignore[attr-defined]  # it has
                yield Reference(model._meta.db_table, field.column, target)


def _settings() -> Iterator[str]:
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    for setting, value in SETTINGS.items():
        yield f"ALTER DATABASE {name} SET {setting} = '{value}'"
        yield f"SET {setting} = '{value}'"


def _move(table: str) -> str:
    if table in COPIED:
        return f"SELECT create_reference_table('{table}')"
    beside = "none" if table == DISTRIBUTED[0] else DISTRIBUTED[0]
    return f"SELECT create_distributed_table('{table}', '{COLUMN}', colocate_with => '{beside}')"


def _placed() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT logicalrelid::regclass::text FROM pg_dist_partition")
        return {table for (table,) in cursor.fetchall()}


def _references_present() -> dict[Reference, str]:
    """The foreign keys that the database has, with their names."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, c.conname
            FROM pg_constraint c
            -- Of (program_id, x) it is x that tells them apart.
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[array_upper(c.conkey, 1)]
            WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY(%s)
            """,
            [list(DISTRIBUTED)],
        )
        return {Reference(table, column, target): name for table, column, target, name in cursor.fetchall()}
