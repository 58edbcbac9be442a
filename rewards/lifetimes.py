"""How long points live, by the program's one policy: pure, apart from reading the program."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rewards import dates, memories, programs
from rewards.models import Program

GRACE_DAYS = 30
"""So long live points that come back to a lot that has lapsed, or is about to."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The expiry of one program version. `since`: when these settings came into force, if they changed."""

    kind: str
    zone: ZoneInfo
    months: int = 0
    period: str = ""
    periods: int = 0
    since: datetime | None = None

    @classmethod
    def of(cls, program: Program) -> "Policy":
        """The policy in force."""
        return _of_version(program.pk, program.version, program.timezone, program.expiry_since)

    @classmethod
    def said(cls, document: dict[str, Any], timezone: str, since: datetime | None) -> "Policy":
        """What a program document says, with these settings in force since then."""
        expiry = document.get("expiry", {"policy": "never"})
        return cls(
            kind=expiry["policy"],
            zone=ZoneInfo(timezone),
            months=expiry.get("months", 0),
            period=expiry.get("period", ""),
            periods=expiry.get("periods", 0),
            since=since,
        )

    def end(self, begin: datetime) -> datetime | None:
        """When points of this moment lapse if nothing happens to them or their member; None: never."""
        return None if self.kind == "never" else self._end(begin)

    def end_of_lot(self, available_at: datetime) -> datetime | None:
        """When points that became available then lapse; None: not by their own date."""
        return self._end(available_at) if self.kind in ("rolling", "calendar") else None

    def end_of_rest(self, active_at: datetime) -> datetime | None:
        """When the balance of a member who was last active then lapses, where inactivity counts."""
        if self.kind != "inactivity":
            return None
        return self._end(max(active_at, self.since) if self.since else active_at)

    def redated(self, available_at: datetime, before: datetime | None) -> datetime | None:
        """The end of a lot that was given under another policy; `before` is its end by that one."""
        end = self.end_of_lot(available_at)
        if end is None or self.since is None or (before is not None and end >= before):
            return end
        return max(end, self._end(self.since))

    def is_over(self, end: datetime | None, active_at: datetime | None, now: datetime) -> bool:
        """Whether points with this end of their own, of a member last active then, have lapsed."""
        if end is None and active_at is not None:
            end = self.end_of_rest(active_at)
        return end is not None and end <= now

    def grace(self, now: datetime) -> datetime:
        """The end of points that come back to a lot that has lapsed, or is about to."""
        return dates.end_of_day(dates.local_date(now, self.zone) + timedelta(days=GRACE_DAYS), self.zone)

    def today(self, now: datetime) -> datetime:
        """The last instant of the local day."""
        return dates.end_of_day(dates.local_date(now, self.zone), self.zone)

    def _end(self, begin: datetime) -> datetime:
        day = dates.local_date(begin, self.zone)
        if self.kind == "calendar":
            months = dates.MONTHS_OF_PERIODS[self.period] * self.periods
            # From the first of the month, so that no short month pulls the period back.
            day = dates.end_of_period(dates.add_months(day.replace(day=1), months), self.period)
        else:
            day = dates.add_months(day, self.months)
        return dates.end_of_day(day, self.zone)


@memories.remembered
def _of_version(program_id: int, number: int, timezone: str, since: datetime | None) -> Policy:
    return Policy.said(programs.document_of(program_id, number), timezone, since)
