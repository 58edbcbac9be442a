"""`manage.py program export|apply|history --shop S [FILE]`: the program is data."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards import programs
from rewards.documents import BadProgram
from rewards.models import Program
from shopify_bridge.models import Shop


class Command(BaseCommand):
    help = "Read or change a shop's program as JSON, as described in docs/program.schema.json."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="print the program in force")
        apply = actions.add_parser("apply", help="check a file and make it the new version")
        history = actions.add_parser("history", help="list the versions, newest first")
        for action in (export, apply, history):
            action.add_argument("--shop", required=True, help="the shop's domain, like my-shop.myshopify.com")
        export.add_argument("--number", type=int, help="an older version instead")
        apply.add_argument("file", help="a JSON file, or - for standard input")
        apply.add_argument("--author", default="manage.py", help="who is named in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        shops = Shop.objects.filter(domain=options["shop"])
        program = Program.objects.filter(pk__in=shops.values("program_id")).first()
        if program is None:
            raise CommandError(f"{options['shop']} has no program here.")
        {"export": self._export, "apply": self._apply, "history": self._history}[options["action"]](
            program, options
        )

    def _export(self, program: Program, options: dict[str, Any]) -> None:
        number = options["number"] or program.version
        row = program.versions.filter(number=number).first()
        if row is None:
            raise CommandError(f"There is no version {number}; the newest is {program.version}.")
        self.stdout.write(json.dumps(row.document, indent=2, ensure_ascii=False))

    def _apply(self, program: Program, options: dict[str, Any]) -> None:
        document = _read(options["file"])
        try:
            version = programs.apply(program, document, options["author"])
        except BadProgram as problem:
            lines = "\n".join(f"  {path or 'program'}: {why}" for path, why in problem.errors.items())
            raise CommandError(f"Nothing was changed:\n{lines}") from problem
        self.stdout.write(f"Version {version.number} of “{program.name}” is in force.")

    def _history(self, program: Program, options: dict[str, Any]) -> None:
        rows = list(program.versions.order_by("-number"))
        for row in rows:
            start = row.effective_from
            since = start.isoformat(timespec="seconds") if start > programs.BEGINNING else "the beginning"
            self.stdout.write(f"{row.number:>5}  since {since}  by {row.author or 'nobody named'}")
        self.stdout.write(f"{len(rows)} versions; {program.version} is in force.")


def _read(name: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as problem:
        raise CommandError(f"{name} can't be read: {problem}") from problem
    if not isinstance(document, dict):
        raise CommandError(f"{name} holds no JSON object.")
    return document
