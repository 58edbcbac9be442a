"""What is allowed and hardly meant, as warnings beside what it is about."""

from zoneinfo import ZoneInfo

from loyalty_app.merchant.answers import Json
from rewards import clock, dates, meanings
from rewards.models import Program


def sentences(program: Program, document: Json, path: str) -> list[str]:
    """The risks of a complete document whose paths begin like this."""
    today = dates.local_date(clock.now(), ZoneInfo(program.timezone))
    found = meanings.risks(document, program.currency, today)
    return [why for where, why in found if f"{where}.".startswith(path)]
