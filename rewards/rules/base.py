"""What every rule has: when it holds and for whom, judged once, at an order's first award.

Settings are parts of a program's document that was checked; see `docs/program.schema.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from rewards import dates
from rewards.facts import NO_PRODUCT, Line, ProductFact
from rewards.rules.words import Saying

Json = dict[str, Any]
Products = Mapping[int, ProductFact]
"""What is known of the products of an order, by their ids, as they were at its first award."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed to read settings: the money of their amounts, the zone of their days."""

    currency: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who does something, and when."""

    moment: datetime
    zone: ZoneInfo
    tier: str = ""
    # In small letters.
    customer_tags: frozenset[str] = frozenset()
    joined_at: datetime | None = None
    # The place of this order among the member's; of what is no order: that of the next one.
    ordinal: int = 1
    # The member's order before.
    previous_at: datetime | None = None

    def days_since_previous(self) -> int | None:
        """Local days between the order before and now."""
        if self.previous_at is None:
            return None
        return (dates.local_date(self.moment, self.zone) - dates.local_date(self.previous_at, self.zone)).days


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment on (included) to another (excluded)."""

    starts: datetime | None = None
    ends: datetime | None = None

    @classmethod
    def of(cls, setting: Json, zone: ZoneInfo) -> "Period":
        return cls(_moment(setting["starts"], zone), _moment(setting["ends"], zone, closing=True))

    def covers(self, moment: datetime) -> bool:
        """Whether it holds at this moment."""
        return (self.starts is None or self.starts <= moment) and (self.ends is None or moment < self.ends)

    def last_day(self, zone: ZoneInfo) -> date | None:
        """The last local day of it, where it ends."""
        return None if self.ends is None else dates.local_date(self.ends - dates.INSTANT, zone)

    @property
    def boundaries(self) -> tuple[datetime, ...]:
        """Where it begins or ends."""
        return tuple(moment for moment in (self.starts, self.ends) if moment is not None)


def _moment(text: str | None, zone: ZoneInfo, *, closing: bool = False) -> datetime | None:
    """A local time; the first of the two where clocks were set back. A day that closes is over at its end."""
    if text is None:
        return None
    if "T" not in text:
        day = date.fromisoformat(text)
        return dates.start_of_day(day + timedelta(days=1) if closing else day, zone)
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a rule is for."""

    tiers: frozenset[str] = frozenset()
    customer_tags: frozenset[str] = frozenset()
    member_until: datetime | None = None
    never_ordered: bool = False
    not_ordered_days: int | None = None

    @classmethod
    def of(cls, setting: Json, zone: ZoneInfo) -> "Audience":
        since = setting["member_since"]
        return cls(
            tiers=frozenset(setting["tiers"]),
            customer_tags=frozenset(tag.casefold() for tag in setting["customer_tags"]),
            member_until=dates.end_of_day(date.fromisoformat(since), zone) if since else None,
            never_ordered=setting["never_ordered"],
            not_ordered_days=setting["not_ordered_days"],
        )

    def includes(self, who: Circumstances) -> bool:
        """Whether every condition that is given holds."""
        rest = who.days_since_previous()
        return (
            (not self.tiers or who.tier in self.tiers)
            and (not self.customer_tags or not self.customer_tags.isdisjoint(who.customer_tags))
            and (self.member_until is None or (who.joined_at or who.moment) <= self.member_until)
            and (not self.never_ordered or who.ordinal == 1)
            and (self.not_ordered_days is None or (rest is not None and rest >= self.not_ordered_days))
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of what is sold: whatever one of the lists names."""

    products: frozenset[int] = frozenset()
    variants: frozenset[int] = frozenset()
    collections: frozenset[int] = frozenset()
    # In small letters, as Shopify compares them.
    tags: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()

    @classmethod
    def of(cls, setting: Json) -> "Selection":
        return cls(
            frozenset(setting["products"]),
            frozenset(setting["variants"]),
            frozenset(setting["collections"]),
            frozenset(tag.casefold() for tag in setting["product_tags"]),
            frozenset(vendor.casefold() for vendor in setting["vendors"]),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.products or self.variants or self.collections or self.tags or self.vendors)

    @property
    def needs_products(self) -> bool:
        """Whether a line alone can't say if it is meant."""
        return bool(self.collections or self.tags)

    def names(self, line: Line, products: Products) -> bool:
        """Whether one of the lists names this line."""
        if line.product_id in self.products or line.variant_id in self.variants:
            return True
        if self.vendors and line.vendor.casefold() in self.vendors:
            return True
        if not self.needs_products:
            return False
        product = products.get(line.product_id, NO_PRODUCT)
        return not (self.collections.isdisjoint(product.collections) and self.tags.isdisjoint(product.tags))


@dataclass(frozen=True, slots=True)
class Basket:
    """An order as flat bonuses see it: what of it counts now, in minor units, and what is still bought."""

    basis: Any
    lines: tuple[Line, ...]
    products: Products


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to earn. Classes of kinds say what it gives."""

    id: str
    title: str
    period: Period
    audience: Audience

    kind: ClassVar[str]
    label: ClassVar[str]
    """What it is called where the merchant gave no title."""
    of_orders: ClassVar[bool] = True

    @classmethod
    def of(cls, setting: Json, reading: Reading) -> Self:
        """From a setting of this kind."""
        return cls(
            id=setting["id"],
            title=setting["title"] or cls.label,
            period=Period.of(setting, reading.zone),
            audience=Audience.of(setting["audience"], reading.zone),
            **cls._own(setting, reading),
        )

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        """The fields of the kind."""
        raise NotImplementedError

    def holds(self, who: Circumstances) -> bool:
        """Whether it is for what happens under these circumstances."""
        return self.period.covers(who.moment) and self.audience.includes(who)

    @property
    def needs_history(self) -> bool:
        """Whether it asks which of the member's orders this is, or when the one before was."""
        return self.audience.never_ordered or self.audience.not_ordered_days is not None

    @property
    def needs_products(self) -> bool:
        """Whether it asks for tags or collections of products."""
        return False

    @classmethod
    def sentence(cls, setting: Json, saying: Saying) -> str:
        """The rule as a merchant reads it."""
        return (
            f"{cls._says(setting, saying)}{saying.audience(setting['audience'])}"
            f"{saying.period(setting['starts'], setting['ends'])}"
        )

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        """What the kind gives, without whom and when."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Flat(Rule):
    """Points for an order as a whole, added after rounding."""

    points: int = 0
    on: Selection = field(default_factory=Selection)

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"]}

    def is_due(self, basket: Basket) -> bool:
        """Whether the order, as it is now, deserves it: while anything of it is still bought."""
        return any(line.current > 0 for line in basket.lines)


@dataclass(frozen=True, slots=True)
class Action(Rule):
    """Points for what is no order: each occasion pays once."""

    points: int = 0
    # Of a member: in all, or in a year.
    most: int | None = 1
    yearly: bool = False

    of_orders: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    """Whether the merchant approves of it first."""
    told: ClassVar[bool] = False
    """Whether another app may tell of it, or an operator."""

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"]}

    def worth(self, *, picture: bool) -> int:
        """The points of one occasion."""
        return self.points
