"""A large ledger in which everything fits: `load` copies a short story set-based until it is long enough.

The story (`bench.story`) is told once, to the app's own code; its rows are then copied with new ids, so
that whatever holds for the story holds for all of it. The copies of one row stand together, as things of one
day do in a ledger that grew, so the movements of a member lie as far apart as they would.

    python -m bench.history --movements 10000000
"""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

BYTES_PER_MOVEMENT = 1_500
"""What a movement takes on the disk, with its share of orders, lots and indexes, and of the way there."""
REBUILT_FROM = 200_000
"""From so many movements on it is faster to drop the indexes before, and to build them again afterwards."""
REFERENCES = {
    "member_id": "member",
    "merged_into_id": "member",
    "order_id": "order",
    "lot_id": "lot",
    "parent_id": "lot",
    "redemption_id": "redemption",
}
IDS_IN_KEYS = {
    "order": ("order",),
    "signup": ("member",),
    "release": ("lot",),
    "lapse": ("lot",),
    "redemption": ("redemption",),
    "merge": ("member", "member"),
    "adjust": (),
}
JSON = ("tags", "facts", "context", "reward", "explanation")
FIRST_EXTERNAL = {"order": 5_000_000_000_000, "identity": 7_000_000_000_000}
"""Shopify's ids are that long."""
HEX, LETTERS = "0123456789abcdef", "ABCDEFGHJKLMNPQR"
ROOT = Path(__file__).resolve().parent.parent

Row = dict[str, Any]
Sql = tuple[str, list[Any]]
"""An expression, and its parameters."""


class NoRoom(Exception):
    """The disk is too full; the text says what is needed."""


@dataclass(frozen=True, slots=True)
class History:
    """What was loaded: the programs, each with one shop of its own, and how much is in them."""

    program_ids: list[int]
    shop_ids: list[int]
    members: int
    movements: int


def load(movements: int, programs: int = 1, currency: str = "EUR") -> History:
    """At least so many movements in so many new programs, each of a whole story or more. Raises NoRoom."""
    _check_room(movements)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        history = _load(movements, programs, currency)
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("VACUUM (ANALYZE)")  # as autovacuum would have done long ago
            cursor.execute("RESET statement_timeout")
    return history


def _load(movements: int, programs: int, currency: str) -> History:
    from bench import story  # models need the settings, which `main` may still have to choose

    with story.told(currency) as program:
        rows = {table: list(_rows(table, program.pk)) for table in _Copier.TABLES}
        copier = _Copier(rows, max(programs, -(-movements // len(rows["movement"]))))
        with connection.cursor() as cursor:
            program_ids, shop_ids = _make_programs(program.pk, programs)
            cursor.execute(
                """
                CREATE TEMP TABLE history_copy ON COMMIT DROP AS
                SELECT n - 1 AS n, p.program_id, p.source_id FROM generate_series(1, %s) n
                JOIN unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY p (program_id, source_id, turn)
                  ON p.turn = (n - 1) %% %s + 1
                """,
                [copier.copies, program_ids, shop_ids, programs],
            )
        copier.reserve_ids()
        with _without_indexes() if movements >= REBUILT_FROM else _as_it_is():
            for table in copier.TABLES:
                copier.copy(table)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE history_copy")
    return History(
        program_ids, shop_ids, copier.copies * len(rows["member"]), copier.copies * len(rows["movement"])
    )


def _check_room(movements: int) -> None:
    """Where the database lies on this machine; of another machine nothing is known here."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    if not folder.exists():
        return
    needed, free = movements * BYTES_PER_MOVEMENT, shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(
            f"{movements:,} movements need {needed / 1e9:.0f} GB, and where {folder} lies are "
            f"{free / 1e9:.1f} GB free."
        )


def _rows(table: str, program_id: int) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM rewards_{table} WHERE program_id = %s ORDER BY id", [program_id])  # noqa: S608
        columns = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            yield dict(zip(columns, row, strict=True))


def _make_programs(original: int, programs: int) -> tuple[list[int], list[int]]:
    """(ids of programs like the original, ids of their shops)"""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_program (name, currency, timezone, version, salt)
            SELECT name, currency, timezone, version, uuid_send(gen_random_uuid())
            FROM rewards_program, generate_series(1, %s) WHERE id = %s RETURNING id
            """,
            [programs, original],
        )
        program_ids = [id for (id,) in cursor.fetchall()]
        cursor.execute(
            """
            INSERT INTO rewards_programversion (program_id, number, document, effective_from, author)
            SELECT p, number, document, effective_from, author
            FROM rewards_programversion, unnest(%s::bigint[]) p WHERE program_id = %s
            """,
            [program_ids, original],
        )
        cursor.execute(
            """
            INSERT INTO shopify_bridge_shop (program_id, domain, name, currency, timezone, state,
                state_reason, scopes, access_token, refresh_token, "grant", app_installation_gid,
                published_program_version)
            SELECT id, 'history-' || id || '.myshopify.com', name, currency, timezone, 'active', '',
                '', '', '', 'exchange', '', version
            FROM rewards_program WHERE id = ANY(%s) ORDER BY id RETURNING id
            """,
            [program_ids],
        )
        return program_ids, [id for (id,) in cursor.fetchall()]


@dataclass
class _Copier:
    """Copies rows of the story; `history_copy` has the number, the program and the shop of each copy."""

    TABLES = ("member", "identity", "order", "lot", "redemption", "movement")

    rows: dict[str, list[Row]]
    copies: int
    # The id of the first copy of each row; copy n of it has the n-th id after that.
    first: dict[str, dict[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.identities = {row["external_id"]: row["id"] for row in self.rows["identity"]}

    def reserve_ids(self) -> None:
        with connection.cursor() as cursor:
            for table, rows in self.rows.items():
                sequence = f"pg_get_serial_sequence('rewards_{table}', 'id')"
                cursor.execute(f"SELECT nextval({sequence})")
                (free,) = cursor.fetchone()
                self.first[table] = {row["id"]: free + i * self.copies for i, row in enumerate(rows)}
                cursor.execute(f"SELECT setval({sequence}, %s)", [free + len(rows) * self.copies])

    def copy(self, table: str) -> None:
        """All copies of the first row, then all of the second: time goes on from row to row."""
        with connection.cursor() as cursor:
            for row in self.rows[table]:
                columns = {name: self._column(table, row, name) for name in row}
                names = ", ".join(columns)
                values = ", ".join(sql for sql, _ in columns.values())
                cursor.execute(
                    f"INSERT INTO rewards_{table} ({names}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                    f"SELECT {values} FROM history_copy k ORDER BY k.n",
                    [parameter for _, parameters in columns.values() for parameter in parameters],
                )

    def _column(self, table: str, row: Row, name: str) -> Sql:
        value, own = row[name], self.first[table][row["id"]]
        if name == "id":
            return "%s + k.n", [own]
        if name in ("program_id", "source_id"):
            return f"k.{name}", []
        if name in REFERENCES and value is not None:
            return "%s + k.n", [self.first[REFERENCES[name]][value]]
        if name == "external_id":
            return "%s + k.n", [own + FIRST_EXTERNAL[table]]
        if name == "customer_id":
            return self._customer(value)
        if name == "facts":
            return self._facts(value, own)
        if name == "code":
            return f"translate(substr(md5((%s + k.n)::text), 1, 12), '{HEX}', '{LETTERS}')", [own]
        if name == "published_version":
            return "%s", [row["version"]]
        if table == "movement" and name == "key":
            return self._key(value)
        if table == "movement" and name in ("happened_at", "recorded_at"):
            return "%s::timestamptz + interval '2 days' * k.n / %s", [row["happened_at"], self.copies]
        return "%s::jsonb" if name in JSON else "%s", [value]

    def _customer(self, customer_id: int) -> Sql:
        if customer_id not in self.identities:
            return "%s", [0]  # forgotten
        own = self.first["identity"][self.identities[customer_id]]
        return "%s + k.n", [own + FIRST_EXTERNAL["identity"]]

    def _facts(self, value: str, own: int) -> Sql:
        # Codes are left out: the copies' redemptions have others.
        sql = """%s::jsonb || '{"codes": []}' ||
            jsonb_build_object('external_id', %s + k.n, 'source_id', k.source_id)"""
        parameters = [value, own + FIRST_EXTERNAL["order"]]
        named = next((id for id in self.identities if f'"customer_id": {id},' in value), None)
        if named is not None:
            customer, more = self._customer(named)
            sql += f" || jsonb_build_object('customer_id', {customer})"
            parameters += more
        return sql, parameters

    def _key(self, key: str) -> Sql:
        """The key with the ids of the copy: of `order:17:0:0` it is `order:{id}:0:0`."""
        head, *rest = key.split(":")
        tables = IDS_IN_KEYS[head]
        if not tables:
            return "%s || k.n", [f"{key}:"]
        parts = ["(%s + k.n)"] * len(tables)
        starts = [self.first[table][int(id)] for table, id in zip(tables, rest, strict=False)]
        tail = "".join(f":{part}" for part in rest[len(tables) :])
        return f"concat_ws(':', %s, {', '.join(parts)}) || %s", [head, *starts, tail]


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Foreign keys, unique keys and indexes of the copied tables are made, and checked, at the end."""
    tables = [f"rewards_{table}" for table in _Copier.TABLES]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is deferred would keep the tables as they are
        again = _definitions(cursor, tables)
        for drop, _ in again:
            cursor.execute(drop)
        yield
        for _, create in reversed(again):
            cursor.execute(create)


def _definitions(cursor: Any, tables: list[str]) -> list[tuple[str, str]]:
    """(statement that drops it, statement that makes it again), those first that others don't need."""
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                      pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('f', 'u')
        ORDER BY contype, conname
        """,
        [tables],
    )
    constraints = cursor.fetchall()
    cursor.execute(
        """
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid::regclass::text = ANY(%s)
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        """,
        [tables],
    )
    return [*constraints, *cursor.fetchall()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Load a large ledger into the database of the environment.")
    parser.add_argument("--movements", type=int, required=True)
    parser.add_argument("--programs", type=int, default=1)
    wanted = parser.parse_args()
    _configure()
    call_command("migrate", verbosity=0)
    began = perf_counter()
    try:
        history = load(wanted.movements, wanted.programs)
    except NoRoom as error:
        raise SystemExit(str(error)) from error
    print(
        f"{history.movements:,} movements of {history.members:,} members in {len(history.program_ids):,} "
        f"programs, loaded in {perf_counter() - began:.0f} s."
    )


def _configure() -> None:
    """The settings of the environment or, where it has none, a database of its own in var/history."""
    os.environ.setdefault("LOYALTY_VAR", str(ROOT / "var" / "history"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_app.settings")
    django.setup()


if __name__ == "__main__":
    main()
