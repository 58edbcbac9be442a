"""`manage.py program export|apply|diff|history|restore --shop S`: the program is data."""

import json
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards import clock, documents, meanings, programs
from rewards.dates import local_date
from rewards.differences import differences
from rewards.documents import BadProgram
from rewards.models import Program, ProgramVersion
from rewards.programs import NotTheNewest
from shopify_bridge.models import Shop

Json = dict[str, Any]


class Command(BaseCommand):
    help = "Read or change a shop's program as JSON, as described in docs/program.schema.json."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="print the program in force")
        apply = actions.add_parser("apply", help="check a file and make it the new version")
        diff = actions.add_parser("diff", help="say in words how two versions differ")
        history = actions.add_parser("history", help="list the versions and what each changed, newest first")
        restore = actions.add_parser("restore", help="make an old version the newest again")
        for action in (export, apply, diff, history, restore):
            action.add_argument("--shop", required=True, help="the shop's domain, like my-shop.myshopify.com")
        export.add_argument("--number", type=int, help="an older version instead")
        apply.add_argument("file", help="a JSON file, or - for standard input")
        diff.add_argument(
            "sides",
            nargs="*",
            metavar="A B",
            help="numbers of versions, or JSON files; one: compared with the version in force; "
            "none: the version in force, compared with the one before",
        )
        history.add_argument("--most", type=int, default=20, help="how many versions; 20 unless told")
        restore.add_argument("--number", type=int, required=True, help="the old version")
        for action in (apply, restore):
            action.add_argument("--author", default="manage.py", help="who is named in the history")
            action.add_argument("--note", default="", help="why, in a few words, for the history")
            action.add_argument("--expect", type=int, metavar="N", help="only while version N is in force")
            action.add_argument("--dry-run", action="store_true", help="say what would change; save nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        shops = Shop.objects.filter(domain=options["shop"])
        program = Program.objects.filter(pk__in=shops.values("program_id")).first()
        if program is None:
            raise CommandError(f"{options['shop']} has no program here.")
        act = {
            "export": self._export,
            "apply": self._apply,
            "diff": self._diff,
            "history": self._history,
            "restore": self._restore,
        }[options["action"]]
        act(program, options)

    def _export(self, program: Program, options: Json) -> None:
        row = _row(program, options["number"] or program.version)
        self.stdout.write(json.dumps(row.document, indent=2, ensure_ascii=False))

    def _apply(self, program: Program, options: Json) -> None:
        self._change(program, _read(options["file"]), options)

    def _restore(self, program: Program, options: Json) -> None:
        row = _row(program, options["number"])
        note = options["note"] or programs.restored_note(row.number)
        self._change(program, documents.completed(row.document), {**options, "note": note})

    def _change(self, program: Program, document: Json, options: Json) -> None:
        """Save it, or only say what that would change; and what is risky in it."""
        complete = _checked(program, document)
        if options["expect"] not in (None, program.version):
            raise CommandError(f"Nothing was changed: version {program.version} is in force.")
        said = differences(programs.document(program), complete, program.currency)
        if not said:
            self._list(f"Version {program.version} of “{program.name}” says the same; nothing to change.", [])
        elif options["dry_run"]:
            self._list("This would change:", said)
        else:
            version = _saved(program, complete, options)
            self._list(f"Version {version.number} of “{program.name}” is in force:", said)
        risks = meanings.risks(complete, program.currency, _today(program))
        if found := [why for _, why in risks]:
            self._list("Mind this:", found)

    def _diff(self, program: Program, options: Json) -> None:
        sides = options["sides"]
        if len(sides) > 2:
            raise CommandError("Name two versions or files at most.")
        if not sides and program.version == 1:
            raise CommandError("There is only one version.")
        before, after = (*(sides or [str(program.version - 1)]), str(program.version))[:2]
        said = differences(_side(program, before), _side(program, after), program.currency)
        self._list(f"From {before} to {after}:", said or ["Nothing differs."])

    def _history(self, program: Program, options: Json) -> None:
        for row in program.versions.order_by("-number")[: options["most"]]:
            start = row.effective_from
            since = start.isoformat(timespec="seconds") if start > programs.BEGINNING else "the beginning"
            note = f": {row.note}" if row.note else ""
            self._list(
                f"{row.number:>5}  since {since}  by {row.author or 'nobody named'}{note}",
                programs.changes(program, row.number),
            )
        self.stdout.write(f"{program.versions.count()} versions; {program.version} is in force.")

    def _list(self, heading: str, sentences: Iterable[str]) -> None:
        self.stdout.write("\n".join([heading, *(f"         {sentence}" for sentence in sentences)]))


def _row(program: Program, number: int) -> ProgramVersion:
    row = program.versions.filter(number=number).first()
    if row is None:
        raise CommandError(f"There is no version {number}; the newest is {program.version}.")
    return row


def _side(program: Program, name: str) -> Json:
    """A version by its number, or a file by its name."""
    if name.isdecimal():
        return documents.completed(_row(program, int(name)).document)
    return _checked(program, _read(name))


def _checked(program: Program, document: Json) -> Json:
    try:
        return documents.checked(document, program.currency)
    except BadProgram as problem:
        lines = "\n".join(f"  {path or 'program'}: {why}" for path, why in problem.errors.items())
        raise CommandError(
            f"Nothing was changed. The document can't be a program today:\n{lines}"
        ) from problem


def _saved(program: Program, document: Json, options: Json) -> ProgramVersion:
    """Against the version that was looked at here, so that a change meanwhile isn't overwritten."""
    author, note = options["author"], options["note"]
    try:
        return programs.apply(program, document, author, note=note, expect=program.version)
    except NotTheNewest as problem:
        raise CommandError(f"Nothing was changed: {problem}") from problem


def _today(program: Program) -> date:
    return local_date(clock.now(), ZoneInfo(program.timezone))


def _read(name: str) -> Json:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as problem:
        raise CommandError(f"{name} can't be read: {problem}") from problem
    if not isinstance(document, dict):
        raise CommandError(f"{name} holds no JSON object.")
    return document
