"""Rules as a merchant reads them, such as `2 x points on the collection Summer for Gold members`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Json = dict[str, Any]
Thing = tuple[str, int]
"""("product", "variant" or "collection", id)."""
THINGS = {"products": "product", "variants": "variant", "collections": "collection"}


@dataclass(frozen=True, slots=True)
class Saying:
    """The names that a sentence needs."""

    one: str = "point"
    many: str = "points"
    currency: str = ""
    tiers: Mapping[str, str] = field(default_factory=dict)
    things: Mapping[Thing, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Json, currency: str, things: Mapping[Thing, str] | None = None) -> "Saying":
        """From a complete document, and the names of products and collections as far as they are known."""
        levels = {level["id"]: level["name"] for level in document["tiers"]["levels"]}
        names = document["points"]
        return cls(names["one"], names["many"], currency, levels, things or {})

    def points(self, number: int) -> str:
        """`1 point`, `50 points`."""
        return f"{number} {self.one if number == 1 else self.many}"

    def money(self, amount: str) -> str:
        """`50.00 EUR`."""
        return f"{amount} {self.currency}".strip()

    def goods(self, on: Json) -> str:
        """`` on the collection Summer or the vendor Acme``; nothing where everything is meant."""
        named = [
            f"the {thing} {self.things.get((thing, id), id)}"
            for name, thing in THINGS.items()
            for id in on[name]
        ]
        named += [f"products with the tag “{tag}”" for tag in on.get("product_tags", ())]
        named += [f"the vendor {vendor}" for vendor in on.get("vendors", ())]
        return f" on {listed(named, 'or')}" if named else ""

    def audience(self, setting: Json) -> str:
        """`` for Gold members who have never ordered``; nothing where all are meant."""
        tiers = [self.tiers.get(tier, tier) for tier in setting["tiers"]]
        who = f" for {listed(tiers, 'or')} members" if tiers else ""
        traits = []
        if setting["customer_tags"]:
            traits.append(f"are tagged {listed([f'“{tag}”' for tag in setting['customer_tags']], 'or')}")
        if setting["member_since"]:
            traits.append(f"joined by {day(date.fromisoformat(setting['member_since']))}")
        if setting["never_ordered"]:
            traits.append("have never ordered")
        if setting["not_ordered_days"]:
            traits.append(f"have not ordered for {setting['not_ordered_days']} days")
        if not traits:
            return who
        return f"{who or ' for members'} who {listed(traits, 'and')}"

    def period(self, starts: str | None, ends: str | None) -> str:
        """``, 1-7 December 2026``; nothing where it always holds."""
        if starts and ends:
            return f", {_span(starts, ends)}"
        if starts:
            return f", from {moment_of(starts)} on"
        return f", until {moment_of(ends)}" if ends else ""


def listed(parts: Iterable[str], last: str) -> str:
    """`a, b or c`."""
    *others, final = parts
    return f"{', '.join(others)} {last} {final}" if others else final


def day(of: date) -> str:
    """`7 December 2026`."""
    return f"{of.day} {of:%B} {of.year}"


def moment_of(text: str) -> str:
    """A local moment: `7 December 2026`, or `7 December 2026 09:30`."""
    moment = datetime.fromisoformat(text)
    return f"{day(moment)} {moment:%H:%M}" if "T" in text else day(moment)


def _span(starts: str, ends: str) -> str:
    """As short as it can be said."""
    first, last = datetime.fromisoformat(starts), datetime.fromisoformat(ends)
    if "T" in starts + ends or first.year != last.year:
        return f"{moment_of(starts)} to {moment_of(ends)}"
    if first == last:
        return day(first)
    if first.month == last.month:
        return f"{first.day}-{day(last)}"
    return f"{first.day} {first:%B} to {day(last)}"
