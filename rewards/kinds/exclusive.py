"""Something that only members can have, and perhaps only some: a thing, an evening, a seat.

The merchant hands it over: when they get round to it (`manual`), or to whoever shows the code (`code`).
"""

from rewards.kinds.base import Json, Kind
from rewards.rules.words import Saying


class Exclusive(Kind):
    name = "exclusive"
    made_by = "own"
    used_by_order = False

    def start(self, currency: str) -> Json:
        return {"title": "An evening with us", "points": 1000}

    def gives(self, reward: Json, saying: Saying) -> str:
        return f"“{reward['title']}”"
