"""`GET me`: what a shopper sees when they open the widget, and the only thing that all of them ask for.

On the storefront it is answered ahead of Django, like a delivery, and shoppers of one shop who ask at the
same moment share their statements. Who asks alone waits for nobody.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseFailure
from django.db import connection
from django.http import HttpResponse

from rewards import cashback, kinds, live, offers, programs, standing, tiers
from rewards.models import Redemption
from rewards.money import major
from rewards.overview import AtHand, Overview, Points, overviews
from shopify_bridge import auth, permissions
from shopify_bridge.models import Shop
from shopify_bridge.together import Together

log = logging.getLogger(__name__)

Json = dict[str, Any]
MOST_TOGETHER = 64


@dataclass(slots=True)
class _Look:
    """A customer who asks; without an answer the shop has not installed the app."""

    domain: str
    customer_id: int | None
    answer: str | None = None


async def answer(query: str) -> HttpResponse:
    """The answer to a request of Shopify's app proxy, which signs the query."""
    try:
        asked = auth.proxy_call(query)
        look = _Look(asked.shop, asked.customer_id)
        await _looks.do(asked.shop, look)
    except auth.TurnedAway as turned:
        return turned.response
    except DatabaseFailure as error:
        log.error("database unavailable", extra={"why": type(error).__name__})
        return auth.unavailable()
    if look.answer is None:
        return auth.unknown_shop()
    return HttpResponse(look.answer, content_type="application/json")


def _find(looks: list[_Look]) -> None:
    """All of one shop."""
    with connection.temporary_connection():
        shop = auth.visited_shop(looks[0].domain)
        if shop is None:
            return
        customers = [look.customer_id for look in looks]
        # Nothing is found in a program that is erased at this moment: its shop is unknown from now on.
        for look, found in zip(looks, overviews(shop.program_id, shop.pk, customers), strict=False):
            look.answer = json.dumps(shown(found, shop))


_looks: Together[str, _Look] = Together(_find, most=MOST_TOGETHER)
"""By shop."""


def shown(found: Overview, shop: Shop) -> Json:
    """The member's points, the rewards in reach, the codes at hand. A guest is no member."""
    tier, next_tier = tiers.shown(found.program, found.state)
    points = _points(found.points)
    member = {"id": found.member_id, "points": points, "tier": tier, "next_tier": next_tier}
    return {
        "member": member if found.member_id else None,
        "rewards": [
            live.merged(reward, found.live.get(reward["id"]))
            for reward in permissions.allowed(
                shop, standing.rewards_for(found.program, found.shopper, found.at)
            )
        ],
        "cashback": cashback.shown(
            programs.document(found.program),
            found.program.currency,
            found.points.available,
            found.points.pending,
        ),
        "redemptions": [shown_redemption(redemption, found.program.currency) for redemption in found.at_hand],
    }


def _points(points: Points) -> Json:
    return {
        "available": points.available,
        "pending": points.pending,
        "reserved": points.reserved,
        "debt": -points.debt,
    }


def shown_redemption(redemption: Redemption | AtHand, currency: str) -> Json:
    """The code is shown when it works, not before, and never where it opens nothing.

    `value`: money, where it has one of its own.
    """
    is_hidden = redemption.state in (Redemption.State.RESERVED, Redemption.State.FAILED)
    is_hidden = is_hidden or kinds.of(redemption.reward).handed_over
    return {
        "id": redemption.id,
        "state": redemption.state,
        "code": None if is_hidden else redemption.code,
        "points": redemption.points,
        "value": None if redemption.value is None else major(redemption.value, currency),
        "reward": redemption.shown if isinstance(redemption, AtHand) else offers.public(redemption.reward),
        "expires_at": redemption.expires_at.isoformat() if redemption.expires_at else None,
    }
