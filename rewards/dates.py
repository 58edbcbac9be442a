"""Local dates: months, periods, the first and last instant of a day. Pure; zones change twice a year.

Arithmetic is done on dates of the shop's zone and turned into UTC afterwards: a day has 23 to 25 hours.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS_OF_PERIODS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
INSTANT = timedelta(microseconds=1)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date on a calendar in the shop."""
    return moment.astimezone(zone).date()


@lru_cache(maxsize=4000)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where midnight doesn't exist, the moment of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last instant of a local day, in UTC."""
    return start_of_day(day + timedelta(days=1), zone) - INSTANT


def add_months(day: date, months: int) -> date:
    """31 January + 1 month is the last day of February; 29 February + 12 months is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def end_of_period(day: date, period: str) -> date:
    """The last day of the month, quarter, half-year or year that a day is in."""
    length = MONTHS_OF_PERIODS[period]
    last_month = (day.month - 1) // length * length + length
    return date(day.year, last_month, monthrange(day.year, last_month)[1])


def year_of(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the local year of a moment begins, and the next one."""
    year = local_date(moment, zone).year
    return start_of_day(date(year, 1, 1), zone), start_of_day(date(year + 1, 1, 1), zone)
