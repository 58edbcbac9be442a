"""The Flask app and the threaded HTTP/1.1 server around it."""

from __future__ import annotations

import importlib.util
from importlib import import_module

from cheroot.wsgi import Server
from flask import Flask

from sandbox.config import Config
from sandbox.world import World

# Every part is a module or package with a `blueprint`. The pages are separate from the engine.
_PARTS = ("graphql", "oauth", "driver", "proxy", "cdn", "admin", "storefront")
BODY_LIMIT = 20 * 1024 * 1024


def create_app(world: World, config: Config) -> Flask:
    """Views find the two as `current_app.extensions["world"]` and `["config"]`."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.url_map.strict_slashes = False
    app.extensions["world"] = world
    app.extensions["config"] = config
    for part in _PARTS:
        if importlib.util.find_spec(f"sandbox.{part}") is not None:
            app.register_blueprint(import_module(f"sandbox.{part}").blueprint)
    return app


def make_server(app: Flask, host: str, port: int) -> Server:
    """The sandbox calls the app, which calls the sandbox: there must be threads left for the inner call."""
    server = Server((host, port), app, numthreads=24, request_queue_size=256)
    server.timeout = 30
    return server
