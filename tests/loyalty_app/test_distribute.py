"""The database as Citus would have it: every table has its place, every key its tenant.

Citus itself can't be had here. In its place stand functions of the same names that refuse what Citus refuses,
so that the statements really run, in their order, on a real database with rows in it.
"""

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from loyalty_app.postgresql import citus
from loyalty_app.postgresql.places import AT_THE_COORDINATOR, COPIED, DISTRIBUTED
from rewards import audit, programs, tenancy
from rewards.models import Program
from tests.rewards.conftest import World, line, order

pytestmark = pytest.mark.django_db
STAND_IN = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, distributed boolean NOT NULL);

CREATE FUNCTION place(moved regclass, is_distributed boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    -- Unique keys contain the column by which a table is distributed.
    SELECT i.indexrelid::regclass INTO found FROM pg_index i
    WHERE i.indrelid = moved AND i.indisunique AND is_distributed AND NOT EXISTS (
        SELECT 1 FROM pg_attribute a
        WHERE a.attrelid = moved AND a.attname = 'program_id' AND a.attnum = ANY(i.indkey));
    IF found IS NOT NULL THEN RAISE EXCEPTION 'unique index % without the tenant', found; END IF;
    INSERT INTO pg_dist_partition VALUES (moved, is_distributed);
    PERFORM check_references();
END $$;

-- To copied tables, or from one distributed table to another with the tenant in both.
CREATE FUNCTION check_references() RETURNS void LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    SELECT c.conname INTO found FROM pg_constraint c
    LEFT JOIN pg_dist_partition source ON source.logicalrelid = c.conrelid
    LEFT JOIN pg_dist_partition target ON target.logicalrelid = c.confrelid
    WHERE c.contype = 'f' AND (source IS NOT NULL OR target IS NOT NULL) AND NOT COALESCE(
        NOT target.distributed OR (source.distributed AND EXISTS (
            SELECT 1 FROM pg_attribute a JOIN pg_attribute b ON b.attnum = c.confkey[1]
            WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1] AND a.attname = 'program_id'
              AND b.attrelid = c.confrelid AND b.attname = 'program_id')), false)
    LIMIT 1;
    IF found IS NOT NULL THEN RAISE EXCEPTION 'foreign key % leads out of its shard', found; END IF;
END $$;

CREATE FUNCTION create_distributed_table(moved regclass, by_column text, colocate_with text) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
    IF colocate_with <> 'none' AND NOT EXISTS (
        SELECT 1 FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass AND distributed
    ) THEN RAISE EXCEPTION '% is not distributed', colocate_with; END IF;
    PERFORM place(moved, true);
END $$;

CREATE FUNCTION create_reference_table(moved regclass) RETURNS void
LANGUAGE sql AS $$ SELECT place(moved, false) $$;

CREATE FUNCTION truncate_local_data_after_distributing_table(moved regclass) RETURNS void
LANGUAGE sql AS $$ SELECT $$;
"""


@pytest.fixture
def stand_in() -> Iterator[None]:
    with connection.cursor() as cursor:
        # What earlier statements of this transaction left to be checked keeps no table from being changed.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(STAND_IN)
    tenancy.is_spread.cache_clear()
    yield
    tenancy.is_spread.cache_clear()


def test_what_is_found_of_citus_decides_how_programs_are_settled(stand_in: None) -> None:
    assert tenancy.is_spread()
    assert tenancy.shares([1, 2]) == [[1], [2]]


def run(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT check_references()")


def rows(sql: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


FOREIGN_KEYS = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' ORDER BY 1"


def test_without_the_extension_it_says_what_to_do_and_changes_nothing() -> None:
    before = rows(FOREIGN_KEYS)
    with pytest.raises(CommandError, match="doesn't have the extension Citus, and nothing was changed"):
        call_command("distribute")
    assert rows(FOREIGN_KEYS) == before


def test_every_table_has_its_place() -> None:
    """A new table has to be put into `loyalty_app.postgresql.places`: think what asks for its rows."""
    tables = [table for (table,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert sorted(tables) == sorted([*DISTRIBUTED, *COPIED, *AT_THE_COORDINATOR])


def test_every_table_with_a_tenant_is_distributed_with_the_two_exceptions_that_say_why() -> None:
    of_tenants = rows(
        """
        SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE attname = 'program_id' AND attnotnull AND relkind = 'r'
        """
    )
    exceptions = {"shopify_bridge_shop", "shopify_bridge_inboxrow"}
    assert {table for (table,) in of_tenants} - exceptions == set(DISTRIBUTED)


def test_the_models_name_the_foreign_keys_that_there_are() -> None:
    wanted = [one.definition for one in citus.references()]
    assert sorted(wanted) == sorted(definition for _, definition in rows(FOREIGN_KEYS))


def test_a_filled_database_is_turned_over_and_the_app_goes_on(stand_in: None) -> None:
    world = World()
    world.earn(100)
    before = rows(FOREIGN_KEYS)
    run(citus.plan())
    placed = dict(rows("SELECT logicalrelid::regclass::text, distributed FROM pg_dist_partition"))
    assert placed == {**dict.fromkeys(DISTRIBUTED, True), **dict.fromkeys(COPIED, False)}
    assert rows(FOREIGN_KEYS) == before
    assert citus.plan() == []

    world.settle(order(line(5000), external_id=5002))
    assert world.member().available == 150
    assert not [finding for finding in audit.audit(world.program.pk) if finding.rows]
    programs.erase(world.program.pk)
    assert not Program.objects.filter(pk=world.program.pk).exists()


def test_a_run_that_was_cut_short_is_repeated(stand_in: None) -> None:
    before = sorted(definition for _, definition in rows(FOREIGN_KEYS))
    statements = citus.plan()
    for length in range(0, len(statements), 7):
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT whole")
            for statement in statements[:length]:
                cursor.execute(statement)
            run(citus.plan())
            assert sorted(definition for _, definition in rows(FOREIGN_KEYS)) == before
            assert citus.plan() == []
            cursor.execute("ROLLBACK TO SAVEPOINT whole")


def test_the_stand_in_refuses_what_citus_refuses(stand_in: None) -> None:
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("SELECT create_distributed_table('shopify_bridge_shop', 'program_id', 'none')")
