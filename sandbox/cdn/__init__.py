"""What Shopify's CDN serves: assets of the theme app extension, and stand-ins for App Bridge and Polaris.

Those two exist only on Shopify's CDN, in no package; the stand-ins are our own and keep to the published
types.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request, send_from_directory

from sandbox.config import Config

blueprint = Blueprint("cdn", __name__, url_prefix="/cdn")

_HERE = Path(__file__).parent


@blueprint.get("/extensions/<extension>/assets/<path:name>")
def extension_asset(extension: str, name: str) -> Response:
    config: Config = current_app.extensions["config"]
    if config.extension is None or extension != config.extension.name:
        abort(404)
    answer = send_from_directory((config.extension / "assets").resolve(), name)
    # An address with a version in it never changes its content.
    answer.headers["Cache-Control"] = "public, max-age=31536000" if "v" in request.args else "no-cache"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@blueprint.get("/shopifycloud/app-bridge.js")
def app_bridge() -> Response:
    return _script("app-bridge")


@blueprint.get("/shopifycloud/polaris.js")
def polaris() -> Response:
    return _script("polaris")


def _script(folder: str) -> Response:
    """The parts of a folder in the order of their names, as one script with a scope of its own."""
    parts = [path.read_text() for path in sorted((_HERE / folder).glob("*.js"))]
    text = "(() => {\n'use strict';\n" + "\n".join(parts) + "\n})();\n"
    answer = Response(text, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
