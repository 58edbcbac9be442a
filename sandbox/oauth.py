"""`POST /admin/oauth/access_token`: token exchange, refresh, client credentials."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox import tokens
from sandbox.config import Config
from sandbox.model import Token
from sandbox.world import ShopState, World

blueprint = Blueprint("oauth", __name__)

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"


class OAuthError(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@blueprint.post("/admin/oauth/access_token")
def access_token() -> ResponseReturnValue:
    world: World = current_app.extensions["world"]
    config: Config = current_app.extensions["config"]
    given = (request.get_json(silent=True) if request.is_json else request.form.to_dict()) or {}
    with world.change():
        state = world.shop_for_host(request.host)
        if state is None:
            return jsonify(errors="Not Found"), 404
        try:
            return jsonify(_grant(world, config, state, given))
        except OAuthError as error:
            return jsonify(error=error.error, error_description=error.description), error.status


def _grant(world: World, config: Config, state: ShopState, given: dict[str, Any]) -> dict[str, Any]:
    secret = str(given.get("client_secret", ""))
    if given.get("client_id") != config.client_id or not hmac.compare_digest(
        secret.encode(), config.client_secret.encode()
    ):
        raise OAuthError("invalid_client", "Client authentication failed", 401)
    if not state.installation.installed:
        raise OAuthError("app_not_installed", "The app is not installed on this shop")
    match given.get("grant_type"):
        case grant if grant == TOKEN_EXCHANGE:
            return _exchange(world, config, state, given)
        case "refresh_token":
            return _refresh(world, config, state, str(given.get("refresh_token", "")))
        case "client_credentials":
            return _client_credentials(world, state, config)
    raise OAuthError("unsupported_grant_type", "Unknown grant type")


def _exchange(world: World, config: Config, state: ShopState, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("subject_token_type") != ID_TOKEN:
        raise OAuthError("invalid_request", "subject_token_type is not supported")
    if not tokens.valid_id_token(config, state, str(given.get("subject_token", ""))):
        raise OAuthError("invalid_subject_token", "The session token is invalid")
    wanted = given.get("requested_token_type")
    if wanted == ONLINE:
        answer = _answer(world, state, tokens.issue(world, state, config, expiring=True))
        user = {"id": 71000000001, "first_name": "Shop", "last_name": "Owner", "email": state.shop.email}
        scope = {"associated_user_scope": ",".join(state.installation.scopes)}
        return answer | scope | {"associated_user": user | {"account_owner": True, "locale": "en"}}
    if wanted != OFFLINE:
        raise OAuthError("invalid_request", "requested_token_type is not supported")
    expiring = str(given.get("expiring", "0")) in ("1", "true", "True")
    if not expiring:
        # Public apps made since 1 April 2026 get no other kind.
        raise OAuthError("invalid_request", "This app must request expiring offline access tokens")
    return _answer(world, state, tokens.issue(world, state, config, expiring=True))


def _refresh(world: World, config: Config, state: ShopState, refresh: str) -> dict[str, Any]:
    old = tokens.by_refresh_token(world, state, refresh)
    if old is None:
        raise OAuthError("invalid_grant", "The refresh token is invalid or has expired")
    return _answer(world, state, tokens.issue(world, state, config, expiring=True, replaces=old))


def _client_credentials(world: World, state: ShopState, config: Config) -> dict[str, Any]:
    token = tokens.issue(world, state, config, expiring=True)
    answer = _answer(world, state, token)
    return {name: answer[name] for name in ("access_token", "scope", "expires_in")}


def _answer(world: World, state: ShopState, token: Token) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": token.access,
        "scope": ",".join(state.installation.scopes),
    }
    now = world.now()
    if token.expires_at is not None:
        answer["expires_in"] = int((token.expires_at - now).total_seconds())
    if token.refresh is not None and token.refresh_expires_at is not None:
        answer["refresh_token"] = token.refresh
        answer["refresh_token_expires_in"] = int((token.refresh_expires_at - now).total_seconds())
    return answer
