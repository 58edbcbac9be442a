"""The versions of the program: what each changed, who made it and when; and how an old one comes back."""

from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import forms
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from rewards import documents, programs
from rewards.documents import BadProgram
from rewards.models import Program, ProgramVersion
from shopify_bridge.auth import Staff

LISTED_MOST = 100
AUTHORS = {"start": "The app, at the start", "manage.py": "A command of the operator"}


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    found = program_of(staff)
    rows = found.versions.order_by("-number")[:LISTED_MOST]
    return shown(request, staff, "merchant/versions.html", {"versions": described(found, rows)})


@page
def one(request: HttpRequest, staff: Staff, number: int) -> HttpResponse:
    """An old version, and what it would change if it came back."""
    found = program_of(staff)
    row = _row(found, number)
    _, problems = _checked(found, number)
    (version,) = described(found, [row])
    context = {"version": version, "problems": problems, "preview": f"/app/program/versions/{number}/preview"}
    return shown(request, staff, "merchant/version.html", context)


@fetch
def restore(request: HttpRequest, staff: Staff, number: int) -> HttpResponse:
    expected = forms.version_in(typed(request))
    found, _ = fitting(request, staff, number)
    with forms.refused_when_overtaken():
        programs.restore(found, number, staff.user_id, expect=expected)
    return done(f"Version {number} is in force again", "/app/program")


def described(program: Program, rows: Iterable[ProgramVersion]) -> list[Json]:
    """Versions in words."""
    return [
        {
            "number": row.number,
            "author": _author(row.author),
            "moment": row.created_at,
            "note": row.note,
            "changes": programs.changes(program, row.number),
            "in_force": row.number == program.version,
        }
        for row in rows
    ]


def _author(author: str) -> str:
    return AUTHORS.get(author) or (f"Staff user {author}" if author.isdigit() else author)


def _row(program: Program, number: int) -> ProgramVersion:
    row = program.versions.filter(number=number).first()
    if row is None:
        raise Http404
    return row


def _checked(program: Program, number: int) -> tuple[Json, list[str]]:
    """What a version said, and why that can't be a program any more."""
    document = documents.completed(_row(program, number).document)
    try:
        return documents.checked(document, program.currency), []
    except BadProgram as problem:
        return document, [f"{path}: {why}" for path, why in problem.errors.items()]


def fitting(request: HttpRequest, staff: Staff, number: int) -> tuple[Program, Json]:
    """What a version said, if that can be a program today."""
    found = program_of(staff)
    document, problems = _checked(found, number)
    if problems:
        raise Unprocessable({"": f"This version doesn't fit any more: {' '.join(problems)}"})
    return found, document
