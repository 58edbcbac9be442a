"""Opening the app inside the admin."""

from __future__ import annotations

from sandbox import installation
from sandbox.config import Config
from sandbox.world import ShopState

#: The app's own first page, below its address.
APP_HOME = "/app/"
#: The one merchant of the sandbox; tokens of the admin are theirs.
STAFF = {"id": 71000000001, "name": "Robin Harbour", "email": "owner@demo.example.com"}


def app_address(config: Config, state: ShopState, path: str, query: str) -> str:
    """The address with what the admin's own address says, then what Shopify adds."""
    together = "&".join(filter(None, [query, installation.home_query(config, state)]))
    return f"{config.app_url}{APP_HOME}{path}?{together}"
