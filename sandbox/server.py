"""The Flask app and the threaded HTTP/1.1 server around it."""

from __future__ import annotations

import importlib.util
import secrets
from importlib import import_module

from cheroot.wsgi import Server
from flask import Flask

from sandbox.api.bulk import fail_unfinished
from sandbox.api.cost import Buckets
from sandbox.api.redeem_code_mutations import finish_creations
from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.subscriptions import read_app_config
from sandbox.webhooks import Outbox
from sandbox.world import World

# Every part is a module or package with a `blueprint`. The pages are separate from the engine.
_PARTS = ("graphql", "oauth", "driver", "proxy", "cdn", "admin", "storefront")
THREADS = 256
BODY_LIMIT = 20 * 1024 * 1024


def create_app(world: World, config: Config) -> Flask:
    """Views find what they need in `current_app.extensions`: world, config, app_config (the TOML), faults,
    outbox (call its `start()` to deliver webhooks) and admin_token.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.url_map.strict_slashes = False
    app.extensions["world"] = world
    app.extensions["config"] = config
    app.extensions["app_config"] = read_app_config(config.app_toml)
    app.extensions["faults"] = Faults()
    app.extensions["buckets"] = Buckets()
    fail_unfinished(world)
    finish_creations(world)
    app.extensions["admin_token"] = _admin_token(world, config)
    app.extensions["outbox"] = Outbox(world, config, app.extensions["app_config"], app.extensions["faults"])
    for part in _PARTS:
        if importlib.util.find_spec(f"sandbox.{part}") is not None:
            app.register_blueprint(import_module(f"sandbox.{part}").blueprint)
    return app


def _admin_token(world: World, config: Config) -> str:
    """Of another app with all scopes; the same at every start."""
    token = config.admin_token or world.fact("admin_token") or f"shpat_admin_{secrets.token_hex(16)}"
    with world.change():
        world.set_fact("admin_token", token)
    return token


def make_server(app: Flask, host: str, port: int) -> Server:
    """The sandbox calls the app, which calls the sandbox while its own call still holds a thread here: a rush
    of shoppers must leave threads for the inner calls.
    """
    server = Server((host, port), app, numthreads=THREADS, request_queue_size=512)
    server.timeout = 30
    return server
