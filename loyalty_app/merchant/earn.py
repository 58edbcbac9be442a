"""The ways to earn: all of them as sentences, and one form for rules of every kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

from loyalty_app.merchant import campaigns, examples, fields, permissions, risks, things, words
from loyalty_app.merchant.answers import Json, program_of, shown
from loyalty_app.merchant.editor import DATES, Editor, Said, Section
from loyalty_app.merchant.entries import RULES
from rewards import clock, documents, programs, rules
from rewards.models import Program
from rewards.rules import Saying
from shopify_bridge.auth import Staff


@dataclass(frozen=True, slots=True)
class Row:
    """A rule in the list."""

    id: str
    title: str
    sentence: str
    kind: str
    state: str
    tone: str


class RulesEditor(Editor):
    entries = RULES
    address = "earning"
    name = "rule"
    list_name = "Ways to earn"
    note = "A change counts from the moment it is saved. Orders keep the rules of their day."
    template = "merchant/rule.html"
    kinds = rules.KINDS

    def listed(self, request: HttpRequest, staff: Staff) -> HttpResponse:
        found = program_of(staff)
        document = programs.document(found)
        named = things.titles(staff.shop, things.named(document["earning"]))
        saying = Saying.of(document, found.currency, named.in_sentences())
        moment, zone = clock.now(), ZoneInfo(found.timezone)
        rows: dict[str, list[Row]] = {"always": [], "campaigns": [], "archived": []}
        for rule in RULES.of(document):
            place = "campaigns" if campaigns.is_campaign(rule) else "always"
            rows["archived" if rule["archived"] else place].append(self._row(rule, saying, moment, zone))
        context = {
            **rows,
            "rate": words.rate(document, found.currency),
            "limits": list(words.limits(document, saying)),
            "kinds": self._kinds(),
            "risks": risks.sentences(found, document, "earning."),
            "lacking": permissions.for_earning(staff.shop, document, saying),
            "zone": found.timezone,
        }
        return shown(request, staff, "merchant/earning.html", context)

    def sections(self, shape: fields.Group, entry: Json, found: Program) -> Iterator[Section]:
        of_kind = documents.schema()["$defs"][entry["kind"]]["properties"]
        own = [fields.only(shape, of_kind), fields.only(shape, ("title",))]
        yield Section(self.label(entry["kind"]), own)
        yield from (Section(group.heading, [group]) for group in shape.groups if group.path in of_kind)
        always = f"Empty: always. By the clocks of {found.timezone}."
        yield Section("When it holds", [fields.only(shape, DATES)], always)
        yield from (Section(group.heading, [group]) for group in shape.groups if group.path not in of_kind)

    def said(self, entry: Json, document: Json, saying: Saying) -> Said:
        orders = (row.as_data() for row in examples.of_rule(entry, document, saying.currency))
        return Said(rules.sentence(entry, saying), examples=orders)

    def _row(self, rule: Json, saying: Saying, now: datetime, zone: ZoneInfo) -> Row:
        state, tone = campaigns.state(rule, now, zone)
        kind = self.label(rule["kind"])
        return Row(rule["id"], rule["title"], rules.sentence(rule, saying), kind, state, tone)

    def _kinds(self) -> Iterator[dict[str, Any]]:
        """What can be added: for orders, and for what is no order."""
        for heading, of_orders in (("For orders", True), ("For other things", False)):
            kinds = [
                (kind, self.label(kind)) for kind, rule in rules.KINDS.items() if rule.of_orders is of_orders
            ]
            yield {"heading": heading, "kinds": kinds}


EDITOR = RulesEditor()
