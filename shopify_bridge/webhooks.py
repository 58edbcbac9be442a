"""The webhook door: judge the bytes, keep them, ring, answer. Nothing is parsed here.

A 200 means a committed row; whatever is wrong with the content is found later, in the inbox. It takes the
bare environment of WSGI, for the path of a delivery is the only one where Django's own share would count.
https://shopify.dev/docs/apps/build/webhooks
"""

import hashlib
import logging
import re
import zlib
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection

from rewards.group_commit import GroupCommit, NotCommitted
from shopify_bridge import jobs
from shopify_bridge.signatures import webhook_signature_ok

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Answer = tuple[int, list[tuple[str, str]]]
"""Status and headers; no answer has a body."""

BODY_BYTES_MAX = 10 * 1024 * 1024
PACKED_FROM_BYTES = 2_000
"""From here on PostgreSQL would compress a body itself, at twice the cost."""
ALONE_FROM_BYTES = 100_000
"""A body of this size shares its statement, and the statement's time limit, with no other."""
GROUP_MOST = 64
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


def receive(environ: Environ) -> Answer:
    """`POST /webhooks`"""
    if environ["REQUEST_METHOD"] != "POST":
        return _answer(405, ("Allow", "POST"))
    refusal = _refused_unread(environ)
    if refusal is not None:
        return _answer(refusal)
    try:
        body = _read(environ)
    except OSError:
        return _answer(400)
    if len(body) > BODY_BYTES_MAX:
        return _answer(413)
    secrets = (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD)
    if not webhook_signature_ok(body, _raw_header(environ, "HMAC_SHA256"), secrets):
        return _answer(401)
    try:
        _keep(_delivery(environ, body))
    except (DatabaseFailure, NotCommitted) as error:
        log.error("delivery not kept, Shopify will repeat it", extra={"why": type(error).__name__})
        return _answer(503, ("Retry-After", "10"))
    jobs.ring(jobs.drain)
    return _answer(200)


def _refused_unread(environ: Environ) -> int | None:
    """Why a body isn't even read: compressed, unmeasured or too big."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        return 415
    length = environ.get("CONTENT_LENGTH") or ""
    if length and (_chunked(environ) or not length.isascii() or not length.isdigit()):
        return 400
    if _chunked(environ) and not environ.get("wsgi.input_terminated"):
        return 411
    return 413 if length and int(length) > BODY_BYTES_MAX else None


def _chunked(environ: Environ) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ


def _read(environ: Environ) -> bytes:
    """The raw bytes: as many as were announced or, chunked, until the server ends them."""
    length = BODY_BYTES_MAX + 1 if _chunked(environ) else int(environ.get("CONTENT_LENGTH") or 0)
    raw: bytes = environ["wsgi.input"].read(length)
    return raw


def _delivery(environ: Environ, body: bytes) -> Kept:
    topic = _header(environ, "TOPIC")
    digest = hashlib.sha256(body).digest()
    packed = len(body) >= PACKED_FROM_BYTES
    return Kept(
        shop_domain=_header(environ, "SHOP_DOMAIN").lower(),
        # Without an id the content is its own id: the same bytes under the same topic count once.
        webhook_id=_header(environ, "WEBHOOK_ID")
        or f"sha256:{hashlib.sha256(topic.encode() + digest).hexdigest()}",
        event_id=_header(environ, "EVENT_ID"),
        topic=topic,
        api_version=_header(environ, "API_VERSION")[:40],
        triggered_at=_moment(_header(environ, "TRIGGERED_AT")),
        body=zlib.compress(body, level=1) if packed else body,
        packed=packed,
        body_hash=digest,
    )


def _keep(delivery: Kept) -> None:
    if len(delivery.body) < ALONE_FROM_BYTES:
        _deliveries.keep(delivery)
    else:
        _insert([delivery])


def _insert(deliveries: list[Kept]) -> None:
    # In one order everywhere, so that two processes with the same deliveries can't wait for each other.
    columns = [list(column) for column in zip(*sorted(deliveries, key=_key), strict=True)]
    with connection.temporary_connection() as cursor, connection.wrap_database_errors:
        # Django's own cursor would write the bytes into the text of the statement, at twice their size.
        psycopg.Cursor(cursor.connection).execute(KEEP, columns)


def _key(delivery: Kept) -> tuple[str, str]:
    return delivery.shop_domain, delivery.webhook_id


_deliveries = GroupCommit(_insert, most=GROUP_MOST)


def _raw_header(environ: Environ, name: str) -> str:
    """`X-Shopify-...`, or the newer family without `X-`."""
    value: str = environ.get(f"HTTP_X_SHOPIFY_{name}") or environ.get(f"HTTP_SHOPIFY_{name}") or ""
    return value


def _header(environ: Environ, name: str) -> str:
    """Headers aren't signed: short printable ASCII, whatever came."""
    return ODD_CHARACTERS.sub("?", _raw_header(environ, name).strip())[:HEADER_CHARACTERS_MAX]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year in YEARS else None


def _answer(status: int, *headers: tuple[str, str]) -> Answer:
    return status, [("Cache-Control", "no-store"), *headers]
