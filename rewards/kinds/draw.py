"""An entry in a prize draw: each redemption is one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rewards.kinds.base import Json, Kind, Problem
from rewards.rules.words import Saying

YEARS = range(1900, 3000)
OPEN_FOR = timedelta(days=30)
TERMS = "More entries are more chances. Nobody wins twice. An entry is final."


class Draw(Kind):
    name = "draw"
    made_by = "own"
    used_by_order = False
    handed_over = True
    can_be_given = False
    is_counted = True

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        try:
            closes = datetime.fromisoformat(reward["closes"])
        except ValueError:
            yield "closes", f"“{reward['closes']}” is no date."
            return
        if closes.year not in YEARS:
            yield "closes", f"“{reward['closes']}” is no date."

    def start(self, currency: str) -> Json:
        return {
            "title": "Prize draw",
            "points": 50,
            "prize": "A surprise",
            "terms": TERMS,
            "closes": (datetime.now(UTC) + OPEN_FOR).date().isoformat(),
        }

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"an entry in the draw of {reward['prize']}"
