"""The clock's process while clocks jump: nothing lapses or is released early, and nothing twice.

Its own clock is faked by libfaketime. PostgreSQL's is faked by a function that stands before its own in the
search path, so that both can be wrong in different ways. The days are those on which the clocks of Berlin
are changed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from rewards import dates, orders, programs
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Member, Movement, Program

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
BERLIN = ZoneInfo("Europe/Berlin")
WORK = {"release holds", "lapse points", "note what lapses soon"}
NOTHING, SECOND, HOUR, DAY = timedelta(), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def database_clock(transactional_db: None) -> Iterator[None]:
    """New connections read the time from a table."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE SCHEMA faked;
            CREATE TABLE faked.clock (moment timestamptz);
            INSERT INTO faked.clock VALUES (now());
            CREATE FUNCTION faked.clock_timestamp() RETURNS timestamptz LANGUAGE sql
            AS 'SELECT moment FROM faked.clock';
            """
        )
        cursor.execute(f"ALTER DATABASE {name} SET search_path = faked, public, pg_catalog")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET search_path")
        cursor.execute("DROP SCHEMA faked CASCADE")


def run_clock(database: datetime, process: datetime) -> None:
    """One round of the recurring work, by a process that believes it is then."""
    libraries = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert libraries, "libfaketime is missing; `make setup` installs it, or says how"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE faked.clock SET moment = %s", [database])
    store = connection.settings_dict
    clock = subprocess.Popen(
        [sys.executable, "manage.py", "clock"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "loyalty_app.settings",
            "DATABASE_URL": f"postgres://{store['USER']}@{quote(store['HOST'], safe='')}/{store['NAME']}",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "LOG_LEVEL": "DEBUG",
            "LD_PRELOAD": libraries[0],
            "TZ": "UTC",
            "FAKETIME": f"@{process.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            # Waiting is measured by another clock, which doesn't jump on a real machine either.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert clock.stdout is not None
    waiting, said = set(WORK), []
    try:
        while waiting:
            line = clock.stdout.readline()
            assert line, "".join(said)
            said.append(line)
            told = json.loads(line) if line.startswith("{") else {}
            if told.get("message") == "work done":
                waiting.discard(told["work"])
        believed = datetime.fromisoformat(json.loads(said[-1])["time"])
        assert abs(believed - process) < HOUR / 2, said[-1]
    finally:
        clock.kill()
        clock.wait()
        clock.stdout.close()


def earn(program: Program, external_id: int, points: int, moment: datetime) -> None:
    line = Line(1, points * 100, 1, 1)
    fact = OrderFact(1, external_id, moment, moment, "EUR", (line,), customer_id=7001, paid=True)
    orders.settle_orders(program, [FetchedOrder(fact, paid_at=moment)], now=moment)


def program_with_points(noon: datetime) -> Program:
    """100 points whose last day this is, and 70 on hold until it begins."""
    program = programs.start("Test", "EUR", "Europe/Berlin")
    document = programs.document(program)
    for number, hold_days in enumerate((0, 7)):
        earning = {**document["earning"], "signup_bonus": 0, "hold_days": hold_days}
        programs.apply(
            program,
            {**document, "earning": earning, "expiry": {"policy": "rolling", "months": 2}},
            "test",
        )
        program.versions.update(effective_from=programs.BEGINNING)
        Program.objects.update(expiry_since=None)
        earn(
            program,
            5001 + number,
            (100, 70)[number],
            (noon.replace(month=noon.month - 2), noon - 7 * DAY)[number],
        )
    return program


def live_through(night: datetime, moments: list[tuple[timedelta, timedelta, str]]) -> None:
    """Rounds of the clock at these distances, of the database and of the process, from the day's begin."""
    program = program_with_points(night)
    states = {"on hold": (70, 100), "released": (0, 170), "lapsed": (0, 70)}
    begin = dates.start_of_day(night.date(), BERLIN)
    for database, process, state in moments:
        run_clock(begin + database, begin + process)
        assert Member.objects.values_list("pending", "available").get(program=program) == states[state]
    moved = Movement.objects.filter(kind__in=("release", "lapse")).order_by("id")
    assert list(moved.values_list("kind", "points")) == [("release", 70), ("lapse", 100)]


def test_whichever_clock_jumps_nothing_lapses_or_is_released_early_or_twice(database_clock: None) -> None:
    """On a day of 23 hours."""
    end = 23 * HOUR - timedelta(microseconds=1)
    live_through(
        datetime(2026, 3, 29, 12, tzinfo=BERLIN),
        [
            (-SECOND, 40 * DAY, "on hold"),
            (400 * DAY, -HOUR, "on hold"),
            (NOTHING, NOTHING, "released"),
            (end - SECOND, 400 * DAY, "released"),
            (400 * DAY, end - HOUR, "released"),
            (end, end + SECOND, "lapsed"),
            (-3 * DAY, -3 * DAY, "lapsed"),
            (2 * DAY, 2 * DAY, "lapsed"),
        ],
    )


def test_the_same_on_a_day_of_25_hours(database_clock: None) -> None:
    end = 25 * HOUR - timedelta(microseconds=1)
    live_through(
        datetime(2026, 10, 25, 12, tzinfo=BERLIN),
        [
            (-SECOND, 40 * DAY, "on hold"),
            (NOTHING, NOTHING, "released"),
            (end - SECOND, 400 * DAY, "released"),
            (end, end + SECOND, "lapsed"),
        ],
    )
