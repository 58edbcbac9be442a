"""Tiers of members by settings that need not be in force, as if they always had been. Nothing is saved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from rewards import tier_rows, tier_rules
from rewards.models import Program
from rewards.tier_reviews import today_of
from rewards.tier_rules import BLANK, Grant, Rules, State
from rewards.tier_settings import Counted, Settings


class Replay:
    """One member, from the first day on which something counted. Days are asked for in their order."""

    def __init__(self, counted: Iterable[Counted], grants: Sequence[Grant], settings: Settings) -> None:
        self._counted, self._grants = list(counted), grants
        self._rules = Rules(1, settings, lambda _: settings)
        self._state: State | None = None

    def on(self, day: date) -> str | None:
        """The tier on that day."""
        state = self._state
        if state is None:
            days = [day, *(one.day for one in self._counted), *(grant.starts for grant in self._grants)]
            state = self._review(BLANK, min(days))
        return self._review(state, day).tier or ""

    def take(self, counted: Counted) -> None:
        """The next order earned this."""
        self.on(counted.day)
        self._counted.append(counted)
        self.on(counted.day)

    def _review(self, state: State, day: date) -> State:
        self._state, _ = tier_rules.review(state, self._counted, self._grants, self._rules, day)
        return self._state


def replays(
    program: Program, settings: Settings, without: Mapping[int, Sequence[Counted]], now: datetime
) -> dict[int, Replay]:
    """For these members, without some of what they did, which is to be taken later."""
    # No version is 0, so whatever settings confirmed a member, all that counts is read.
    rules = Rules(0, settings, lambda _: settings)
    found = {}
    for case in tier_rows.cases(program, rules, without, today_of(program, now)):
        for counted in without[case.member_id]:
            if counted in case.counted:
                case.counted.remove(counted)
        found[case.member_id] = Replay(case.counted, case.grants, settings)
    return found
