"""Standings and programs as metafields, so that themes print them with no request.

A copy of ours on the shop's side: written again whenever a version is ahead of what was published.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/metafieldsSet
"""

import json
import logging
from time import monotonic
from typing import Any

from django.db import connection

from rewards import standing
from rewards.models import Identity, Member, Program
from shopify_bridge import customer_tags, metrics, permissions
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain, user_errors
from shopify_bridge.database import alone
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

BATCH = 25
"""Shopify takes at most 25 metafields at once, all or nothing."""
TURN_SECONDS = 15.0
PROXY_PATH = "/apps/loyalty"
# One step into an index for each shop, however many members wait. Each program has a first version.
PROGRAMS_WITH_NEWS = """
    SELECT v.program_id FROM rewards_programversion v
    JOIN shopify_bridge_shop s ON s.program_id = v.program_id AND s.state = 'active'
    WHERE v.number = 1 AND EXISTS (
        SELECT 1 FROM rewards_member m WHERE m.program_id = v.program_id AND m.version > m.published_version
    )
    UNION
    SELECT s.program_id FROM shopify_bridge_shop s JOIN rewards_program p ON p.id = s.program_id
    WHERE s.state = 'active' AND s.published_program_version < p.version
"""
Json = dict[str, Any]


def publish() -> int:
    """Publish what changed, in every shop that can be called; returns the members published."""
    done = 0
    for program in _programs_with_news():
        # Two at once could write an older standing over a newer one.
        with alone(f"publish:{program.pk}") as nobody_else:
            if nobody_else:
                done += _publish_news(program)
    return done


def _publish_news(program: Program) -> int:
    shops = list(_callable_shops().filter(program_id=program.pk))
    if not shops:
        return 0  # Paused just now: nothing counts as published that nobody was told.
    try:
        for shop in shops:
            _publish_program(shop, program)
        return _publish_members(shops, program)
    except (TryAgain, NeedsHuman) as problem:
        # The versions still say what is missing; the sweep comes back.
        log.warning("standings wait", extra={"program": program.pk, "why": str(problem)})
        return 0


def _programs_with_news() -> list[Program]:
    """Programs with a member, or a version, ahead of what was published, and a shop that can be called."""
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS_WITH_NEWS)
        found = [program_id for (program_id,) in cursor.fetchall()]
    return list(Program.objects.filter(pk__in=found).order_by("pk"))


def _callable_shops() -> Any:
    return Shop.objects.filter(state=Shop.State.ACTIVE)


def _publish_program(shop: Shop, program: Program) -> None:
    if shop.published_program_version >= program.version or not shop.app_installation_gid:
        return
    public = standing.public_program(program)
    rewards = permissions.allowed(shop, public["rewards"])
    value = {**public, "rewards": rewards, "proxy": PROXY_PATH}
    _set(shop, [_metafield(shop.app_installation_gid, "loyalty", "program", value)])
    # The next reward in a standing depends on the program. First, so that a death in between forgets nothing.
    standing.all_stale(program.pk)
    Shop.objects.filter(pk=shop.pk).update(published_program_version=program.version)


def _publish_members(shops: list[Shop], program: Program) -> int:
    """As many as one turn allows: other work waits behind it, and the sweep goes on in seconds."""
    done, deadline = 0, monotonic() + TURN_SECONDS
    while monotonic() < deadline and (members := standing.unpublished(program.pk, BATCH)):
        for shop in shops:
            _publish_in(shop, program, list(members))
        standing.published(members)
        metrics.PUBLISHED.inc(len(members))
        done += len(members)
    return done


def _publish_in(shop: Shop, program: Program, members: list[Member]) -> None:
    identities = Identity.objects.filter(
        program_id=program.pk, source_id=shop.pk, member_id__in=[member.pk for member in members]
    ).order_by("external_id")
    standings = standing.standings(program, members)
    entries = [
        _metafield(
            f"gid://shopify/Customer/{identity.external_id}",
            "$app",
            "standing",
            standings[identity.member_id],
        )
        for identity in identities
    ]
    for start in range(0, len(entries), BATCH):
        _set_or_split(shop, entries[start : start + BATCH])
    customer_tags.plan(
        shop,
        program,
        {
            identity.external_id: (standings[identity.member_id]["tier"] or {}).get("id")
            for identity in identities
            if not identity.merged
        },
    )


def _set_or_split(shop: Shop, entries: list[Json]) -> None:
    """One deleted customer must not block the other 24: halve until it stands alone, then let it go."""
    if not entries or not (errors := _set(shop, entries)):
        return
    if len(entries) == 1:
        log.warning("standing refused", extra={"shop": shop.domain, "why": errors[0].get("code")})
        return
    middle = len(entries) // 2
    _set_or_split(shop, entries[:middle])
    _set_or_split(shop, entries[middle:])


def _set(shop: Shop, entries: list[Json]) -> list[Json]:
    data = AdminClient(shop).run("metafields_set", {"metafields": entries})
    return user_errors(data["metafieldsSet"])


def _metafield(owner: str, namespace: str, key: str, value: Json) -> Json:
    return {
        "ownerId": owner,
        "namespace": namespace,
        "key": key,
        "type": "json",
        "value": json.dumps(value, separators=(",", ":")),
    }
