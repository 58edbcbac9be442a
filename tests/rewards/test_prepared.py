"""Statements that are planned once for a connection."""

from hashlib import sha256
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from rewards.prepared import _known, prepared

SQL = "SELECT %s::text || 'x'"
NAMES = "SELECT name FROM pg_prepared_statements"


@pytest.fixture(autouse=True)
def nothing_prepared(transactional_db: None) -> None:
    connection.close()


def ask(value: str | None) -> Any:
    with prepared() as cursor:
        cursor.execute(SQL, [value])
        return cursor.fetchone()[0]


def usual(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_a_statement_is_prepared_once_and_by_nobody_else() -> None:
    assert [ask("a"), ask("b")] == ["ax", "bx"]
    assert len(usual(NAMES)) == 1
    for _ in range(10):
        usual("SELECT 1")
    assert len(usual(NAMES)) == 1


def test_the_name_says_what_is_asked_and_values_are_no_part_of_it() -> None:
    assert [ask("a"), ask("b")] == ["ax", "bx"]
    ((name, statement),) = usual("SELECT name, statement FROM pg_prepared_statements")
    assert name == f"app_{sha256(SQL.encode()).hexdigest()[:16]}"
    assert "$1::text" in statement


@pytest.mark.parametrize("value", ["", "it's", "100%", "%s", "$1", "\\", None])
def test_values_come_as_they_are(value: str | None) -> None:
    assert [ask(value), ask(value)] == [value if value is None else f"{value}x"] * 2


def test_it_can_be_asked_without_values_and_with_a_percent_sign() -> None:
    for _ in range(2):
        with prepared() as cursor:
            cursor.execute("SELECT 7 %% 4, %s::int", [1])
            assert cursor.fetchall() == [(3, 1)]
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == [(1,)]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_it_answers_behind_a_pooler_whichever_connection_that_chooses(known: bool, there: bool) -> None:
    ask("a")
    if not there:
        usual("DEALLOCATE ALL")
    if not known:
        _known.clear()
    assert [ask("b"), ask("c")] == ["bx", "cx"]
    assert len(usual(NAMES)) == 1


def test_a_plan_made_while_a_table_was_small_is_made_anew_with_its_statistics() -> None:
    usual(
        "CREATE TEMPORARY TABLE things AS SELECT 1 AS thing; ANALYZE things; CREATE INDEX ON things (thing)"
    )

    def plan() -> str:
        for _ in range(7):
            with prepared() as cursor:
                cursor.execute("SELECT FROM things WHERE thing = %s", [1])
        ((name, kept),) = usual("SELECT name, generic_plans FROM pg_prepared_statements")
        assert kept
        return str(usual(f"EXPLAIN EXECUTE {name}(1)"))

    assert "Seq Scan" in plan()
    usual("INSERT INTO things SELECT generate_series(2, 20000); ANALYZE things")
    assert "Seq Scan" not in plan()


def test_it_answers_when_a_migration_changes_the_type_of_a_column() -> None:
    usual("CREATE TEMPORARY TABLE things AS SELECT 1 AS thing")
    for kind in ("int", "text"):
        usual(f"ALTER TABLE things ALTER COLUMN thing TYPE {kind}")
        with prepared() as cursor:
            cursor.execute("SELECT thing::text, thing FROM things WHERE 1 = %s", [1])
            assert cursor.fetchone()[0] == "1"


def test_what_is_wrong_with_a_statement_is_said_at_once() -> None:
    with pytest.raises(ProgrammingError, match="nothing"), prepared() as cursor:
        cursor.execute("SELECT * FROM nothing")


def test_it_survives_a_transaction_that_is_undone() -> None:
    with transaction.atomic():
        ask("a")
        transaction.set_rollback(True)
    assert ask("b") == "bx"
