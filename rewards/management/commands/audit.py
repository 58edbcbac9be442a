"""`manage.py audit`: prove the ledger."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards.audit import audit
from rewards.models import Member, Movement


class Command(BaseCommand):
    help = "Check every invariant of the ledger and name the rows that break one; exit code 1 if any does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--program", type=int, help="only the program with this id")

    def handle(self, *args: Any, program: int | None, **options: Any) -> None:
        started, broken = perf_counter(), 0
        for finding in audit(program):
            self.stdout.write(f"{'BROKEN' if finding.rows else 'ok    '}  {finding.check.promise}")
            broken += bool(finding.rows)
            for row in finding.rows:
                named = zip(finding.columns, row, strict=True)
                self.stdout.write("        " + ", ".join(f"{name} {value}" for name, value in named))
            if finding.count > len(finding.rows):
                self.stdout.write(f"        ... {finding.count} rows in all")
        movements = Movement.objects.filter(program=program) if program else Movement.objects.all()
        members = Member.objects.filter(program=program) if program else Member.objects.all()
        self.stdout.write(
            f"{movements.count()} movements of {members.count()} members in {perf_counter() - started:.2f} s."
        )
        if broken:
            raise CommandError(f"{broken} promises are broken.", returncode=1)
