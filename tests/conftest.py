"""Real PostgreSQL and Valkey for the whole run, and Debian's Chromium."""

import os
from typing import Any

import pytest
from django.conf import settings
from hypothesis import Phase
from hypothesis import settings as hypothesis

from loyalty_app import embedded
from tests.browser.chromium import LAUNCH

# How long an example takes depends on who else uses the machine; pytest's own output shows what is slow.
hypothesis.register_profile("any machine", deadline=None)
# What a thousand changed copies of the code are judged by has to be quick, and the same each time.
hypothesis.register_profile(
    "mutants", deadline=None, database=None, derandomize=True, max_examples=15, phases=(Phase.generate,)
)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "any machine"))


@pytest.fixture(scope="session", autouse=True)
def servers() -> None:
    """Valkey for the whole run; PostgreSQL starts with the first connection. The last one out stops both."""
    if settings.EMBEDDED_VALKEY:
        embedded.join_valkey(settings.VAR_DIR)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **LAUNCH}
