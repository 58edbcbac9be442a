"""The app's own settings, with secrets of no value and stores of the tests' own under var/test."""

import os
from pathlib import Path

os.environ.update(
    LOYALTY_VAR=str(Path(__file__).resolve().parent.parent / "var" / "test"),
    DJANGO_SECRET_KEY="tests-" + "k" * 60,
    SHOPIFY_API_KEY="0123456789abcdef0123456789abcdef",
    SHOPIFY_API_SECRET="shpss_" + "0" * 32,
    SHOPIFY_API_SECRET_OLD="",
    SHOPIFY_SANDBOX="",
    TOKEN_KEYS="1:" + "A" * 43 + "=",
    APP_URL="https://app.example.com",
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost,app.example.com",
    LOG_LEVEL="WARNING",
    # Playwright keeps an event loop in the thread of the tests; Django would then refuse its database there.
    DJANGO_ALLOW_ASYNC_UNSAFE="true",
)

from loyalty_app.settings import *  # noqa: F403
