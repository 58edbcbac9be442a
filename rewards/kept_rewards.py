"""A reward that is taken out of the program stays, archived, while something of it is still owed.

Of what members gave to a cause the merchant passes something on, and a draw is drawn or called off: both need
its settings, and nobody can do either for a reward that isn't there.
"""

from typing import Any

from rewards import kinds, tallies
from rewards.documents import BadProgram
from rewards.models import Program

Json = dict[str, Any]
REWARDS_MOST = 100
"""As the schema says."""


def kept(program: Program, before: Json, after: Json) -> Json:
    """The complete document `after`, with those counted rewards of `before` that it lacks and members had.

    Raises BadProgram where one of them is to be of another kind, or there is no room for it.
    """
    now = {reward["id"]: reward for reward in after["rewards"]}
    touched = [
        reward
        for reward in before["rewards"]
        if kinds.of(reward).is_counted and now.get(reward["id"], {}).get("kind") != reward["kind"]
    ]
    taken = tallies.known(program.pk, [reward["id"] for reward in touched]) if touched else {}
    owed = [reward for reward in touched if taken[reward["id"]].count]
    rewards = [*after["rewards"]]
    for reward in owed:
        if reward["id"] in now:
            place = rewards.index(now[reward["id"]])
            why = "can't change: members have had this reward. Give the new one another id."
            raise BadProgram({f"rewards.{place}.kind": why})
        rewards.append({**reward, "archived": True})
    if owed and len(rewards) > REWARDS_MOST:
        raise BadProgram({"rewards": f"has no room for {owed[0]['id']!r}, of which members had some."})
    return {**after, "rewards": rewards} if owed else after
