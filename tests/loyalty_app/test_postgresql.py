"""What goes to PostgreSQL and comes back by our own writers and readers is what psycopg's would carry."""

from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from django.db import DataError, connection
from hypothesis import given
from hypothesis import strategies as st

from loyalty_app.postgresql.moments import MomentLoader

pytestmark = pytest.mark.django_db
MOMENTS = st.datetimes(timezones=st.just(UTC))
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "boolean": st.booleans(),
    "timestamptz": MOMENTS,
    "date": st.dates(),
}


def asked(statement: str, value: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, [value])
        return cursor.fetchone()[0]


@given(moment=MOMENTS)
def test_moments_come_back_as_they_went(moment: datetime) -> None:
    found = asked("SELECT %s::timestamptz", moment)
    assert (found, found.tzinfo) == (moment, UTC)


def test_moments_are_read_by_our_own_reader() -> None:
    connection.ensure_connection()
    oid = psycopg.adapters.types["timestamptz"].oid
    adapters = connection.connection.adapters
    assert adapters.get_loader(oid, psycopg.pq.Format.TEXT) is MomentLoader


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00 BC", "20000-01-01"])
def test_what_is_no_moment_for_python_is_an_error(text: str) -> None:
    with pytest.raises(DataError):
        asked("SELECT %s::timestamptz", text)


@pytest.mark.parametrize("kind", ELEMENTS)
def test_lists_come_back_as_they_went(kind: str) -> None:
    @given(values=st.lists(st.none() | ELEMENTS[kind], max_size=5))
    def holds(values: list[Any]) -> None:
        assert asked(f"SELECT %s::{kind}[]", values) == values

    holds()


def test_days_before_ours_are_kept() -> None:
    assert asked("SELECT %s::date[]", [date(1, 1, 1), None]) == [date(1, 1, 1), None]
