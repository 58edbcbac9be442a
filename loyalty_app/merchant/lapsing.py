"""What an expiry means, in sentences: for points of today, and for those members already have."""

from datetime import datetime

from loyalty_app.merchant.answers import Json
from rewards import programs
from rewards.dates import local_date
from rewards.lifetimes import Policy
from rewards.models import Program

PERIODS = {"month": "month", "quarter": "quarter", "half_year": "half-year", "year": "year"}


def sentences(program: Program, document: Json, now: datetime) -> list[str]:
    """By a document that is typed, compared with the one in force."""
    in_force = programs.document(program)
    policy = Policy.said(document, program.timezone, now)
    name = document["points"]["many"]
    said = [_rule(policy, name)]
    if programs.lifetime(document) != programs.lifetime(in_force):
        said.append(_change(policy, Policy.of(program), name, now))
    elif policy.kind != "never":
        said.append(f"{_begin(name)} of today would lapse at the end of {_day(policy, now)}.")
    return said


def _rule(policy: Policy, name: str) -> str:
    if policy.kind == "rolling":
        life = _count(policy.months, "month")
        return f"{_begin(name)} lapse {life} after they can first be spent, at the end of that day."
    if policy.kind == "inactivity":
        rest = _count(policy.months, "month")
        return (
            f"A whole balance lapses {rest} after the member last earned or redeemed. "
            f"{_begin(name)} on hold stay."
        )
    if policy.kind == "calendar":
        period = PERIODS[policy.period]
        later = f", {_count(policy.periods, period)} later" if policy.periods else ""
        return f"{_begin(name)} lapse at the end of the {period} in which they can first be spent{later}."
    return f"{_begin(name)} never lapse."


def _change(policy: Policy, before: Policy, name: str, now: datetime) -> str:
    """What a change does to points that are already there: nothing sooner than a full period from now."""
    if policy.kind == "never":
        return f"{_begin(name)} that members already have lose their end as soon as this is saved."
    day = _day(policy, now)
    if before.kind == "never":
        return (
            f"{_begin(name)} that members already have stay at least until {day}: "
            "one full period after you switch this on."
        )
    return (
        f"Where this would take {name} that members already have sooner than before, they stay at least "
        f"until {day}: one full period after the change. Where it is more generous, it counts at once."
    )


def _day(policy: Policy, now: datetime) -> str:
    end = policy.end(now)
    assert end is not None  # only asked of policies that end
    day = local_date(end, policy.zone)
    return f"{day.day} {day:%b %Y}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _begin(name: str) -> str:
    return name[:1].upper() + name[1:]
