"""Registers the system checks when Django starts."""

from django.apps import AppConfig


class LoyaltyAppConfig(AppConfig):
    name = "loyalty_app"

    def ready(self) -> None:
        from loyalty_app import checks  # noqa: F401 - registers itself
        from rewards import audit
        from shopify_bridge import promises

        audit.also(promises.CHECKS)
