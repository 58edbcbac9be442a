"""Customers' store credit as Shopify shows it. There is an account for each currency.

https://shopify.dev/docs/api/admin-graphql/latest/objects/StoreCreditAccount
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopify_bridge.client import AdminClient, user_errors

Json = dict[str, Any]
SHOWN_MOST = 100


class Rejected(Exception):
    """Shopify doesn't add this; the message says why."""


class NoCustomer(LookupError):
    """Shopify knows no such customer."""

    def __init__(self) -> None:
        super().__init__("there is no such customer any more")


@dataclass(frozen=True, slots=True)
class Transaction:
    """An amount that was added to an account, by whomever."""

    id: str
    amount: Decimal
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, node: Json) -> "Transaction":
        return cls(
            node["id"],
            Decimal(node["amount"]["amount"]),
            datetime.fromisoformat(node["createdAt"]),
            datetime.fromisoformat(node["expiresAt"]) if node["expiresAt"] else None,
        )

    @property
    def number(self) -> int:
        """Shopify counts upwards."""
        return int(self.id.rpartition("/")[2])

    def as_data(self) -> Json:
        ends = self.expires_at.isoformat() if self.expires_at else None
        return {"id": self.id, "created_at": self.created_at.isoformat(), "expires_at": ends}


@dataclass(frozen=True, slots=True)
class Lately:
    """The latest additions to an account, newest first; `is_cut`: there were others before."""

    transactions: Sequence[Transaction] = ()
    is_cut: bool = False

    @property
    def newest(self) -> int:
        """The number of the last one; 0: there is none."""
        return max((one.number for one in self.transactions), default=0)

    def newer_than(self, number: int) -> list[Transaction] | None:
        """None: there may be more than are shown."""
        newer = [one for one in self.transactions if one.number > number]
        return None if self.is_cut and len(newer) == len(self.transactions) else newer


def lately(client: AdminClient, customer_id: int, currency: str, within: float) -> Lately:
    """What was lately added to a customer's account. Raises NoCustomer."""
    variables = {"customer": _gid(customer_id), "most": SHOWN_MOST}
    customer = client.run("store_credit_seen", variables, within=within)["customer"]
    if customer is None:
        raise NoCustomer
    for account in customer["storeCreditAccounts"]["nodes"]:
        if account["balance"]["currencyCode"] == currency:
            page = account["transactions"]
            added = [Transaction.of(node) for node in page["nodes"] if "amount" in node]
            return Lately(added, page["pageInfo"]["hasNextPage"])
    return Lately()


def add(
    client: AdminClient,
    customer_id: int,
    amount: Decimal,
    currency: str,
    ends: datetime | None,
    within: float,
) -> str:
    """Ask Shopify to add an amount; the transaction's id. Raises Rejected. Twice adds twice."""
    credit = {
        "creditAmount": {"amount": str(amount), "currencyCode": currency},
        "expiresAt": ends.isoformat() if ends else None,
    }
    variables = {"customer": _gid(customer_id), "credit": credit}
    data = client.run("store_credit_add", variables, within=within)["storeCreditAccountCredit"]
    if errors := user_errors(data):
        raise Rejected("; ".join(str(error["message"]) for error in errors))
    made: str = data["storeCreditAccountTransaction"]["id"]
    return made


def is_on(client: AdminClient, within: float) -> bool:
    """Whether shoppers can pay with their store credit in this shop."""
    enabled: bool = client.run("store_credit_is_on", within=within)["storeCreditConfiguration"][
        "storeCreditEnabled"
    ]
    return enabled


def _gid(customer_id: int) -> str:
    return f"gid://shopify/Customer/{customer_id}"
