"""The gifts: for what members get rewards without points."""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import campaigns, fields, risks, words
from loyalty_app.merchant.answers import Json, program_of, shown
from loyalty_app.merchant.editor import Editor, Said, Section
from loyalty_app.merchant.entries import GIFTS
from rewards import clock, documents, programs
from rewards.gift_rules import MILESTONE, SURPRISE, TIER_PERK, WIN_BACK
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff

FIRST = ("title", "reward")
DATES = ("starts", "ends")


@dataclass(frozen=True, slots=True)
class Row:
    """A gift in the list."""

    gift: Json
    sentence: str
    state: str
    tone: str


class GiftsEditor(Editor):
    entries = GIFTS
    address = "gifts"
    name = "gift"
    list_name = "Gifts"
    note = "Gifts cost no points. A reward that is archived can be given, though nobody can redeem it."
    kinds = (MILESTONE, WIN_BACK, SURPRISE, TIER_PERK)

    def listed(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        found = program_of(staff)
        document = programs.document(found)
        saying = Saying.of(document, found.currency)
        moment, zone = clock.now(), ZoneInfo(found.timezone)
        rows = [
            Row(one, words.gift(one, document, saying), *campaigns.state(one, moment, zone))
            for one in document["gifts"]
        ]
        context = {
            "open": [row for row in rows if not row.gift["archived"]],
            "archived": [row for row in rows if row.gift["archived"]],
            "kinds": [(kind, self.label(kind), _explained(kind)) for kind in self.kinds],
            "risks": risks.sentences(found, document, "gifts."),
        }
        return shown(request, staff, "merchant/gifts.html", context)

    def sections(self, shape: fields.Group, entry: Json, found: Program) -> Iterator[Section]:
        kind = entry["kind"]
        of_kind = documents.schema()["$defs"][kind]["properties"]
        own = [fields.only(shape, of_kind), fields.only(shape, FIRST)]
        yield Section(self.label(kind), own, _explained(kind))
        since = "Without a start, what happens from now on counts."
        yield Section(
            "When", [fields.only(shape, DATES)], f"{since} Days and times are those of {found.timezone}."
        )

    def said(self, entry: Json, document: Json, saying: Saying) -> Said:
        return Said(words.gift(entry, document, saying))

    def start(self, kind: str, currency: str) -> Json:
        return {"kind": kind}


def _explained(kind: str) -> str:
    said: str = documents.schema()["$defs"][kind]["description"]
    return said


EDITOR = GiftsEditor()
