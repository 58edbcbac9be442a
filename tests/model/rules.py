"""What the settings of a program mean to the reference ledger: days of a calendar, what an order deserves."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from rewards.facts import OrderFact

ZONE = ZoneInfo("Europe/Berlin")
GRACE_DAYS = 30


@dataclass(frozen=True)
class Settings:
    """What one version of the program says. `months`: of a life, a rest, or a period of the calendar."""

    rate: int = 1
    hold_days: int = 0
    bonus: int = 0
    forgive: bool = False
    return_unused: bool = True
    expiry: str = "never"
    months: int = 0
    periods: int = 0

    @property
    def lifetime(self) -> tuple[str, int, int]:
        return self.expiry, self.months, self.periods

    def begin(self, moment: datetime, now: datetime) -> datetime:
        """When points of this moment can be spent."""
        if not self.hold_days:
            return min(moment, now)
        return end_of_day(moment, self.hold_days - 1) + timedelta(microseconds=1)

    def life(self, begins: datetime) -> datetime:
        """The end of what begins then."""
        day = begins.astimezone(ZONE)
        if self.expiry == "calendar":
            # The first day after the period that comes so many periods after that of the beginning.
            month = (day.month - 1) // self.months * self.months + self.months * (self.periods + 1)
            first = datetime(day.year + month // 12, month % 12 + 1, 1, tzinfo=ZONE)
            return first.astimezone(UTC) - timedelta(microseconds=1)
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        last = monthrange(year, month + 1)[1]
        return end_of_day(day.replace(year=year, month=month + 1, day=min(day.day, last)))

    def deserved(self, fact: OrderFact) -> int:
        """So many points per 1.00 of what is left of the lines, less what was given back as a mere amount."""
        if fact.cancelled or fact.test:
            return 0
        lines = (
            Fraction(max(0, line.price * line.ordered - line.discount) * line.current, line.ordered)
            for line in fact.lines
        )
        return floor(max(Fraction(0), sum(lines) - fact.unexplained_refund) * self.rate / 100)


def end_of_day(moment: datetime, days: int = 0) -> datetime:
    """The last instant of a local day, so many days on: a day of the calendar, not 24 hours."""
    day = moment.astimezone(ZONE) + timedelta(days=days + 1)
    return day.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC) - timedelta(microseconds=1)
