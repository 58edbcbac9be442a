"""Each door from outside: who comes in, what is answered to everybody else, and with which headers."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from shopify_bridge import install
from shopify_bridge.models import Shop
from tests.shopify_bridge import signing
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.signing import SHOP

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.shopify_bridge.door_urls")]
STRANGER = "stranger.myshopify.com"
STAFF_PATHS = ["/app/api/test", "/extensions/admin", "/extensions/pos"]
BUYER_PATHS = ["/extensions/account", "/extensions/checkout"]


@pytest.fixture(autouse=True)
def known() -> Shop:
    return Shop.objects.create(
        program_id=1, domain=SHOP, currency="USD", access_token="1:x", refresh_token="1:x"
    )


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code(answer: HttpResponse) -> str:
    return str(json.loads(answer.content)["error"]["code"])


# --- storefront


@pytest.mark.parametrize(("customer", "found"), [("7", 7), ("", None)])
def test_a_visitor_comes_in(client: Client, customer: str, found: int | None) -> None:
    for call in (client.get, client.post):
        answer = call(f"/storefront/test?{signing.proxy_query(logged_in_customer_id=customer)}")
        assert answer.json() == {"shop": SHOP, "customer": found}
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize("query", ["", "shop=demo.myshopify.com", "é=%FF&&&=", "a" * 20_000])
def test_an_unsigned_visitor_does_not(client: Client, query: str) -> None:
    answer = client.get(f"/storefront/test?{query}")
    assert (answer.status_code, code(answer)) == (401, "signature")


def test_a_signed_query_of_a_shop_that_is_gone(client: Client, known: Shop) -> None:
    answer = client.get(f"/storefront/test?{signing.proxy_query(shop=STRANGER)}")
    assert (answer.status_code, code(answer)) == (404, "unknown_shop")
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    assert client.get(f"/storefront/test?{signing.proxy_query()}").status_code == 404
    Shop.objects.update(state=Shop.State.PAUSED)
    assert client.get(f"/storefront/test?{signing.proxy_query()}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/storefront/test/",
        "/storefront/test//",
        "/storefront",
        "//storefront/test",
        "/webhooks/",
        "/app/test/",
    ],
)
def test_no_path_redirects_with_the_signature_in_its_hands(client: Client, path: str) -> None:
    answer = client.get(f"{path}?{signing.proxy_query()}", secure=False)
    assert answer.status_code == 404
    assert "Location" not in answer
    assert b"signature" not in answer.content


# --- staff


@pytest.mark.parametrize("path", STAFF_PATHS)
def test_staff_come_in(client: Client, path: str) -> None:
    for call in (client.get, client.post):
        answer = call(path, headers=bearer(signing.id_token()))
        assert answer.json() == {"shop": SHOP, "user": "42"}
        assert answer["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("path", STAFF_PATHS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer abc",
        "Bearer é",
        "Bearer " + "a" * 100_000,
        "two",
        "buyer",
        "expired",
    ],
)
def test_others_are_asked_for_a_fresh_token(client: Client, path: str, header: str | None) -> None:
    made = {
        "two": lambda: f"Bearer {signing.id_token()}, Bearer {signing.id_token()}",
        "buyer": lambda: f"Bearer {signing.buyer_token()}",
        "expired": lambda: (
            f"Bearer {signing.id_token(exp=1_700_000_060, nbf=1_700_000_000, iat=1_700_000_000)}"
        ),
    }
    text = made[header]() if header in made else header
    answer = client.get(path, headers={} if text is None else {"Authorization": text})
    assert (answer.status_code, code(answer)) == (401, "token")
    assert answer["X-Shopify-Retry-Invalid-Session-Request"] == "1"


def test_a_token_in_the_query_opens_no_fetch(client: Client) -> None:
    assert client.get(f"/app/api/test?id_token={signing.id_token()}").status_code == 401


def test_staff_of_a_shop_that_is_gone(client: Client) -> None:
    token = signing.id_token(iss=f"https://{STRANGER}/admin", dest=f"https://{STRANGER}")
    for path in STAFF_PATHS:
        answer = client.get(path, headers=bearer(token))
        assert (answer.status_code, code(answer)) == (404, "unknown_shop")


# --- panel pages


def test_a_page_load_with_a_token(client: Client) -> None:
    answer = client.get(f"/app/test?embedded=1&shop={SHOP}&host=aG9zdA&id_token={signing.id_token()}")
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert policy == f"frame-ancestors https://{SHOP} https://admin.shopify.com"
    assert "X-Frame-Options" not in answer
    assert answer["Referrer-Policy"] == "no-referrer"


def test_the_sandboxs_admin_may_frame_too_where_there_is_one(client: Client, settings: Any) -> None:
    settings.SHOPIFY_SANDBOX = "http://127.0.0.1:8080"
    answer = client.get(f"/app/test?id_token={signing.id_token()}")
    assert answer["Content-Security-Policy"].endswith(
        "https://admin.shopify.com http://127.0.0.1:8080 http://localhost:8080"
    )


@pytest.mark.parametrize("extra", ["", "&id_token=", "&id_token=abc", "&id_token=a&id_token=b"])
def test_a_page_load_without_a_good_token_goes_to_the_token_page(client: Client, extra: str) -> None:
    answer = client.get(f"/app/test?page=2&q=a%26b&shop={SHOP}&host=aG9zdA{extra}")
    assert answer.status_code == 302
    parts = urlsplit(answer["Location"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.netloc, parts.path) == ("", "/app/token")
    assert (query["shop"], query["host"]) == (SHOP, "aG9zdA")
    assert query["shopify-reload"] == f"/app/test?page=2&q=a%26b&shop={SHOP}&host=aG9zdA"
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert b"app-bridge.js" in page.content
    assert b'data-api-key="0123456789abcdef0123456789abcdef"' in page.content
    assert page["Content-Security-Policy"] == f"frame-ancestors https://{SHOP} https://admin.shopify.com"


def test_a_stale_bearer_on_a_page_is_asked_to_retry(client: Client) -> None:
    answer = client.get(f"/app/test?shop={SHOP}", headers=bearer("abc"))
    assert answer.status_code == 401
    assert answer["X-Shopify-Retry-Invalid-Session-Request"] == "1"


@pytest.mark.parametrize(
    "shop", ["", "evil.example", "demo.myshopify.com.evil.example", "demo.myshopify.com;x"]
)
def test_hostile_shops_reach_neither_location_nor_policy(client: Client, shop: str) -> None:
    for path in ("/app/test", "/app/token"):
        answer = client.get(path, {"shop": shop, "shopify-reload": "/app/"})
        assert answer.status_code == 400
        assert "Location" not in answer
        assert answer["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    "target",
    [
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/app\n",
        "/storefront/x",
    ],
)
def test_the_token_page_is_no_open_redirect(client: Client, target: str) -> None:
    assert client.get("/app/token", {"shop": SHOP, "shopify-reload": target}).status_code == 400


def test_errors_keep_the_frame_of_the_shop(client: Client) -> None:
    token = signing.id_token()
    for query, status in (("missing", 404), ("outage", 503)):
        for path in ("/app/test", "/app/api/test"):
            answer = client.get(f"{path}?{query}&id_token={token}", headers=bearer(token))
            assert answer.status_code == status
            assert f"https://{SHOP} " in answer["Content-Security-Policy"]
    assert client.get("/elsewhere")["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_opening_the_panel_installs_the_shop(client: Client, sandbox: Sandbox, known: Shop) -> None:
    known.delete()
    answer = client.get(f"/app/test?shop={SHOP}&id_token={sandbox.token()}")
    assert answer.status_code == 200
    shop = Shop.objects.get()
    assert (shop.domain, shop.state, shop.currency) == (SHOP, Shop.State.ACTIVE, "USD")


@pytest.mark.parametrize("state", [Shop.State.REOPEN, Shop.State.UNINSTALLED])
def test_opening_the_panel_mends_a_shop(client: Client, sandbox: Sandbox, known: Shop, state: str) -> None:
    Shop.objects.update(state=state, access_token="", state_reason="x")
    assert client.get(f"/app/test?shop={SHOP}&id_token={sandbox.token()}").status_code == 200
    known.refresh_from_db()
    assert (known.state, known.state_reason) == (Shop.State.ACTIVE, "")
    assert install.access_token(known)


def test_a_setup_that_shopify_does_not_answer_is_a_page(client: Client, known: Shop, settings: Any) -> None:
    settings.SHOPIFY_SANDBOX = "http://127.0.0.1:9"
    known.delete()
    answer = client.get(f"/app/test?shop={SHOP}&id_token={signing.id_token()}")
    assert answer.status_code == 503
    assert b"reload this page" in answer.content
    assert f"https://{SHOP} " in answer["Content-Security-Policy"]


def test_a_setup_that_needs_a_human_is_a_page(
    client: Client, known: Shop, sandbox: Sandbox, settings: Any
) -> None:
    known.delete()
    token = sandbox.token()
    settings.SHOPIFY_API_SECRET_OLD, settings.SHOPIFY_API_SECRET = settings.SHOPIFY_API_SECRET, "shpss_new"
    answer = client.get(f"/app/test?shop={SHOP}&id_token={token}")
    assert answer.status_code == 502
    assert b"client id and secret" in answer.content


# --- buyers' extensions


@pytest.mark.parametrize("path", BUYER_PATHS)
def test_buyers_come_in(client: Client, path: str) -> None:
    for customer in (7, None):
        answer = client.post(path, headers=bearer(signing.buyer_token(customer)))
        assert answer.json() == {"shop": SHOP, "customer": customer}
    for bad in (signing.id_token(), "abc", ""):
        answer = client.get(path, headers=bearer(bad))
        assert (answer.status_code, code(answer)) == (401, "token")


@pytest.mark.parametrize("path", [*BUYER_PATHS, *STAFF_PATHS[1:]])
def test_extensions_get_cors_on_every_answer(client: Client, path: str) -> None:
    preflight = client.options(path, headers={"Origin": "https://extensions.shopifycdn.com"})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    for answer in (preflight, client.get(path), client.delete(path)):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer


def test_other_doors_get_no_cors(client: Client) -> None:
    for path in ("/storefront/test", "/app/test", "/app/api/test"):
        assert "Access-Control-Allow-Origin" not in client.get(path)
        assert client.options(path).status_code == 405


@pytest.mark.parametrize("surface", ["admin", "pos", "checkout", "customer-account"])
def test_tokens_of_the_sandbox_open_their_own_doors(client: Client, sandbox: Sandbox, surface: str) -> None:
    staff = surface in ("admin", "pos")
    token = sandbox.token(surface) if staff else sandbox.token(surface, customer="7")
    for path in [*STAFF_PATHS, *BUYER_PATHS]:
        expected = 200 if (path in STAFF_PATHS) == staff else 401
        assert client.get(path, headers=bearer(token)).status_code == expected, path


# --- Flow


def call_flow(client: Client, payload: Any, **headers: str) -> HttpResponse:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = {"X-Shopify-Hmac-Sha256": signing.webhook_hmac(body), **headers}
    return client.post("/flow/test", body, "application/json", headers=signature)


def test_a_flow_action(client: Client) -> None:
    answer = call_flow(client, {"shopify_domain": SHOP, "action_run_id": "r1", "properties": {}})
    assert answer.json() == {"shop": SHOP, "run": "r1"}


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        ([], 400),
        ({}, 400),
        ({"shopify_domain": [SHOP]}, 400),
        ({"shopify_domain": STRANGER}, 404),
    ],
)
def test_a_flow_action_that_says_nothing(client: Client, payload: Any, status: int) -> None:
    # The header may name any shop: it isn't signed.
    answer = call_flow(client, payload, **{"X-Shopify-Shop-Domain": SHOP})
    assert answer.status_code == status
    assert code(answer)


def test_a_flow_action_with_a_wrong_signature(client: Client) -> None:
    payload = {"shopify_domain": SHOP, "action_run_id": "r1"}
    for signature in ("", "é", signing.webhook_hmac(b"other")):
        answer = call_flow(client, payload, **{"X-Shopify-Hmac-Sha256": signature})
        assert answer.status_code == 401
    assert client.get("/flow/test").status_code == 405


# --- all doors


def test_a_wrong_method_is_405_in_json(client: Client) -> None:
    for path in ("/storefront/test", "/app/test", "/extensions/account"):
        answer = client.generic("TRACE", path)
        assert (answer.status_code, code(answer)) == (405, "method")
        assert answer["Allow"]
