"""The challenges: what members are asked to do, and what they get for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import campaigns, fields, risks, things, words
from loyalty_app.merchant.answers import Json, program_of, shown
from loyalty_app.merchant.editor import Editor, Said, Section
from loyalty_app.merchant.entries import CHALLENGES
from rewards import clock, programs
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff


@dataclass(frozen=True, slots=True)
class Row:
    """A challenge in the list."""

    challenge: Json
    sentence: str
    state: str
    tone: str


class ChallengesEditor(Editor):
    entries = CHALLENGES
    address = "challenges"
    name = "challenge"
    list_name = "Challenges"

    def listed(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        found = program_of(staff)
        document = programs.document(found)
        titles = things.titles(staff.shop, things.named(document["challenges"]))
        saying = Saying.of(document, found.currency, titles.in_sentences())
        moment, zone = clock.now(), ZoneInfo(found.timezone)
        rows = [
            Row(one, words.challenge(one, saying), *campaigns.state(one, moment, zone))
            for one in document["challenges"]
        ]
        context = {
            "open": [row for row in rows if not row.challenge["archived"]],
            "archived": [row for row in rows if row.challenge["archived"]],
            "risks": risks.sentences(found, document, "challenges."),
        }
        return shown(request, staff, "merchant/challenges.html", context)

    def sections(self, shape: fields.Group, entry: Json, found: Program) -> Iterator[Section]:
        clocks = f"Days and times are those of {found.timezone}."
        yield Section("What is asked, and what it gives", [shape], clocks)

    def said(self, entry: Json, document: Json, saying: Saying) -> Said:
        return Said(words.challenge(entry, saying))

    def start(self, kind: str, currency: str) -> Json:
        return {"kind": "orders"}


EDITOR = ChallengesEditor()
