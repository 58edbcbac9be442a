"""The app proxy signs and forwards as Shopify does (platform documentation: app proxies)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from flask.testing import FlaskClient

from sandbox import installation, proxy
from sandbox.subscriptions import read_app_config
from sandbox.world import ShopState, World

from .conftest import CONFIG
from .shop import Answer, FakeApp, fake_app, open_shop, sign_in

DOCUMENTED = (
    "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id={}"
    "&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
)


@pytest.mark.parametrize(
    ("customer", "signature"),
    [
        ("1", "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"),
        ("", "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb"),
    ],
)
def test_signature_equals_the_documented_one(customer: str, signature: str) -> None:
    pairs = parse_qsl(DOCUMENTED.format(customer), keep_blank_values=True)
    assert proxy.signature(pairs, "hush") == signature


@pytest.fixture
def app() -> Iterator[FakeApp]:
    with fake_app() as running:
        yield running


@pytest.fixture
def shop(world: World, state: ShopState, app: FakeApp) -> FlaskClient:
    return open_shop(world, state, app_url=app.url)


def test_guest_is_forwarded_with_an_empty_customer(shop: FlaskClient, app: FakeApp) -> None:
    shop.get("/apps/loyalty/me?x=1&x=a%20b")
    call = app.calls[0]
    names = [name for name, _ in parse_qsl(call["query"], keep_blank_values=True)]
    added = ["shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature"]
    assert (call["method"], call["path"]) == ("GET", "/storefront/me")
    assert call["query"].startswith("x=1&x=a%20b&")
    assert names == ["x", "x", *added]
    assert dict(parse_qsl(call["query"], keep_blank_values=True))["logged_in_customer_id"] == ""


def test_customer_method_and_body_arrive_and_cookies_do_not(
    shop: FlaskClient, app: FakeApp, state: ShopState
) -> None:
    customer = next(iter(state.customers.values()))
    sign_in(shop, customer)
    shop.post("/apps/loyalty/redemptions", json={"reward": "five-off"})
    call = app.calls[0]
    values = dict(parse_qsl(call["query"]))
    assert values["logged_in_customer_id"] == str(customer.id)
    assert values["path_prefix"] == "/apps/loyalty"
    assert (call["method"], call["body"]) == ("POST", '{"reward": "five-off"}')
    assert "Cookie" not in call["headers"]


def test_what_a_visitor_forges_is_passed_on_and_stands_before_the_real_value(
    shop: FlaskClient, app: FakeApp
) -> None:
    shop.get("/apps/loyalty/me?logged_in_customer_id=7")
    values = [
        value for name, value in parse_qsl(app.calls[0]["query"], True) if name == "logged_in_customer_id"
    ]
    assert values == ["7", ""]


def test_status_and_type_come_back_and_cookies_do_not(shop: FlaskClient, app: FakeApp) -> None:
    headers = {"Content-Type": "application/json", "Set-Cookie": "a=b", "Cache-Control": "no-store"}
    app.answers["/storefront/me"] = Answer(status=409, headers=headers, body='{"error": 1}')
    answer = shop.get("/apps/loyalty/me")
    assert (answer.status_code, answer.json) == (409, {"error": 1})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_redirects_are_followed(shop: FlaskClient, app: FakeApp) -> None:
    app.answers["/storefront/old"] = Answer(status=302, headers={"Location": "/storefront/new"})
    assert shop.get("/apps/loyalty/old").status_code == 200
    assert [call["path"] for call in app.calls] == ["/storefront/old", "/storefront/new"]


def test_slow_app_is_given_up(shop: FlaskClient, app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "SECONDS", 0.05)
    app.answers["/storefront/me"] = Answer(delay=0.3)
    assert shop.get("/apps/loyalty/me").status_code == 504


def test_app_that_is_away_is_a_bad_gateway(client: FlaskClient) -> None:
    assert client.get("/apps/loyalty/me").status_code == 502


def test_path_is_the_one_of_the_configuration() -> None:
    app = read_app_config(CONFIG.app_toml)
    assert f"/{app.proxy_prefix}/{app.proxy_subpath}" == proxy.PATH_PREFIX


def test_no_proxy_without_the_app(shop: FlaskClient, world: World, state: ShopState) -> None:
    with world.change():
        installation.uninstall(world, state)
    assert shop.get("/apps/loyalty/me").status_code == 404


def test_liquid_is_rendered_in_the_theme(shop: FlaskClient, app: FakeApp, state: ShopState) -> None:
    liquid = {"Content-Type": "application/liquid"}
    app.answers["/storefront/page"] = Answer(headers=liquid, body="<p>{{ shop.name }} {{ 1 | plus: 1 }}</p>")
    page = shop.get("/apps/loyalty/page").text
    assert f"<p>{state.shop.name} 2</p>" in page
    assert "This is a sandbox" in page
