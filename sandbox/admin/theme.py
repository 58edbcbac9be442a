"""A small theme editor, and the same as JSON for scripts at /sandbox/theme."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.admin.app import places_of
from sandbox.admin.shared import config, page, state
from sandbox.storefront.extension import PLACES, Block, BrokenBlock, Extension
from sandbox.storefront.theme_settings import theme_settings
from sandbox.storefront.translations import Translations

theme = Blueprint("theme", __name__)

_TITLES = {"product": "Product pages", "page": "Rewards page", "cart": "Cart"}


def _extension() -> Extension | None:
    folder = config().extension
    return Extension(folder) if folder and folder.is_dir() and state().installation.installed else None


@theme.get("/theme")
def editor() -> Response:
    extension = _extension()
    problem, parts = "", []
    try:
        parts = [_part(extension, block) for block in extension.blocks()] if extension else []
    except BrokenBlock as error:
        problem = str(error)
    return page("theme", "theme", parts=parts, problem=problem, places=_TITLES.items())


@theme.get("/themes/current/editor")
def real_address() -> AnyResponse:
    """Where Shopify has its theme editor: apps link there."""
    return redirect("/admin/theme", 302)


def _part(extension: Extension, block: Block) -> dict[str, Any]:
    chosen = theme_settings().of(state().domain)
    settings = block.settings(chosen["settings"].get(block.handle, {}))
    words = Translations(extension.folder / "locales", "en", schema=True)
    places = places_of(block, chosen)
    return {
        "block": block,
        "name": words.of_schema(block.schema.get("name", block.handle)),
        "is_on": bool(places),
        "places": places,
        "fields": [
            {
                "id": field["id"],
                "type": field["type"],
                "label": words.of_schema(field.get("label", field["id"])),
                "value": settings[field["id"]],
                "options": [option["value"] for option in field.get("options", [])],
            }
            for field in block.schema.get("settings", [])
            if "id" in field
        ],
    }


@theme.post("/theme/<handle>")
def save(handle: str) -> AnyResponse:
    extension = _extension()
    block = (extension and extension.block(handle)) or abort(404)
    changes: dict[str, Any] = {"settings": {handle: _settings(block)}}
    if block.is_embed:
        changes["embeds"] = {handle: "on" in request.form}
    else:
        changes["blocks"] = {place: _handles_at(place, block) for place in PLACES}
    theme_settings().change(state().domain, changes)
    return redirect("/admin/theme", 303)


def _handles_at(place: str, changed: Block) -> list[str]:
    """The blocks of a place with this one put in or taken out as the form says."""
    extension = _extension()
    chosen = theme_settings().of(state().domain)
    blocks = extension.blocks() if extension else []
    present = [one.handle for one in blocks if not one.is_embed and place in places_of(one, chosen)]
    rest = [handle for handle in present if handle != changed.handle]
    return [*rest, changed.handle] if place in request.form.getlist("place") else rest


def _settings(block: Block) -> dict[str, Any]:
    declared = [field for field in block.schema.get("settings", []) if "id" in field]
    return {field["id"]: _value(field, request.form.get(f"s-{field['id']}")) for field in declared}


def _value(field: dict[str, Any], given: str | None) -> Any:
    if field["type"] == "checkbox":
        return given is not None
    if field["type"] in ("range", "number"):
        return _number(given or "", field.get("default"))
    return given or None


def _number(text: str, otherwise: Any) -> Any:
    if not re.fullmatch(r"-?\d{1,9}([.]\d{1,6})?", text):
        return otherwise
    return float(text) if "." in text else int(text)


# -- for scripts ---------------------------------------------------------------------------------------------

theme_json = Blueprint("theme_json", __name__)


@theme_json.get("/sandbox/theme")
def read() -> Response:
    return jsonify(theme_settings().of(state().domain))


@theme_json.post("/sandbox/theme")
def change() -> tuple[Response, int] | Response:
    """`embeds`: handle -> on; `blocks`: place -> handles; `settings`: handle -> values by id."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or any(not isinstance(part, dict) for part in given.values()):
        return jsonify(error="expected an object with embeds, blocks or settings"), 422
    return jsonify(theme_settings().change(state().domain, given))
