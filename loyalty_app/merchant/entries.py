"""Lists of the program's document whose entries have ids, such as its rules: looked up, put in, made anew."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from loyalty_app.merchant.answers import Json
from rewards import documents

NEW = "new"
"""The id of an entry that isn't saved yet."""
RESERVED = {NEW, "example", "given"}
"""Parts of addresses of the panel."""


@dataclass(frozen=True, slots=True)
class Entries:
    """`path`: where the list stands. `definition`: what the schema calls an entry."""

    path: str
    definition: str

    @property
    def part(self) -> Json:
        """The schema of an entry."""
        part: Json = documents.schema()["$defs"][self.definition]
        return part

    def of(self, document: Json) -> list[Json]:
        """The list itself."""
        found: Any = document
        for name in self.path.split("."):
            found = found[name]
        entries: list[Json] = found
        return entries

    def one(self, document: Json, id: str) -> Json:
        """The entry with this id, archived ones included."""
        found = next((entry for entry in self.of(document) if entry["id"] == id), None)
        if found is None:
            raise Http404
        return found

    def put(self, document: Json, entry: Json) -> tuple[Json, str]:
        """The document with the entry in the place of the one with its id, or at the end; and its path."""
        changed = deepcopy(document)
        entries = self.of(changed)
        ids = [other["id"] for other in entries]
        if entry["id"] in ids:
            entries[ids.index(entry["id"])] = entry
        else:
            entries.append(entry)
        return changed, self.path_of(changed, entry["id"])

    def path_of(self, document: Json, id: str) -> str:
        """Where the entry with this id stands, such as `earning.rules.2.`"""
        return f"{self.path}.{[entry['id'] for entry in self.of(document)].index(id)}."

    def draft(self, document: Json, start: Json) -> Json:
        """A new entry that says this, and every default."""
        changed, _ = self.put(document, {"id": NEW, **start})
        return self.one(documents.completed(changed), NEW)

    def is_complete(self, entry: Json) -> bool:
        """Whether it says all that has no default."""
        needed = {name for part in documents.parts(self.part, entry) for name in part.get("required", ())}
        return needed <= entry.keys()


RULES = Entries("earning.rules", "rule")
CHALLENGES = Entries("challenges", "challenge")
GIFTS = Entries("gifts", "gift")
REWARDS = Entries("rewards", "reward")


def taken(document: Json, entries: Entries) -> set[str]:
    """The ids that a new entry can't have. No two of what members get things by are called alike."""
    together = (RULES, CHALLENGES, GIFTS)
    lists = together if entries in together else (entries,)
    return {entry["id"] for one in lists for entry in one.of(document)} | RESERVED
