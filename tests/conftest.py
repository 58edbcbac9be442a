"""Real PostgreSQL and Valkey for the whole run."""

import pytest
from django.conf import settings

from loyalty_app import embedded


@pytest.fixture(scope="session", autouse=True)
def servers() -> None:
    """Valkey for the whole run; PostgreSQL starts with the first connection. The last one out stops both."""
    if settings.EMBEDDED_VALKEY:
        embedded.join_valkey(settings.VAR_DIR)
