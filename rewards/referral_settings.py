"""What a program version says of referrals, ready to be asked. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rewards import kinds, offers
from rewards.money import minor

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invitations:
    """Amounts in minor units; None: no limit."""

    version: int
    active: bool
    reward: Json
    # What the friend's reward is worth, where it has a value.
    value: int | None
    points: int
    minimum: int
    most: int | None
    window: timedelta
    most_ever: int | None
    claims_per_day: int
    link: timedelta
    holds_suspicious: bool

    @classmethod
    def of(cls, document: Json, version: int, currency: str) -> "Invitations":
        """From a complete document."""
        said = document["referrals"]
        reward = said["reward"]
        return cls(
            version=version,
            active=said["active"],
            reward=reward,
            value=kinds.of(reward).value(reward, currency),
            points=said["points"],
            minimum=minor(said["minimum"] or "0", currency),
            most=said["most"],
            window=timedelta(days=said["window_days"]),
            most_ever=said["most_ever"],
            claims_per_day=said["claims_per_day"],
            link=timedelta(days=said["link_days"]),
            holds_suspicious=said["hold_suspicious"],
        )

    @property
    def offer(self) -> Json:
        """The friend's reward, as anybody may see it."""
        return offers.public(self.reward)


def public(document: Json) -> Json | None:
    """What anybody may know; None: nobody can invite."""
    said = document["referrals"]
    if not said["active"]:
        return None
    return {"reward": offers.public(said["reward"]), "points": said["points"], "minimum": said["minimum"]}
