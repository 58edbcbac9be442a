"""Spreads the database over machines with Citus; see docs/operations.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from loyalty_app.postgresql import citus

NOT_INSTALLED = (
    "This database doesn't have the extension Citus, and nothing was changed. Install Citus on every "
    "machine, put it into shared_preload_libraries, run CREATE EXTENSION citus in this database, add the "
    "machines with citus_add_node, and try again."
)


class Command(BaseCommand):
    help = (
        "Spread the tables of tenants over the machines of a Citus cluster. Stop web, worker and clock first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="print the statements and run none")

    def handle(self, *args: Any, **options: Any) -> None:
        if not citus.is_installed():
            raise CommandError(NOT_INSTALLED)
        statements = citus.plan()
        if not statements:
            self.stdout.write("All tables are where they belong.")
        for statement in statements:
            self.stdout.write(f"{statement};")
            if not options["dry_run"]:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
