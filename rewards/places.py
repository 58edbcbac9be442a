"""Whether a member whom the limits allow a reward can have it at this moment: draws close, lines are kept."""

from collections.abc import Iterable
from typing import Any

from rewards import clock, draws, kinds, tallies, waits

Json = dict[str, Any]


class SoldOut(Exception):
    """What is left is kept for those who waited."""


class Places:
    """Of the rewards that some requests in one transaction are for; those that are counted are locked.

    To be made before the budgets are locked: whoever gives a place back comes to those last, too.
    """

    def __init__(self, program_id: int, rewards: Iterable[Json]) -> None:
        self.program_id = program_id
        self._counted = tallies.locked(
            program_id, [reward["id"] for reward in rewards if kinds.of(reward).is_counted]
        )

    def problem(self, member_id: int, reward: Json, taken: int) -> Exception | None:
        """Why the member can't have it. `taken`: the places in its budget."""
        if reward["kind"] == "draw" and not draws.is_open(self.program_id, reward, clock.now()):
            return draws.Closed(f"“{reward['title']}” takes no entries any more.")
        if reward["kind"] != "exclusive" or (left := waits.left(reward, taken)) is None:
            return None
        if left <= waits.ahead(self.program_id, reward["id"], member_id, clock.now()):
            return SoldOut(f"What is left of “{reward['title']}” is kept for those who waited for it.")
        return None

    def take(self, member_id: int, reward: Json, value: int | None) -> None:
        """The member has it."""
        if reward["id"] in self._counted:
            tallies.add(self.program_id, reward["id"], 1, value or 0)
        if reward["kind"] == "exclusive":
            waits.leave(self.program_id, member_id, reward["id"])
