"""Each misconfiguration has an id and a sentence, and production settings pass."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connections
from django.test import override_settings

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "loyalty_app.settings",
    "DATABASE_URL": "postgresql://loyalty:secret@db.example.com/loyalty",
    "REDIS_URL": "redis://queue.example.com:6379/0",
    "DJANGO_SECRET_KEY": "x9" * 16 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "SHOPIFY_API_KEY": "0123456789abcdef" * 2,
    "SHOPIFY_API_SECRET": "shpss_" + "0123456789abcdef" * 2,
    "TOKEN_KEYS": "2:" + "B" * 43 + "=,1:" + "A" * 43 + "=",
    "APP_URL": "https://loyalty.example.com",
    "ALLOWED_HOSTS": "loyalty.example.com",
}


def check_deploy(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy`, as an operator runs it, with production's environment."""
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, **changes}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
    )


def test_production_settings_pass() -> None:
    result = check_deploy()
    assert result.returncode == 0, result.stderr
    # One exception, for the reason that stands beside it in the settings.
    assert "(1 silenced)" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("changes", "identity"),
    [
        ({"DATABASE_URL": None}, "loyalty.E101"),
        ({"REDIS_URL": None}, "loyalty.E102"),
        ({"SHOPIFY_SANDBOX": "http://127.0.0.1:8080"}, "loyalty.E103"),
        ({"DJANGO_DEBUG": "1"}, "loyalty.E104"),
        ({"APP_URL": "http://127.0.0.1:8081"}, "loyalty.E105"),
        ({"ALLOWED_HOSTS": "other.example.com"}, "loyalty.E106"),
    ],
)
def test_what_production_must_not_have(changes: dict[str, str | None], identity: str) -> None:
    result = check_deploy(**changes)
    assert result.returncode != 0
    assert identity in result.stderr


def identities(**settings: Any) -> set[str]:
    with override_settings(**settings):
        return {message.id for message in run_checks() if message.id}


def test_the_tests_own_settings_are_in_order() -> None:
    assert identities() == set()


@pytest.mark.parametrize(
    ("settings", "identity"),
    [
        ({"SECRET_KEY": ""}, "loyalty.E001"),
        ({"SHOPIFY_API_KEY": ""}, "loyalty.E002"),
        ({"SHOPIFY_API_KEY": "my app"}, "loyalty.E002"),
        ({"SHOPIFY_API_SECRET": ""}, "loyalty.E003"),
        ({"SHOPIFY_API_SECRET": "'shpss_0123'"}, "loyalty.E004"),
        ({"SHOPIFY_API_SECRET_OLD": "hush"}, "loyalty.E004"),
        ({"TOKEN_KEYS": ""}, "loyalty.E005"),
        ({"TOKEN_KEYS": "1:tooshort"}, "loyalty.E006"),
        ({"TOKEN_KEYS": "A" * 43 + "="}, "loyalty.E006"),
        ({"TOKEN_KEYS": ",".join(["1:" + "A" * 43 + "="] * 2)}, "loyalty.E006"),
        ({"APP_URL": ""}, "loyalty.E007"),
        ({"APP_URL": "http://loyalty.example.com"}, "loyalty.E008"),
        ({"SHOPIFY_SANDBOX": "http://sandbox.example.com"}, "loyalty.E009"),
        ({"RQ_QUEUES": {}}, "loyalty.E010"),
        ({"RQ_QUEUES": {"default": {"URL": "redis://x"}, "second": {}}}, "loyalty.E010"),
        ({"RQ_QUEUES": {"default": {"URL": "redis://x"}}}, "loyalty.E011"),
    ],
)
def test_what_is_wrong_everywhere(settings: dict[str, Any], identity: str) -> None:
    assert identity in identities(**settings)


@pytest.mark.django_db
def test_a_database_that_forgets_commits_is_refused() -> None:
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        messages = run_checks(databases=["default"])
    assert [message.id for message in messages] == ["loyalty.E012"]
    assert "synchronous_commit=off" in str(messages[0].msg)


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_to_a_database_that_forgets_commits_is_refused_too() -> None:
    """The switch can be turned after the start, so each new connection asks."""
    from django.core.exceptions import ImproperlyConfigured

    connection = connections["default"]
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    connection.close()
    try:
        with pytest.raises(ImproperlyConfigured, match="synchronous_commit=off"):
            connection.ensure_connection()
        assert [message.id for message in run_checks(databases=["default"])] == ["loyalty.E012"]
    finally:
        connection.close()
        with connections["default"]._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
