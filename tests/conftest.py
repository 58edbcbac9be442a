"""Real PostgreSQL and Valkey for the whole run, and Debian's Chromium."""

from typing import Any

import pytest
from django.conf import settings

from loyalty_app import embedded
from tests.browser.chromium import LAUNCH


@pytest.fixture(scope="session", autouse=True)
def servers() -> None:
    """Valkey for the whole run; PostgreSQL starts with the first connection. The last one out stops both."""
    if settings.EMBEDDED_VALKEY:
        embedded.join_valkey(settings.VAR_DIR)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **LAUNCH}
