"""Our verifiers beside Shopify's own: `shopifyapp` in this process, the Node package in another."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from shopify_app import ShopifyApp

from shopify_bridge import signatures
from shopify_bridge.signatures import Refused
from tests.judges.node import ROOT
from tests.shopify_bridge import signing
from tests.shopify_bridge.signing import CLIENT_ID, SECRET, SHOP

BODY = '{"id": 1, "name": "naïve"}'
WEBHOOK_HEADERS = {
    "X-Shopify-Topic": "orders/paid",
    "X-Shopify-Shop-Domain": SHOP,
    "X-Shopify-Webhook-Id": "w",
    "X-Shopify-API-Version": "2026-10",
}


def now() -> int:
    return int(time.time())


def webhook(header: str, body: str = BODY) -> dict[str, Any]:
    return {"kind": "webhook", "body": body, "headers": {**WEBHOOK_HEADERS, "X-Shopify-Hmac-Sha256": header}}


def proxy(query: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    plain = {name: found[0] if len(found) == 1 else found for name, found in values.items()}
    return {"kind": "proxy", "text": query, "query": plain}


def token(text: str) -> dict[str, Any]:
    return {"kind": "token", "token": text}


GOOD = signing.webhook_hmac(BODY.encode())
# Made when a test asks: they hold for 90 seconds, and a run takes longer.
ALIKE: dict[str, Callable[[], dict[str, Any]]] = {
    "webhook": lambda: webhook(GOOD),
    "webhook, other key": lambda: webhook(signing.webhook_hmac(BODY.encode(), "x")),
    "webhook, cut": lambda: webhook(GOOD[:-2]),
    "webhook, other body": lambda: webhook(GOOD, BODY + " "),
    "proxy": lambda: proxy(signing.proxy_query()),
    "proxy, guest": lambda: proxy(signing.proxy_query(logged_in_customer_id="")),
    "proxy, own parameters": lambda: proxy(signing.proxy_query([("q", "a b"), ("page", "2")])),
    "proxy, changed customer": lambda: proxy(signing.proxy_query().replace("=7", "=8")),
    "proxy, added parameter": lambda: proxy(signing.proxy_query() + "&x=1"),
    "proxy, too old": lambda: proxy(signing.proxy_query(timestamp=str(now() - 200))),
    "proxy, from the future": lambda: proxy(signing.proxy_query(timestamp=str(now() + 200))),
    "token": lambda: token(signing.id_token()),
    "token, other key": lambda: token(signing.id_token(secret="x" * 32)),
    "token, other app": lambda: token(signing.id_token(aud="f" * 32)),
    "token, expired": lambda: token(signing.id_token(exp=now() - 60, nbf=now() - 120, iat=now() - 120)),
    "token, no JWT": lambda: token("abc"),
}
# Where we are stricter on purpose, or the others are known to err (see docs/security.md).
STRICTER: dict[str, Callable[[], dict[str, Any]]] = {
    "proxy, customer twice": lambda: proxy(signing.proxy_query([("logged_in_customer_id", "8")])),
    "proxy, shop inside another name": lambda: proxy(signing.proxy_query([("myshop", "x")])),
    "token, foreign dest": lambda: token(signing.id_token(dest="https://evil.example")),
    "token, no exp": lambda: token(signing.id_token(exp=None)),
}


def ours(case: dict[str, Any]) -> bool:
    secrets = (SECRET, "")
    try:
        if case["kind"] == "webhook":
            header = case["headers"]["X-Shopify-Hmac-Sha256"]
            return signatures.webhook_signature_ok(case["body"].encode(), header, secrets)
        if case["kind"] == "proxy":
            return bool(signatures.proxy_query(case["text"], secrets, time.time()))
        return bool(signatures.staff_token(case["token"], CLIENT_ID, secrets))
    except Refused:
        return False


def shopifyapps(case: dict[str, Any]) -> bool:
    app = ShopifyApp(CLIENT_ID, SECRET)
    request: Any = {"method": "POST", "url": "https://app.example.com/x", "headers": {}, "body": ""}
    if case["kind"] == "webhook":
        return app.verify_webhook_req({**request, "headers": case["headers"], "body": case["body"]}).ok
    if case["kind"] == "proxy":
        return app.verify_app_proxy_req({**request, "url": f"https://app.example.com/x?{case['text']}"}).ok
    headers = {"Authorization": f"Bearer {case['token']}"}
    return app.verify_admin_ui_ext_req({**request, "headers": headers}).ok


@pytest.fixture(scope="module")
def node() -> dict[str, bool]:
    """One Node process for the whole table."""
    table = {"clientId": CLIENT_ID, "secret": SECRET, "cases": [make() for make in ALIKE.values()]}
    run = subprocess.run(
        ["node", "tests/judges/signatures.mjs"],
        cwd=ROOT,
        input=json.dumps(table),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers: list[bool] = json.loads(run.stdout.strip().splitlines()[-1])
    return dict(zip(ALIKE, answers, strict=True))


@pytest.mark.parametrize("name", ALIKE)
def test_three_verifiers_agree(name: str, node: dict[str, bool]) -> None:
    case = ALIKE[name]()
    expected = "," not in name or name in ("proxy, guest", "proxy, own parameters")
    assert (ours(case), shopifyapps(case), node[name]) == (expected, expected, expected)


@pytest.mark.parametrize("name", STRICTER)
def test_we_refuse_what_the_official_package_lets_in(name: str) -> None:
    case = STRICTER[name]()
    assert shopifyapps(case)
    assert not ours(case)


def test_we_let_in_what_the_official_package_refuses_by_mistake() -> None:
    """It sorts by name where Shopify sorts the pairs: names that begin alike come out in another order."""
    pairs = [*signing.proxy_pairs(), ("a", "1"), ("a1", "2")]
    query = urlencode([*pairs, ("signature", signing.proxy_signature(pairs))])
    assert ours(proxy(query))
    assert not shopifyapps(proxy(query))
