"""The app in its frame, and the answers behind App Bridge."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import installation, tokens
from sandbox.admin.embedding import APP_HOME, STAFF, app_address
from sandbox.admin.shared import app_config, config, page, state, world
from sandbox.orders import Refused
from sandbox.storefront.extension import Block, Extension, default_place
from sandbox.storefront.theme_settings import theme_settings
from sandbox.storefront.translations import Translations

app = Blueprint("app", __name__, url_prefix="/apps/loyalty")


@app.get("")
@app.get("/<path:path>")
def framed(path: str = "") -> Response:
    if not state().installation.installed:
        return page("install", "app", scopes=app_config().scopes)
    address = app_address(config(), state(), path, request.query_string.decode())
    parts = urlsplit(config().app_url)
    return page(
        "app", "app", address=address, app_origin=f"{parts.scheme}://{parts.netloc}", app_home=APP_HOME
    )


@app.post("/install")
def install() -> AnyResponse:
    """Shopify-managed installation: grant what the configuration asks for, then open the app."""
    with world().change():
        installation.install(world(), state(), app_config())
    return redirect("/admin/apps/loyalty", 303)


@app.post("/uninstall")
def uninstall() -> AnyResponse:
    with world().change():
        installation.uninstall(world(), state())
    return redirect("/admin/apps/loyalty", 303)


@app.post("/id-token")
def id_token() -> Response:
    # A header that no form can send: only the frame's own script asks for tokens.
    if request.headers.get("X-Requested-With") != "frame" or not state().installation.installed:
        abort(403)
    answer = jsonify(token=tokens.sign_id_token(config(), state()))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@app.get("/user")
def user() -> Response:
    return jsonify({**STAFF, "accountAccess": "account_owner"})


@app.get("/scopes")
def scopes() -> Response:
    return _scopes()


@app.post("/scopes")
def change_scopes() -> Response:
    """`{"grant": [..]}` or `{"revoke": [..]}`: what `shopify.scopes` does when the merchant agrees."""
    if request.headers.get("X-Requested-With") != "frame" or not state().installation.installed:
        abort(403)
    given = request.get_json()
    try:
        with world().change():
            installation.grant_scopes(world(), state(), app_config(), given.get("grant", []))
            if gone := given.get("revoke"):
                installation.revoke_scopes(world(), state(), gone)
    except Refused as refused:
        abort(400, refused.message)
    return _scopes()


def _scopes() -> Response:
    app = app_config()
    granted = state().installation.scopes
    return jsonify(granted=granted, required=list(app.scopes), optional=list(app.optional_scopes))


@app.get("/extensions")
def extensions() -> Response:
    """The shape of `shopify.app.extensions()`."""
    folder = config().extension
    if folder is None or not folder.is_dir():
        return jsonify([])
    theme = theme_settings().of(state().domain)
    words = Translations(folder / "locales", "en", schema=True)
    activations = [_activation(block, theme, words) for block in Extension(folder).blocks()]
    return jsonify([{"handle": folder.name, "type": "theme_app_extension", "activations": activations}])


def _activation(block: Block, theme: dict[str, Any], words: Translations) -> dict[str, Any]:
    places = places_of(block, theme)
    return {
        "handle": block.handle,
        "name": words.of_schema(block.schema.get("name", block.handle)),
        "target": block.target,
        "status": "active" if places else "available",
        "activations": [{"target": place, "themeId": "gid://shopify/OnlineStoreTheme/1"} for place in places],
    }


def places_of(block: Block, theme: dict[str, Any]) -> list[str]:
    """Where the block stands now: the whole theme for an embed, templates for a section's block."""
    if block.is_embed:
        return ["theme"] if theme["embeds"].get(block.handle, True) else []
    placed = [place for place, handles in theme["blocks"].items() if block.handle in handles]
    if default_place(block) not in theme["blocks"]:
        placed.append(default_place(block))
    return placed
