"""`python -m sandbox --help`"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import sys
from pathlib import Path

from sandbox.config import Config
from sandbox.seed import seed_demo_shop
from sandbox.server import create_app, make_server
from sandbox.store import DamagedState, Store
from sandbox.world import World


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)

    def option(name: str, default: str | None, text: str) -> None:
        value = os.environ.get("SANDBOX_" + name.upper().replace("-", "_"), default)
        parser.add_argument(f"--{name}", default=value, required=value is None, help=text)

    option("port", "8080", "the one port of everything")
    option("bind", "127.0.0.1", "address to listen at")
    option("state", "var/sandbox", "folder that keeps the shops")
    option("app-url", "http://127.0.0.1:8081", "where the app answers")
    option("client-id", None, "client id of the app")
    option("client-secret", None, "client secret of the app")
    option("config", "shopify.app.toml", "the app's configuration")
    option("extension", "extensions/loyalty-widget", "folder of the theme app extension")
    option("admin-token", "", "Admin API token with all scopes (empty: make one)")
    option("access-token-seconds", "3600", "life of an access token")
    option("refresh-token-seconds", str(90 * 24 * 3600), "life of a refresh token")
    option("retry-seconds", "1,2,4,8,16,32,64,128", "gaps before a failed delivery is sent again")
    option("delivery-threads", "8", "webhooks under way at the same time")
    return parser


def _config(arguments: argparse.Namespace) -> Config:
    return Config(
        app_url=arguments.app_url.rstrip("/"),
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
        app_toml=Path(arguments.config),
        extension=Path(arguments.extension),
        state=Path(arguments.state),
        admin_token=arguments.admin_token or None,
        access_token_seconds=int(arguments.access_token_seconds),
        refresh_token_seconds=int(arguments.refresh_token_seconds),
        retry_seconds=tuple(float(gap) for gap in arguments.retry_seconds.split(",")),
        delivery_threads=int(arguments.delivery_threads),
    )


COLLECT_AFTER = (20_000, 50, 1_000)
"""Objects, and rounds, before garbage is looked for. A shop is millions of objects that all stay: looking
through them at Python's own pace takes a tenth of the time, and stops everything for a second at a time."""


def main() -> int:
    gc.set_threshold(*COLLECT_AFTER)
    arguments = _parser().parse_args()
    config = _config(arguments)
    try:
        store = Store(config.state)
    except DamagedState as error:
        sys.stderr.write(f"{error}\n")
        return 2
    world = World(store)
    seed_demo_shop(world)
    app = create_app(world, config)
    app.extensions["outbox"].start()
    server = make_server(app, arguments.bind, int(arguments.port))
    # An interrupt in the main thread ends `serve`, which then waits for requests under way.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.safe_start()
    app.extensions["outbox"].stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
