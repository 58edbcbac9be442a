"""The rewards: what points become, and what that costs the shop."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import campaigns, fields, store_credit, things, words
from loyalty_app.merchant.answers import Json, program_of, shown
from loyalty_app.merchant.editor import DATES, Editor, Said, Section
from loyalty_app.merchant.entries import REWARDS
from loyalty_app.merchant.words import Cost
from rewards import budgets, clock, documents, kinds, programs
from rewards.kinds import KINDS
from rewards.models import Program
from rewards.offers import budget_of
from rewards.rules import Saying
from shopify_bridge.auth import Staff

FIRST = ("title", "points")
"""Settings of every reward that its form begins with."""
OF_CODES = ("discount", "lowering")
"""What the schema calls the settings that several kinds of codes have in common."""


@dataclass(frozen=True, slots=True)
class Row:
    """A reward in the list."""

    reward: Json
    kind: str
    icon: str
    cost: Cost
    state: str
    tone: str
    # Why nobody can have it.
    problems: list[str]


class RewardsEditor(Editor):
    entries = REWARDS
    address = "rewards"
    name = "reward"
    list_name = "Rewards"
    aside = "What it costs you"
    note = "A change counts for new codes. Codes that shoppers already have keep their value."
    kinds = KINDS

    def listed(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        found = program_of(staff)
        document = programs.document(found)
        titles = things.titles(staff.shop, things.named(document["rewards"]))
        saying = Saying.of(document, found.currency, titles.in_sentences())
        moment, zone = clock.now(), ZoneInfo(found.timezone)
        taken = budgets.used(found.pk, [budget_of(reward["id"]) for reward in REWARDS.of(document)])
        rows = [
            Row(
                reward,
                self.label(reward["kind"]),
                words.ICONS[reward["kind"]],
                words.cost(reward, document, saying),
                *campaigns.state(reward, moment, zone),
                list(_problems(reward, found, titles, taken.get(budget_of(reward["id"]), 0))),
            )
            for reward in REWARDS.of(document)
        ]
        context = {
            "offered": [row for row in rows if not row.reward["archived"]],
            "archived": [row for row in rows if row.reward["archived"]],
            "kinds": self._kinds(),
            "missing": store_credit.missing(staff.shop, [row.reward["kind"] for row in rows]),
        }
        return shown(request, staff, "merchant/rewards.html", context)

    def sections(self, shape: fields.Group, entry: Json, found: Program) -> Iterator[Section]:
        """What it is, and then what it has in common with others, as the schema has it in parts."""
        kind, definitions = entry["kind"], documents.schema()["$defs"]
        of_kind, *of_codes = (
            definitions[name].get("properties", {}) for name in (kind, "discount", "lowering")
        )
        of_code = {name for known in of_codes for name in known} - of_kind.keys()
        own = [fields.only(shape, FIRST), fields.within(shape, of_kind)]
        yield Section(self.label(kind), own, self._explained(kind))
        if "combines_with" in entry:
            yield Section("The code", [fields.within(shape, of_code)])
        shared = fields.without(shape, {*FIRST, *DATES, *of_kind, *of_code})
        yield Section("Who can have it", [shared])
        always = f"Empty: always. By the clocks of {found.timezone}."
        yield Section("When it is on offer", [fields.only(shape, DATES)], always)

    def said(self, entry: Json, document: Json, saying: Saying) -> Said:
        cost = words.cost(entry, document, saying)
        return Said(cost.price, cost.meaning)

    def start(self, kind: str, currency: str) -> Json:
        return {"kind": kind, **kinds.KINDS[kind].start(currency)}

    def _kinds(self) -> list[dict[str, Any]]:
        """What can be added."""
        return [
            {
                "kind": kind,
                "label": self.label(kind),
                "explained": self._explained(kind),
                "icon": words.ICONS[kind],
            }
            for kind in kinds.KINDS
        ]

    def _explained(self, kind: str) -> str:
        said: str = documents.schema()["$defs"][kind]["description"]
        return said


def _problems(reward: Json, found: Program, titles: things.Titles, taken: int) -> Iterator[str]:
    """Why shoppers don't see a reward, or can't have it, though it isn't archived."""
    if reward["archived"]:
        return
    if reward["id"] in found.withheld:
        yield f"Not offered. {found.withheld[reward['id']]['why']}"
    elif any(titles.known.get(thing) == things.GONE for thing in things.named(reward)):
        yield "Shopify no longer has what it names. Choose something else."
    if reward["in_total"] and taken >= reward["in_total"]:
        yield f"All {reward['in_total']:,} are taken. Shoppers see it and can't have it."


EDITOR = RewardsEditor()
