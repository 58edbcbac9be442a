"""The webhook door: judge the bytes, keep them, ring, answer. Nothing is parsed here.

A 200 means a committed row; whatever is wrong with the content is found later, in the inbox.
https://shopify.dev/docs/apps/build/webhooks
"""

import hashlib
import logging
import re
from datetime import datetime

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from shopify_bridge import jobs
from shopify_bridge.signatures import webhook_signature_ok

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 10 * 1024 * 1024
HEADER_CHARACTERS_MAX = 255
ODD_CHARACTERS = re.compile(r"[^ -~]")
YEARS = range(2000, 2101)  # what lies outside is no time at which anything happened in a shop

# One statement finds the shop and keeps the delivery, so that no cache of shops can be stale.
# Shops we don't know get program 0 and shop 0.
KEEP = """
    INSERT INTO shopify_bridge_inboxrow (program_id, shop_id, shop_domain, webhook_id, event_id, topic,
                                         api_version, triggered_at, body, body_hash)
    SELECT COALESCE(shop.program_id, 0), COALESCE(shop.id, 0), %s, %s, %s, %s, %s, %s, %s, %s
    FROM (SELECT) AS delivery LEFT JOIN shopify_bridge_shop AS shop ON shop.domain = %s
    ON CONFLICT (program_id, shop_id, webhook_id) DO NOTHING
"""


@csrf_exempt
@transaction.non_atomic_requests
def receive(request: HttpRequest) -> HttpResponse:
    """`POST /webhooks`"""
    if request.method != "POST":
        return _answer(405, {"Allow": "POST"})
    refusal = _refused_unread(request)
    if refusal is not None:
        return _answer(refusal)
    try:
        body = _read(request)
    except UnreadablePostError:
        return _answer(400)
    if len(body) > BODY_BYTES_MAX:
        return _answer(413)
    secrets = (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD)
    if not webhook_signature_ok(body, _raw_header(request, "HMAC_SHA256"), secrets):
        return _answer(401)
    try:
        _keep(request, body)
    except DatabaseFailure as error:
        connection.close()  # a broken connection would fail the next delivery too
        log.error("delivery not kept, Shopify will repeat it", extra={"why": type(error).__name__})
        return _answer(503, {"Retry-After": "10"})
    jobs.ring(jobs.drain)
    return _answer(200)


def _refused_unread(request: HttpRequest) -> int | None:
    """Why a body isn't even read: compressed, unmeasured or too big."""
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        return 415
    length = request.META.get("CONTENT_LENGTH") or ""
    if length and (_chunked(request) or not length.isascii() or not length.isdigit()):
        return 400
    if _chunked(request) and not request.META.get("wsgi.input_terminated"):
        return 411
    return 413 if length and int(length) > BODY_BYTES_MAX else None


def _chunked(request: HttpRequest) -> bool:
    return "HTTP_TRANSFER_ENCODING" in request.META


def _read(request: HttpRequest) -> bytes:
    """The raw bytes. `request.body` would apply DATA_UPLOAD_MAX_MEMORY_SIZE, which is for forms."""
    if not _chunked(request):
        return request.read(BODY_BYTES_MAX + 1)
    try:
        raw: bytes = request.META["wsgi.input"].read(BODY_BYTES_MAX + 1)  # chunked: the server ends it
    except OSError as error:
        raise UnreadablePostError(*error.args) from error
    return raw


def _keep(request: HttpRequest, body: bytes) -> None:
    domain = _header(request, "SHOP_DOMAIN").lower()
    topic = _header(request, "TOPIC")
    digest = hashlib.sha256(body).digest()
    # Without an id the content is its own id: the same bytes under the same topic count once.
    webhook_id = (
        _header(request, "WEBHOOK_ID") or f"sha256:{hashlib.sha256(topic.encode() + digest).hexdigest()}"
    )
    values = [
        domain,
        webhook_id,
        _header(request, "EVENT_ID"),
        topic,
        _header(request, "API_VERSION")[:40],
        _moment(_header(request, "TRIGGERED_AT")),
        body,
        digest,
        domain,
    ]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, values)


def _raw_header(request: HttpRequest, name: str) -> str:
    """`X-Shopify-...`, or the newer family without `X-`."""
    value: str = request.META.get(f"HTTP_X_SHOPIFY_{name}") or request.META.get(f"HTTP_SHOPIFY_{name}") or ""
    return value


def _header(request: HttpRequest, name: str) -> str:
    """Headers aren't signed: short printable ASCII, whatever came."""
    return ODD_CHARACTERS.sub("?", _raw_header(request, name).strip())[:HEADER_CHARACTERS_MAX]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year in YEARS else None


def _answer(status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status=status, headers={"Cache-Control": "no-store", **(headers or {})})
