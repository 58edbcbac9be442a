"""What migrations do to keys: they contain the tenant, and change while the app goes on reading and writing.

Each step looks first whether it was done, so that a migration that was cut short can be run again.
"""

from typing import Any

KEY = "program_id, id"


def lead_with_program(editor: Any, table: str, key: str = KEY) -> None:
    """Make (program, id) the primary key of a table; its index is built while others write."""
    if _key_of(editor, table) == key:
        return
    draft = f"{table}_key"
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {draft}")
    editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {draft} ON {table} ({key})")
    editor.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, "
        f"ADD CONSTRAINT {table}_pkey PRIMARY KEY USING INDEX {draft}"
    )


def refer(editor: Any, table: str, column: str, target: str) -> None:
    """Let (program, column) refer to the primary key of a table; earlier rows are checked without a lock."""
    name = f"{table}_{column}_in_program"
    if _referred_index(editor, name) == f"{target}_pkey":
        return
    editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}_new")
    # Deferred: a new identity is inserted before its member, so that of two first orders of one customer
    # only one makes a member. No columns of the target: then it is the primary key that is meant.
    editor.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT {name}_new FOREIGN KEY (program_id, {column}) "
        f"REFERENCES {target} DEFERRABLE INITIALLY DEFERRED NOT VALID"
    )
    editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}_new")
    editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    editor.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {name}_new TO {name}")


def _key_of(editor: Any, table: str) -> str:
    with editor.connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = %s::regclass AND contype = 'p'
            """,
            [table],
        )
        (definition,) = cursor.fetchone()
    return str(definition).removeprefix("PRIMARY KEY (").removesuffix(")")


def _referred_index(editor: Any, constraint: str) -> Any:
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT conindid::regclass::text FROM pg_constraint WHERE conname = %s", [constraint])
        row = cursor.fetchone()
    return row and row[0]
