"""The app's settings with the peer's one address, and no middleware on the way to it."""

from loyalty_app.settings import *  # noqa: F403

ROOT_URLCONF = "bench.peers.jobs"
MIDDLEWARE: list[str] = []
