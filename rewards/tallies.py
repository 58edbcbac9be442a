"""How many redemptions of a reward hold, and what they are worth, known without counting them.

Kept for the kinds that ask for it, in the transaction of the redemption that is counted. Who lets somebody
into a draw, closes it, or pays out of a donation holds its lock, which comes after those of members and
redemptions, and before those of budgets.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KT

from rewards import kinds
from rewards.models import Redemption, Tally

State = Redemption.State

HOLDING = (State.RESERVED, State.ISSUED, State.ENDING, State.USED)
"""States in which a redemption has what it is for, or will have it."""
OWN = Q(reward__kind__in=[kind.name for kind in kinds.KINDS.values() if kind.made_by == "own"])
"""Of redemptions that Shopify has no part in: the condition of the index over these."""


def locked(program_id: int, reward_ids: Iterable[str]) -> dict[str, Tally]:
    """The rows of these rewards, begun where there are none, locked in the order of their ids."""
    wanted = sorted(set(reward_ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_tally (program_id, reward) SELECT %s, * FROM unnest(%s::text[])
            ON CONFLICT (program_id, reward) DO NOTHING
            """,
            [program_id, wanted],
        )
    rows = Tally.objects.select_for_update().filter(program_id=program_id, reward__in=wanted)
    return {row.reward: row for row in rows.order_by("reward")}


def known(program_id: int, reward_ids: Iterable[str]) -> dict[str, Tally]:
    """The rows of these rewards as they were committed last; without a row nothing was taken yet."""
    rows = Tally.objects.filter(program_id=program_id, reward__in=list(reward_ids))
    found = {row.reward: row for row in rows}
    return {id: found.get(id) or Tally(program_id=program_id, reward=id) for id in reward_ids}


def add(program_id: int, reward_id: str, count: int, value: int) -> None:
    """So many more redemptions hold, or less."""
    Tally.objects.filter(program_id=program_id, reward=reward_id).update(
        count=F("count") + count, value=F("value") + value
    )


def follow(redemption: Redemption, before: str) -> None:
    """A redemption came to another state."""
    change = (redemption.state in HOLDING) - (before in HOLDING)
    if change and kinds.of(redemption.reward).is_counted:
        add(redemption.program_id, redemption.reward["id"], change, change * (redemption.value or 0))


def holding(program_id: int, reward_id: str) -> QuerySet[Redemption]:
    """The redemptions that are counted, oldest first."""
    return of_reward(program_id, reward_id).filter(state__in=HOLDING).order_by("id")


def of_reward(program_id: int, reward_id: str) -> QuerySet[Redemption]:
    """All redemptions of a reward that is counted, by the index over these."""
    rows = Redemption.objects.alias(named=KT("reward__id"))
    return rows.filter(OWN, program_id=program_id, named=reward_id)
