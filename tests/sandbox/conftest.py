"""A sandbox of its own for each test, in memory, called over its WSGI door."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import installation
from sandbox.config import Config
from sandbox.seed import seed_demo_shop
from sandbox.server import create_app
from sandbox.store import Store
from sandbox.world import ShopState, World

CONFIG = Config(
    app_url="http://127.0.0.1:1",  # nobody listens there: deliveries are looked at, not sent
    client_id="0123456789abcdef0123456789abcdef",
    client_secret="hush-hush-hush-hush-hush-hush-32",
    app_toml=Path(__file__).parents[2] / "shopify.app.toml",
)
Query = Callable[..., dict[str, Any]]


@pytest.fixture
def world() -> World:
    return World(Store(None))


@pytest.fixture
def state(world: World) -> ShopState:
    return seed_demo_shop(world)


@pytest.fixture
def client(world: World, state: ShopState) -> FlaskClient:
    app = create_app(world, CONFIG)
    with world.change():
        installation.install(world, state, app.extensions["app_config"])
    return app.test_client()


@pytest.fixture
def admin_token(client: FlaskClient) -> str:
    return client.get("/sandbox/admin-token").get_json()["admin_token"]


@pytest.fixture
def app_token(client: FlaskClient) -> str:
    return exchange(client)["access_token"]


@pytest.fixture
def query(client: FlaskClient, admin_token: str) -> Query:
    """`query(document, token=..., **variables)` answers the whole JSON."""

    def run(document: str, token: str = admin_token, **variables: Any) -> dict[str, Any]:
        answer = call(client, token, document, variables)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    return run


def call(client: FlaskClient, token: str, document: str, variables: dict[str, Any] | None = None) -> Any:
    return client.post(
        "/admin/api/2026-10/graphql.json",
        json={"query": document, "variables": variables or {}},
        headers={"X-Shopify-Access-Token": token},
    )


def exchange(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    id_token = client.get("/sandbox/id-token").get_json()["id_token"]
    form = {
        "client_id": CONFIG.client_id,
        "client_secret": CONFIG.client_secret,
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": id_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    return client.post("/admin/oauth/access_token", json=form | changes).get_json()


def usd(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


ORDER_CREATE = """
mutation($order: OrderCreateOrderInput!) {
  orderCreate(order: $order) {
    userErrors { field message code }
    order {
      id
      displayFinancialStatus
      totalPriceSet { shopMoney { amount } }
      lineItems(first: 50) {
        nodes { id discountAllocations { allocatedAmountSet { shopMoney { amount } } } }
      }
      transactions { id }
    }
  }
}"""


@pytest.fixture
def make_order(query: Query) -> Callable[..., dict[str, Any]]:
    """`make_order(("10.00", 2), ("5.00", 1), financialStatus="PENDING")` answers the order."""

    def make(*lines: tuple[str, int], **fields: Any) -> dict[str, Any]:
        items = [
            {"title": f"Thing {number}", "quantity": quantity, "priceSet": usd(price)}
            for number, (price, quantity) in enumerate(lines, 1)
        ]
        order = {"currency": "USD", "financialStatus": "PAID", "lineItems": items} | fields
        made = query(ORDER_CREATE, order=order)["data"]["orderCreate"]
        assert made["userErrors"] == []
        return made["order"]

    return make


def number(gid: str) -> int:
    return int(gid.rsplit("/", 1)[1])
