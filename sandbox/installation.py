"""The app in a shop: installed, changed, uninstalled, erased."""

from __future__ import annotations

import base64
import http.client
from urllib.parse import urlencode, urlsplit

from sandbox import events, payloads, tokens
from sandbox.config import Config
from sandbox.orders import Refused
from sandbox.subscriptions import AppConfig
from sandbox.world import ShopState, World


def install(world: World, state: ShopState, app: AppConfig) -> None:
    """Grants what the configuration asks for; where the app is there already, changed scopes are told."""
    before = list(state.installation.scopes)
    was_installed = state.installation.installed
    state.installation.installed = True
    kept = [scope for scope in before if scope in app.optional_scopes] if was_installed else []
    state.installation.scopes = sorted({*app.scopes, *kept})
    world.save(state, state.installation)
    if was_installed and before != state.installation.scopes:
        _scopes_changed(world, state, before)


def grant_scopes(world: World, state: ShopState, app: AppConfig, scopes: list[str]) -> None:
    """The merchant agrees to optional ones."""
    if unknown := sorted(set(scopes) - set(app.optional_scopes)):
        raise Refused(f"not among optional_scopes of the configuration: {', '.join(unknown)}")
    before = list(state.installation.scopes)
    state.installation.scopes = sorted({*before, *scopes})
    world.save(state, state.installation)
    if before != state.installation.scopes:
        _scopes_changed(world, state, before)


def revoke_scopes(world: World, state: ShopState, scopes: list[str]) -> None:
    before = list(state.installation.scopes)
    state.installation.scopes = [scope for scope in before if scope not in scopes]
    world.save(state, state.installation)
    _scopes_changed(world, state, before)


def _scopes_changed(world: World, state: ShopState, before: list[str]) -> None:
    payload = payloads.scopes_update(state, world, before, state.installation.scopes)
    world.emit(state, "app/scopes_update", payload)


def uninstall(world: World, state: ShopState) -> None:
    """The tokens are dead at once."""
    state.installation.installed = False
    state.installation.scopes = []
    world.save(state, state.installation)
    for subscription in list(state.hook_subscriptions.values()):
        world.remove(state, subscription)
    tokens.revoke_all(world, state)
    events.shop(world, state, "app/uninstalled")


def home_query(config: Config, state: ShopState) -> str:
    """What Shopify adds to the app's address when it is opened in the admin."""
    store = state.domain.split(".")[0]
    host = base64.b64encode(f"admin.shopify.com/store/{store}".encode()).decode().rstrip("=")
    return urlencode(
        {
            "embedded": "1",
            "shop": state.domain,
            "host": host,
            "id_token": tokens.sign_id_token(config, state),
            "locale": "en",
        }
    )


def open_home(config: Config, state: ShopState) -> int:
    """The merchant opens the app after installing it; answers the app's status, 0 when it doesn't answer."""
    base = urlsplit(config.app_url)
    kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
    connection = kind(base.netloc, timeout=20)
    try:
        connection.request("GET", f"{base.path}/app/?{home_query(config, state)}")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
