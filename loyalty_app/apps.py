"""Registers the system checks when Django starts."""

from django.apps import AppConfig


class LoyaltyAppConfig(AppConfig):
    name = "loyalty_app"

    def ready(self) -> None:
        from loyalty_app import checks  # noqa: F401 - registers itself
