"""Token exchange, refresh and rotation as Shopify does them since August 2026."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import tokens
from sandbox.store import Store
from sandbox.world import ShopState, World
from tests.sandbox.conftest import CONFIG, call, exchange

SHOP = "{ shop { name } }"


class Clock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(Store(None), now=clock)


def refresh(client: FlaskClient, token: str) -> Any:
    form = {
        "client_id": CONFIG.client_id,
        "client_secret": CONFIG.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": token,
    }
    return client.post("/admin/oauth/access_token", data=form)


def status(client: FlaskClient, token: str) -> int:
    return int(call(client, token, SHOP).status_code)


def test_exchange_gives_an_expiring_pair(client: FlaskClient) -> None:
    pair = exchange(client)
    assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert "read_orders" in pair["scope"].split(",")
    assert status(client, pair["access_token"]) == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"subject_token": "a.b.c"}, "invalid_subject_token"),
        ({"subject_token": "é"}, "invalid_subject_token"),
        ({"expiring": "0"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_is_wrong_is_named(client: FlaskClient, changes: dict[str, str], error: str) -> None:
    assert exchange(client, **changes)["error"] == error


def test_only_tokens_of_the_admin_can_be_exchanged(client: FlaskClient, state: ShopState) -> None:
    for surface in ("checkout", "customer-account"):
        token = tokens.sign_id_token(CONFIG, state, surface, "gid://shopify/Customer/1")
        assert exchange(client, subject_token=token)["error"] == "invalid_subject_token"


def test_an_access_token_ends_after_an_hour(client: FlaskClient, clock: Clock) -> None:
    pair = exchange(client)
    clock.time += timedelta(seconds=3599)
    assert status(client, pair["access_token"]) == 200
    clock.time += timedelta(seconds=1)
    assert status(client, pair["access_token"]) == 401


def test_a_lost_refresh_answer_can_be_asked_for_again(client: FlaskClient) -> None:
    first = exchange(client)
    assert status(client, first["access_token"]) == 200
    lost = refresh(client, first["refresh_token"]).get_json()
    second = refresh(client, first["refresh_token"]).get_json()
    assert second["refresh_token"] not in (lost["refresh_token"], first["refresh_token"])
    assert status(client, second["access_token"]) == 200
    answer = refresh(client, first["refresh_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")
    assert status(client, first["access_token"]) == 401


def test_a_refresh_token_ends_after_ninety_days(client: FlaskClient, clock: Clock) -> None:
    pair = exchange(client)
    clock.time += timedelta(days=90)
    assert refresh(client, pair["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_uninstalling_kills_every_token(client: FlaskClient) -> None:
    pair = exchange(client)
    client.post("/sandbox/uninstall")
    assert status(client, pair["access_token"]) == 401
    assert exchange(client)["error"] == "app_not_installed"


def test_client_credentials(client: FlaskClient) -> None:
    answer = exchange(client, grant_type="client_credentials")
    assert set(answer) == {"access_token", "scope", "expires_in"}
    assert status(client, answer["access_token"]) == 200
