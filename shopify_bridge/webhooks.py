"""The webhook door: judge the bytes, keep them, ring, answer. Nothing is parsed here.

A 200 means a committed row; whatever is wrong with the content is found later, in the inbox. It stands on
the event loop of the web, in front of Django, whose own share would count here.
https://shopify.dev/docs/apps/build/webhooks
"""

import hashlib
import logging
import re
from asyncio import get_running_loop
from datetime import datetime
from typing import NamedTuple

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from isal import isal_zlib

from shopify_bridge import bodies, jobs
from shopify_bridge.bodies import Receive, Refused
from shopify_bridge.signatures import webhook_signature_ok
from shopify_bridge.together import Together

log = logging.getLogger(__name__)

Headers = dict[str, str]
"""By their names in lower case."""
Answer = tuple[int, list[tuple[str, str]]]
"""Status and headers; no answer has a body."""

PACKED_FROM_BYTES = 2_000
"""From here on PostgreSQL would compress a body itself, at several times the cost."""
PACKING_LEVEL = 1
ALONE_FROM_BYTES = 100_000
"""A body of this size shares its statement, and the statement's time limit, with no other."""
GROUP_MOST = 64
SHARED = ""
"""The key of those that share; no id is empty."""
HEADER_CHARACTERS_MAX = 255
ODD_CHARACTERS = re.compile(r"[^ -~]")
YEARS = range(2000, 2101)  # what lies outside is no time at which anything happened in a shop

# One statement finds the shops and keeps the deliveries, so that no cache of shops can be stale.
# Shops we don't know get program 0 and shop 0.
KEEP = """
    INSERT INTO shopify_bridge_inboxrow (program_id, shop_id, shop_domain, webhook_id, event_id, topic,
                                         api_version, triggered_at, body, packed, body_hash)
    SELECT COALESCE(shop.program_id, 0), COALESCE(shop.id, 0), given.*
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::bytea[],
                %b::boolean[], %b::bytea[])
         AS given (shop_domain, webhook_id, event_id, topic, api_version, triggered_at, body, packed, hash)
    LEFT JOIN shopify_bridge_shop AS shop ON shop.domain = given.shop_domain
    ON CONFLICT (program_id, shop_id, webhook_id) DO NOTHING
"""


class Kept(NamedTuple):
    """A delivery as it is kept, in the order of the columns."""

    shop_domain: str
    webhook_id: str
    event_id: str
    topic: str
    api_version: str
    triggered_at: datetime | None
    body: bytes
    packed: bool
    body_hash: bytes


async def receive(method: str, headers: Headers, body_from: Receive) -> Answer:
    """`POST /webhooks`"""
    if method != "POST":
        return _answer(405, ("Allow", "POST"))
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        return _answer(415)
    try:
        bodies.refuse_announced(headers.get("content-length", ""))
        delivery = await _taken(headers, await bodies.read(body_from))
        if delivery is None:
            return _answer(401)
        alone = len(delivery.body) >= ALONE_FROM_BYTES
        await _deliveries.do(delivery.webhook_id if alone else SHARED, delivery)
    except Refused as refused:
        return _answer(refused.status)
    except DatabaseFailure as error:
        log.error("delivery not kept, Shopify will repeat it", extra={"why": type(error).__name__})
        return _answer(503, ("Retry-After", "10"))
    return _answer(200)


async def _taken(headers: Headers, body: bytes) -> Kept | None:
    """None without a good signature. A large body is reckoned with beside the loop, which others wait for."""
    if len(body) < ALONE_FROM_BYTES:
        return _signed(headers, body)
    return await get_running_loop().run_in_executor(_deliveries.threads, _signed, headers, body)


def _signed(headers: Headers, body: bytes) -> Kept | None:
    secrets = (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD)
    is_signed = webhook_signature_ok(body, _raw_header(headers, "hmac-sha256"), secrets)
    return _delivery(headers, body) if is_signed else None


def _delivery(headers: Headers, body: bytes) -> Kept:
    topic = _header(headers, "topic")
    digest = hashlib.sha256(body).digest()
    packed = len(body) >= PACKED_FROM_BYTES
    return Kept(
        shop_domain=_header(headers, "shop-domain").lower(),
        # Without an id the content is its own id: the same bytes under the same topic count once.
        webhook_id=_header(headers, "webhook-id")
        or f"sha256:{hashlib.sha256(topic.encode() + digest).hexdigest()}",
        event_id=_header(headers, "event-id"),
        topic=topic,
        api_version=_header(headers, "api-version")[:40],
        triggered_at=_moment(_header(headers, "triggered-at")),
        body=isal_zlib.compress(body, PACKING_LEVEL) if packed else body,
        packed=packed,
        body_hash=digest,
    )


def _keep(deliveries: list[Kept]) -> None:
    _insert(deliveries)
    jobs.ring(jobs.drain)


def _insert(deliveries: list[Kept]) -> None:
    # In one order everywhere, so that two processes with the same deliveries can't wait for each other.
    columns = [list(column) for column in zip(*sorted(deliveries, key=_key), strict=True)]
    with connection.temporary_connection() as cursor, connection.wrap_database_errors:
        # Django's own cursor would write the bytes into the text of the statement, at twice their size.
        psycopg.Cursor(cursor.connection).execute(KEEP, columns)


def _key(delivery: Kept) -> tuple[str, str]:
    return delivery.shop_domain, delivery.webhook_id


_deliveries: Together[str, Kept] = Together(_keep, most=GROUP_MOST)


def _raw_header(headers: Headers, name: str) -> str:
    """`X-Shopify-...`, or the newer family without `X-`."""
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def _header(headers: Headers, name: str) -> str:
    """Headers aren't signed: short printable ASCII, whatever came."""
    given = _raw_header(headers, name).strip()
    if not (given.isascii() and given.isprintable()):
        given = ODD_CHARACTERS.sub("?", given)
    return given[:HEADER_CHARACTERS_MAX]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year in YEARS else None


def _answer(status: int, *headers: tuple[str, str]) -> Answer:
    return status, [("Cache-Control", "no-store"), *headers]
