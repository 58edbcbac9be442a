"""Real PostgreSQL and Valkey for the whole run, and Debian's Chromium."""

from typing import Any

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis

from loyalty_app import embedded
from tests.browser.chromium import LAUNCH

# How long an example takes depends on who else uses the machine; pytest's own output shows what is slow.
hypothesis.register_profile("any machine", deadline=None)
hypothesis.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def servers() -> None:
    """Valkey for the whole run; PostgreSQL starts with the first connection. The last one out stops both."""
    if settings.EMBEDDED_VALKEY:
        embedded.join_valkey(settings.VAR_DIR)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **LAUNCH}
