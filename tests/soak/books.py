"""What the app's database and the sandbox say at the end; read, and never asked of the app itself."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from loyalty_app import embedded
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

CONNECT_SECONDS = 5
MEMBERS = """
    SELECT i.external_id, m.available + m.pending + m.reserved + m.debt
    FROM rewards_identity i JOIN rewards_member m ON m.program_id = i.program_id AND m.id = i.member_id
    WHERE i.external_id = ANY(%s)
"""
AVAILABLE = """
    SELECT m.available
    FROM rewards_identity i JOIN rewards_member m ON m.program_id = i.program_id AND m.id = i.member_id
    WHERE i.external_id = %s
"""
REDEMPTIONS = "SELECT code, state, points FROM rewards_redemption WHERE customer_id = ANY(%s)"
WAITING = """
    SELECT customer_id, id FROM rewards_redemption
    WHERE customer_id = ANY(%s) AND state = 'reserved' ORDER BY due_at DESC
"""
CODES = """
query($after: String) {
  codeDiscountNodes(first: 250, after: $after) {
    nodes { codeDiscount { ... on DiscountCodeBasic { status codes(first: 1) { nodes { code } } } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


class Books:
    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._connection: psycopg.Connection | None = None

    # -- the app's database -----------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Over a connection that is made anew after PostgreSQL was killed."""
        if self._connection is not None and not self._connection.closed:
            try:
                return self._connection.execute(query, values).fetchall()  # type: ignore[arg-type]
            except psycopg.OperationalError:
                self._connection.close()
        self._connection = self._connect()
        return self._connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(embedded.socket_folder(self._demo.var)),
            user="postgres",
            dbname=embedded.DATABASE,
            connect_timeout=CONNECT_SECONDS,
            autocommit=True,
        )

    def balances(self, customers: list[int]) -> dict[int, int]:
        """All points of each customer; who is no member is left out."""
        return dict(self.rows(MEMBERS, customers))  # type: ignore[arg-type]

    def available(self, customer: int) -> int:
        return int(self.rows(AVAILABLE, customer)[0][0])

    def redemptions(self, customers: list[int]) -> dict[str, tuple[str, int]]:
        """code -> (state, points)"""
        return {code: (state, points) for code, state, points in self.rows(REDEMPTIONS, customers)}

    def waiting_redemptions(self, customers: list[int]) -> list[tuple[int, int]]:
        """(customer, redemption), those first that wait for longest yet."""
        return self.rows(WAITING, customers)  # type: ignore[return-value]

    def inbox(self, state: str) -> int:
        rows = self.rows("SELECT count(*) FROM shopify_bridge_inboxrow WHERE state = %s", state)
        return int(rows[0][0])

    def kept(self, webhook_ids: list[str]) -> int:
        """How many of these deliveries have a row."""
        query = "SELECT count(*) FROM shopify_bridge_inboxrow WHERE webhook_id = ANY(%s)"
        return int(self.rows(query, webhook_ids)[0][0])

    def open_gaps(self) -> int:
        return int(self.rows("SELECT count(*) FROM shopify_bridge_gap WHERE healed_at IS NULL")[0][0])

    def shop_state(self) -> tuple[str, datetime]:
        state, until = self.rows("SELECT state, access_token_expires_at FROM shopify_bridge_shop")[0]
        return state, until

    def end_token(self) -> None:
        """To the app its access token has expired."""
        query = "UPDATE shopify_bridge_shop SET access_token_expires_at = %s RETURNING id"
        self.rows(query, datetime.now(UTC))

    # -- the sandbox ------------------------------------------------------------------------------------

    def codes(self, shop: Shop) -> dict[str, str]:
        """code -> status, of all discounts in the shop"""
        found: dict[str, str] = {}
        after = None
        while True:
            page = shop.admin(CODES, after=after)["codeDiscountNodes"]
            for node in page["nodes"]:
                discount = node["codeDiscount"]
                found[discount["codes"]["nodes"][0]["code"]] = discount["status"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def app_tokens(self) -> list[tuple[str, str | None]]:
        """(access token, the one it replaced) of each pair of the app's that still lives in the sandbox."""
        query = """
            SELECT json_extract(body, '$.access'), json_extract(body, '$.replaces') FROM objects
            WHERE kind = 'token' AND json_extract(body, '$.owner') = 'app'
        """
        with self._sandbox() as store:
            return store.execute(query).fetchall()

    @contextlib.contextmanager
    def _sandbox(self) -> Iterator[sqlite3.Connection]:
        file = self._demo.var / "sandbox" / "sandbox.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            yield store
