"""The webhook door: what is kept, what is refused, and that it never breaks."""

import asyncio
import gzip
import hashlib
import json
import random
import time
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from shopify_bridge import bodies, webhooks
from shopify_bridge.models import InboxRow, Shop
from tests import loops
from tests.front import Answer, ask, asked, in_this_thread
from tests.shopify_bridge import signing
from tests.shopify_bridge.signing import SHOP

pytestmark = pytest.mark.django_db
BODY = b'{"id": 1, "updated_at": "2026-11-20T12:00:00Z"}'
HEADERS = {
    "X-Shopify-Topic": "orders/paid",
    "X-Shopify-Shop-Domain": SHOP,
    "X-Shopify-Webhook-Id": "11111111-2222-3333-4444-555555555555",
    "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
    "X-Shopify-API-Version": "2026-10",
    "X-Shopify-Triggered-At": "2026-11-20T12:00:01.123456789Z",
}


def deliver(body: bytes = BODY, *, signed: bool = True, **changes: Any) -> Answer:
    """Through the web's front, where deliveries are told from what Django gets."""
    headers = {**HEADERS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    if signed:
        headers.setdefault("X-Shopify-Hmac-Sha256", signing.webhook_hmac(body))
    headers = {"Content-Length": str(len(body)), **headers}
    present = {name: value for name, value in headers.items() if value is not None}
    answer = ask("/webhooks", "POST", body=body, headers=present)
    assert answer.content == b""
    return answer


@pytest.fixture
def known() -> Shop:
    return Shop.objects.create(program_id=5, domain=SHOP, currency="USD")


def test_a_delivery_is_kept_as_it_came(known: Shop) -> None:
    assert deliver().status_code == 200
    row = InboxRow.objects.get()
    assert (row.program_id, row.shop_id, row.shop_domain) == (5, known.pk, SHOP)
    assert (row.content, bytes(row.body_hash)) == (BODY, hashlib.sha256(BODY).digest())
    assert (row.topic, row.webhook_id) == ("orders/paid", HEADERS["X-Shopify-Webhook-Id"])
    assert (row.event_id, row.api_version) == (HEADERS["X-Shopify-Event-Id"], "2026-10")
    assert row.state == InboxRow.State.WAITING
    assert row.triggered_at
    assert row.triggered_at.isoformat() == "2026-11-20T12:00:01.123456+00:00"


def test_the_same_delivery_again_is_kept_once(known: Shop) -> None:
    assert [deliver().status_code for _ in range(3)] == [200, 200, 200]
    assert InboxRow.objects.count() == 1


def test_the_newer_family_of_headers(known: Shop) -> None:
    headers = {name.removeprefix("X-"): value for name, value in HEADERS.items()}
    headers["Shopify-Hmac-Sha256"] = signing.webhook_hmac(BODY)
    assert ask("/webhooks", "POST", body=BODY, headers=headers).status_code == 200
    assert InboxRow.objects.get().shop_id == known.pk


def test_the_old_secret_still_counts(known: Shop, settings: Any) -> None:
    signature = signing.webhook_hmac(BODY)
    settings.SHOPIFY_API_SECRET_OLD, settings.SHOPIFY_API_SECRET = settings.SHOPIFY_API_SECRET, "shpss_new"
    assert deliver(X_Shopify_Hmac_Sha256=signature).status_code == 200


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        signing.webhook_hmac(BODY, "wrong"),
        signing.webhook_hmac(BODY + b" "),
        signing.webhook_hmac(BODY)[:-4],
        signing.webhook_hmac(BODY).lower(),
        f"{signing.webhook_hmac(BODY)},{signing.webhook_hmac(BODY)}",
        "ü" * 44,
        "\x80\xff",
        "A" * 100_000,
    ],
)
def test_a_wrong_signature_keeps_nothing(signature: str | None, known: Shop) -> None:
    assert deliver(signed=False, X_Shopify_Hmac_Sha256=signature).status_code == 401
    assert InboxRow.objects.count() == 0


@pytest.mark.parametrize("domain", ["nobody.myshopify.com", "", None, "evil\x00.example", "é" * 300])
def test_unknown_shops_go_to_program_nought(domain: str | None, known: Shop) -> None:
    assert deliver(X_Shopify_Shop_Domain=domain).status_code == 200
    row = InboxRow.objects.get()
    assert (row.program_id, row.shop_id) == (0, 0)


POISON = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud800"}',
    b'{"a": NaN}',
    b'{"a": 1e400}',
    b'{"a": ' + b"9" * 5_000 + b"}",
    b"[" * 2_000 + b"]" * 2_000,
    b"\xff\xfe\x00\x01",
    b"\x00" * 100,
    b"\xef\xbb\xbf{}",
    '{"a": "é"}'.encode("utf-16"),
    b'{"a": 1, "a": 2}',
]


@pytest.mark.parametrize("body", POISON, ids=range(len(POISON)))
def test_bytes_of_any_kind_are_kept(body: bytes, known: Shop) -> None:
    assert deliver(body).status_code == 200
    assert InboxRow.objects.get().content == body


@pytest.mark.parametrize(
    ("name", "value", "column", "kept"),
    [
        ("X_Shopify_Topic", None, "topic", ""),
        ("X_Shopify_Topic", "x" * 9_000, "topic", "x" * 255),
        ("X_Shopify_Topic", "orders\x00/paid\x1b[31m", "topic", "orders?/paid?[31m"),
        ("X_Shopify_Topic", "örders", "topic", "?rders"),
        ("X_Shopify_Event_Id", "\x7f", "event_id", "?"),
        ("X_Shopify_Api_Version", "v" * 300, "api_version", "v" * 40),
        ("X_Shopify_Triggered_At", "yesterday", "triggered_at", None),
        ("X_Shopify_Triggered_At", "0001-01-01T00:00:00+14:00", "triggered_at", None),
        ("X_Shopify_Triggered_At", "2026-11-20T12:00:00", "triggered_at", None),
    ],
)
def test_headers_are_not_signed_and_not_trusted(
    name: str, value: str | None, column: str, kept: Any, known: Shop
) -> None:
    assert deliver(**{name: value}).status_code == 200
    assert getattr(InboxRow.objects.get(), column) == kept


def test_without_an_id_the_content_counts_once(known: Shop) -> None:
    for topic in ("orders/paid", "orders/paid", "orders/updated"):
        assert deliver(X_Shopify_Webhook_Id=None, X_Shopify_Topic=topic).status_code == 200
    assert InboxRow.objects.count() == 2
    assert all(row.webhook_id.startswith("sha256:") for row in InboxRow.objects.all())


def test_ten_megabytes_are_taken_and_a_byte_more_is_not(known: Shop) -> None:
    whole = b'{"a": "' + b"x" * (bodies.BYTES_MAX - 9) + b'"}'
    assert len(whole) == bodies.BYTES_MAX
    assert deliver(whole).status_code == 200
    assert deliver(whole + b" ").status_code == 413
    assert InboxRow.objects.count() == 1


def test_forms_limit_does_not_matter(known: Shop, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert deliver().status_code == 200


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("PUT", {}, 405),
        ("DELETE", {}, 405),
        ("OPTIONS", {}, 405),
        ("POST", {"Content-Encoding": "gzip"}, 415),
        ("POST", {"Content-Length": str(bodies.BYTES_MAX + 1)}, 413),
        ("POST", {"Content-Length": "9" * 30}, 413),
        ("POST", {}, 401),
    ],
)
def test_what_is_no_delivery(method: str, headers: dict[str, str], status: int, known: Shop) -> None:
    answer = ask("/webhooks", method, headers=headers)
    assert answer.status_code == status
    assert InboxRow.objects.count() == 0


def test_a_compressed_delivery_is_refused_though_its_bytes_are_signed(known: Shop) -> None:
    assert deliver(gzip.compress(BODY), Content_Encoding="gzip").status_code == 415
    assert deliver(BODY, Content_Encoding="identity").status_code == 200


def in_parts(parts: list[bytes | None]) -> Answer:
    headers = {**HEADERS, "X-Shopify-Hmac-Sha256": signing.webhook_hmac(BODY), "Transfer-Encoding": "chunked"}
    return in_this_thread(asked("/webhooks", "POST", parts=parts, headers=headers))


def test_bodies_come_in_parts(known: Shop) -> None:
    assert in_parts([BODY[:7], b"", BODY[7:]]).status_code == 200
    assert InboxRow.objects.get().content == BODY


def test_a_body_that_ends_too_early_is_no_delivery(known: Shop) -> None:
    assert in_parts([BODY[:7], None]).status_code == 400
    assert InboxRow.objects.count() == 0


def test_a_body_without_end_is_read_no_further_than_it_may(known: Shop) -> None:
    part = b" " * 2**20
    parts: list[bytes | None] = [part] * 50
    assert in_parts(parts).status_code == 413
    assert InboxRow.objects.count() == 0


def test_who_sends_slowly_is_turned_away(known: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS_MAX", 0.05)
    headers = {**HEADERS, "Content-Length": "100"}

    async def never_ends() -> Answer:
        async def trickle() -> dict[str, Any]:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b" ", "more_body": True}

        status, sent = await webhooks.receive(
            "POST", {name.lower(): value for name, value in headers.items()}, trickle
        )
        return Answer(status, dict(sent), b"")

    assert loops.run(never_ends()).status_code == 408
    assert InboxRow.objects.count() == 0


def test_no_redirect_with_or_without_slash_or_scheme(known: Shop) -> None:
    for path in ("/webhooks", "/webhooks/", "/webhooks//", "//webhooks"):
        answer = Client().post(path, BODY, "application/json", secure=False)
        assert answer.status_code in (401, 404), path


def test_a_statement_that_fails_is_503_and_never_200(known: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shopify_bridge_inboxrow RENAME TO elsewhere")
    assert deliver().status_code == 503


def test_noise_of_every_kind_is_401(known: Shop) -> None:
    dice = random.Random(7)
    started = time.monotonic()
    for _ in range(1_000):
        signature = dice.randbytes(dice.randrange(60)).decode("latin-1")
        assert deliver(dice.randbytes(20), signed=False, X_Shopify_Hmac_Sha256=signature).status_code == 401
    assert InboxRow.objects.count() == 0
    assert time.monotonic() - started < 10


def test_one_statement_for_each_delivery(known: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[Any] = []
    execute = psycopg.Cursor.execute

    def counted(cursor: psycopg.Cursor, *args: Any, **options: Any) -> psycopg.Cursor:
        executed.append(args[0])
        return execute(cursor, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    deliver(json.dumps({"id": 2}).encode())
    assert executed == [webhooks.KEEP]
    assert InboxRow.objects.count() == 1


def test_large_bodies_are_kept_compressed(known: Shop) -> None:
    order = json.dumps({"line_items": [{"id": number, "price": "9.95"} for number in range(200)]}).encode()
    assert deliver(order).status_code == 200
    row = InboxRow.objects.get()
    assert (row.packed, row.content) == (True, order)
    assert len(row.body) < len(order) / 3
    assert bytes(row.body_hash) == hashlib.sha256(order).digest()
