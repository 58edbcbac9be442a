"""What every long-running process does before it serves."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from loyalty_app import embedded


def prepare(command: BaseCommand) -> None:
    """Join the embedded servers where they are used, and refuse to start with a wrong configuration."""
    try:
        if settings.EMBEDDED_POSTGRES:
            embedded.join_postgres(settings.VAR_DIR)
        if settings.EMBEDDED_VALKEY:
            embedded.join_valkey(settings.VAR_DIR)
    except embedded.EmbeddedError as error:
        raise CommandError(str(error)) from error
    command.check(databases=["default"])
