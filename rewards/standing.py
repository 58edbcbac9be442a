"""A member's standing, as shoppers see it: what themes print, what the widget shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from rewards import budgets, cashback, clock, expiry, live, offers, programs, referral_settings, tiers, ways
from rewards.models import Member, Program
from rewards.offers import Shopper
from rewards.tier_rules import BLANK, State

Json = dict[str, Any]
STALE_BATCH = 5000


def standings(program: Program, members: Sequence[Member]) -> dict[int, Json]:
    """The standings of several members of one program, by member."""
    ids = [member.pk for member in members]
    ends, states = expiry.soonest(program, ids), tiers.states(program, ids)
    now = clock.now()
    limited = [offer.budget for offer in programs.offered(program) if offer.reward["in_total"]]
    taken = budgets.used(program.pk, limited)
    return {
        member.pk: standing(program, member, ends.get(member.pk), states.get(member.pk, BLANK), taken, now)
        for member in members
    }


def standing(
    program: Program,
    member: Member,
    expiring: Json | None = None,
    state: State = BLANK,
    taken: Mapping[str, int] | None = None,
    now: datetime | None = None,
) -> Json:
    """Small enough for a metafield: points, tier, the next reward in reach, what lapses next.

    `taken`: places in the budgets of rewards.
    """
    tier, next_tier = tiers.shown(program, state)
    shopper = Shopper(member.available, state.tier, offers.tags_of(member.tags), taken=taken or {})
    return {
        "points": member.available,
        "pending": member.pending,
        "reserved": member.reserved,
        "debt": -member.debt,
        "tier": tier,
        "next_tier": next_tier,
        "next_reward": _next_reward(program, shopper, now or clock.now()),
        "expiring": expiring,
        "cashback": cashback.shown(
            programs.document(program), program.currency, member.available, member.pending
        ),
    }


def public_program(program: Program) -> Json:
    """What anybody may know of the program."""
    document, now = programs.document(program), clock.now()
    earning = document["earning"]
    return {
        "name": document["name"],
        "currency": program.currency,
        "points": document["points"],
        "rate": earning["rate"],
        "rounding": earning["rounding"],
        "award_on": earning["award_on"],
        "hold_days": earning["hold_days"],
        "signup_bonus": earning["signup_bonus"],
        "cashback": document["cashback"],
        "excluded": ways.goods(earning["excluded"]),
        "ways": ways.public(document, program.timezone, now),
        "challenges": ways.challenges(document, program.timezone, now),
        "milestones": ways.milestones(document, program.timezone, now),
        "tiers": tiers.public(document),
        "referrals": referral_settings.public(document) if programs.can_invite(program) else None,
        "rewards": [
            offer.shown for offer in programs.offered(program) if not offer.tags and not offer.is_over(now)
        ],
    }


def current_program(program: Program) -> Json:
    """The same, with what changes from hour to hour: not for what is kept anywhere."""
    public = public_program(program)
    said = live.of_rewards(program, [offer.reward for offer in programs.offered(program)])
    rewards = [live.merged(reward, said.get(reward["id"])) for reward in public["rewards"]]
    return {**public, "rewards": rewards}


def rewards_for(program: Program, shopper: Shopper, now: datetime) -> list[Json]:
    """The rewards on offer to this shopper, each with whether they can have it, or why not.

    `missing`: points; `left`: how many, for all together; `reason`: the limit that is reached.
    """
    return [
        offer.seen_by(shopper)
        for offer in programs.offered(program)
        if offer.is_for(shopper) and offer.period.covers(now)
    ]


def unpublished(program_id: int, limit: int) -> Sequence[Member]:
    """Members who changed since their standing was last published, then those with a new program only."""
    return list(
        Member.objects.raw(
            """
            SELECT * FROM rewards_member WHERE program_id = %s AND version > published_version
            ORDER BY published_version = -2 - version, id LIMIT %s
            """,
            [program_id, limit],
        )
    )


def all_stale(program_id: int) -> None:
    """What all standings say of the program is out of date. That takes a while to publish in a big shop.

    So it waits behind whoever has news of their own: a version that moves on no longer fits this mark.
    In parts, so that nobody's order waits long for its member's row.
    """
    members, last = Member.objects.filter(program_id=program_id), 0
    while part := list(members.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STALE_BATCH]):
        members.filter(pk__gt=last, pk__lte=part[-1]).update(published_version=-2 - F("version"))
        last = part[-1]


def outdated(program_id: int, member_ids: Iterable[int]) -> None:
    """What was told of these members is to be told again, though nothing of theirs changed."""
    Member.objects.filter(program_id=program_id, pk__in=list(member_ids)).update(version=F("version") + 1)


def published(members: Iterable[Member]) -> None:
    """These versions are published; a newer one stays to be done."""
    by_program: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        by_program[member.program_id].append(member)
    for program_id, told in by_program.items():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE rewards_member m SET published_version = v.version
                FROM unnest(%s::bigint[], %s::bigint[]) AS v (id, version)
                WHERE m.program_id = %s AND m.id = v.id AND m.published_version < v.version
                """,
                [[member.pk for member in told], [member.version for member in told], program_id],
            )


def _next_reward(program: Program, shopper: Shopper, now: datetime) -> Json | None:
    """The cheapest reward that is still out of reach."""
    offered = rewards_for(program, shopper, now)
    out_of_reach = [reward for reward in offered if reward["missing"] and "reason" not in reward]
    if not out_of_reach:
        return None
    nearest = min(out_of_reach, key=lambda reward: int(reward["missing"]))
    return {
        "title": nearest["title"],
        "points": shopper.available + nearest["missing"],
        "missing": nearest["missing"],
    }
