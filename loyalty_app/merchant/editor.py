"""A list of the program's document and its pages: entries are added, changed, looked at and archived.

One form for entries of every kind, made from the schema; see `fields`. What differs from list to list
is a class: `earn`, `challenges`, `reward`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from loyalty_app.merchant import fields, forms, previews, risks, things
from loyalty_app.merchant.answers import (
    Json,
    Unprocessable,
    by_method,
    done,
    fetch,
    page,
    post_only,
    program_of,
    shown,
    typed,
)
from loyalty_app.merchant.entries import Entries, taken
from rewards import documents, programs
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff

HOUSEKEEPING = ("id", "archived")
"""Settings of an entry that its form doesn't show."""
DATES = ("starts", "ends")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a form under a heading of its own."""

    heading: str
    groups: Iterable[fields.Group]
    details: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An entry as it is typed right now: in a sentence, with a remark, and example orders."""

    sentence: str
    remark: str = ""
    examples: Iterable[Json] = ()


class Editor(ABC):
    """`kinds`: what can be added, each by a form of its own; none: the form asks for the kind."""

    entries: ClassVar[Entries]
    address: ClassVar[str]
    name: ClassVar[str]
    list_name: ClassVar[str]
    aside: ClassVar[str] = "In a sentence"
    note: ClassVar[str] = ""
    template: ClassVar[str] = "merchant/entry.html"
    kinds: ClassVar[Collection[str]] = ()

    # -- what differs -------------------------------------------------------------------------------------

    @abstractmethod
    def listed(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        """The page of the list."""

    @abstractmethod
    def sections(self, shape: fields.Group, entry: Json, found: Program) -> Iterator[Section]:
        """The form, in parts."""

    @abstractmethod
    def said(self, entry: Json, document: Json, saying: Saying) -> Said:
        """What an entry of a complete document means."""

    def start(self, kind: str, currency: str) -> Json:
        """What the empty form says beside the defaults."""
        return {"kind": kind}

    # -- pages and fetches --------------------------------------------------------------------------------

    def paths(self) -> list[URLPattern]:
        """The addresses of the list and its entries, below `/app/`."""
        at = self.address
        kind = "/<slug:kind>" if self.kinds else ""
        return [
            path(at, by_method(get=page(self.listed), post=fetch(self.create))),
            path(f"{at}/new{kind}", page(self.new)),
            path(f"{at}/example{kind}", post_only(fetch(self.example))),
            path(f"{at}/<slug:entry_id>", by_method(get=page(self.one), post=fetch(self.save))),
            path(f"{at}/<slug:entry_id>/archive", post_only(fetch(self.archive))),
            *previews.paths(f"{at}/new{kind}", self.typed_new),
            *previews.paths(f"{at}/<slug:entry_id>", self.typed_one),
        ]

    def new(self, request: HttpRequest, staff: Staff, kind: str = "") -> HttpResponse:
        """The form of a new entry."""
        found = program_of(staff)
        return self._form(request, staff, found, self._draft(found, kind), is_new=True)

    def one(self, request: HttpRequest, staff: Staff, entry_id: str) -> HttpResponse:
        """The form of an entry."""
        found = program_of(staff)
        entry = self.entries.one(programs.document(found), entry_id)
        return self._form(request, staff, found, entry, is_new=False)

    def create(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        """Add what was typed at the end of the list."""
        given, found = typed(request), program_of(staff)
        version = forms.version_in(given)
        kind = given.pop("kind", "") if self.kinds else ""
        if self.kinds and kind not in self.kinds:
            raise Unprocessable({"": f"There is no such kind of {self.name}."})
        draft = self._draft(found, kind)
        entry, unreadable = fields.merged(self._shape(found, draft), draft, given)
        document = programs.document(found)
        called = str(entry.get("title") or entry["kind"])
        entry["id"] = forms.free_id(called, taken(document, self.entries), self.name)
        self._save(found, entry, staff, version, unreadable)
        return done(f"{self.name.capitalize()} added", self.home)

    def save(self, request: HttpRequest, staff: Staff, entry_id: str) -> HttpResponse:
        """Change an entry to what was typed."""
        given, found = typed(request), program_of(staff)
        before = self.entries.one(programs.document(found), entry_id)
        version = forms.version_in(given)
        entry, unreadable = fields.merged(self._shape(found, before), before, given)
        self._save(found, entry, staff, version, unreadable)
        return done(f"{self.name.capitalize()} saved", self.home)

    def archive(self, request: HttpRequest, staff: Staff, entry_id: str) -> HttpResponse:
        """Stop an entry, or bring it back. What members got by it stays."""
        given, found = typed(request), program_of(staff)
        before = self.entries.one(programs.document(found), entry_id)
        version = forms.version_in(given)
        if not isinstance(given.get("archived"), bool):
            raise Unprocessable({"": "Say whether to archive it."})
        self._save(found, {**before, "archived": given["archived"]}, staff, version, {})
        return done(f"{self.name.capitalize()} {'archived' if given['archived'] else 'is back'}", self.home)

    def example(self, request: HttpRequest, staff: Staff, kind: str = "") -> HttpResponse:
        """What an entry means as it is typed right now. Nothing is saved."""
        found = program_of(staff)
        draft = self._draft(found, kind)
        document = self._document(request, found, draft)
        entry = self.entries.one(document, draft["id"])
        return JsonResponse({"ok": True, **self._told(entry, document, found, staff)})

    def typed_one(self, request: HttpRequest, staff: Staff, entry_id: str) -> tuple[Program, Json]:
        """The program with an entry as it is typed right now."""
        found = program_of(staff)
        return found, self._document(request, found, self.entries.one(programs.document(found), entry_id))

    def typed_new(self, request: HttpRequest, staff: Staff, kind: str = "") -> tuple[Program, Json]:
        """The program with a new entry."""
        found = program_of(staff)
        return found, self._document(request, found, self._draft(found, kind))

    # -- how ----------------------------------------------------------------------------------------------

    @property
    def home(self) -> str:
        return f"/app/{self.address}"

    def label(self, kind: str) -> str:
        """How a kind is called."""
        title: str = documents.schema()["$defs"][kind]["title"]
        return title

    def _document(self, request: HttpRequest, found: Program, before: Json) -> Json:
        given = typed(request)
        for name in ("version", "kind") if self.kinds else ("version",):
            given.pop(name, None)
        shape = self._shape(found, before)
        entry, unreadable = fields.merged(shape, before, given)
        document, place = self.entries.put(programs.document(found), entry)
        return forms.checked(document, found.currency, shape.readers(), unreadable, place)

    def _form(
        self, request: HttpRequest, staff: Staff, found: Program, entry: Json, *, is_new: bool
    ) -> HttpResponse:
        document, _ = self.entries.put(programs.document(found), entry)
        below = f"/{entry['kind']}" if self.kinds else ""
        titles = things.titles(staff.shop, things.named(entry))
        context = {
            "editor": self,
            "entry": entry,
            "is_new": is_new,
            "heading": f"Add a {self.name}" if is_new else entry["title"] or self.label(entry["kind"]),
            "sections": list(self.sections(self._shape(found, entry, titles), entry, found)),
            "action": self.home if is_new else f"{self.home}/{entry['id']}",
            "example": f"{self.home}/example{below}",
            "preview": f"{self.home}/new{below}/preview" if is_new else f"{self.home}/{entry['id']}/preview",
            "told": self._told(entry, document, found, staff) if self.entries.is_complete(entry) else None,
        }
        return shown(request, staff, self.template, context)

    def _told(self, entry: Json, document: Json, found: Program, staff: Staff) -> Json:
        titles = things.titles(staff.shop, things.named(entry))
        said = self.said(entry, document, Saying.of(document, found.currency, titles.in_sentences()))
        return {
            "sentence": said.sentence,
            "remark": said.remark,
            "examples": list(said.examples),
            "risks": risks.sentences(found, document, self.entries.path_of(document, entry["id"])),
        }

    def _save(
        self, found: Program, entry: Json, staff: Staff, version: int, unreadable: dict[str, str]
    ) -> None:
        document, place = self.entries.put(programs.document(found), entry)
        readers = self._shape(found, entry).readers()
        forms.save(found, document, staff.user_id, version, readers, unreadable, place)

    def _shape(self, found: Program, entry: Json, titles: things.Titles | None = None) -> fields.Group:
        """The fields of an entry, with what they hold; `titles`: what things are called."""
        around = fields.Around.of(programs.document(found), found.currency, found.timezone, titles)
        hidden = (*HOUSEKEEPING, "kind") if self.kinds else HOUSEKEEPING
        return fields.group(self.entries.part, entry, around, without=hidden)

    def _draft(self, found: Program, kind: str) -> Json:
        if self.kinds and kind not in self.kinds:
            raise Http404
        return self.entries.draft(programs.document(found), self.start(kind, found.currency))
