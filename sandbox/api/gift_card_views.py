"""Views of gift cards. The whole code is told once, to whoever made the card."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox import gift_cards, money
from sandbox.api.context import Context
from sandbox.api.search import Searchable
from sandbox.api.views import CustomerView, View, amount
from sandbox.model import GiftCard


class GiftCardView(View):
    kind = "GiftCard"
    it: GiftCard

    @property
    def balance(self) -> dict[str, Any]:
        return amount(self.it.balance, self.it.currency)

    @property
    def initial_value(self) -> dict[str, Any]:
        return amount(self.it.initial, self.it.currency)

    @property
    def enabled(self) -> bool:
        return self.it.deactivated_at is None

    @property
    def last_characters(self) -> str:
        return self.it.code[-4:]

    @property
    def masked_code(self) -> str:
        return f"•••• •••• •••• {self.last_characters}"

    @property
    def customer(self) -> CustomerView | None:
        found = self.here.customers.get(self.it.customer_id or 0)
        return CustomerView(self.context, found) if found else None


def searchable(context: Context) -> Searchable:
    """A plain word is looked for in whole codes too, and in the names of customers."""

    def status(card: GiftCard) -> str:
        if card.deactivated_at is not None:
            return "disabled"
        over = gift_cards.is_expired(context.state.shop, card, context.world.now())
        return "expired" if over else "enabled"

    def balance_status(card: GiftCard) -> list[str]:
        if not card.balance:
            return ["empty"]
        return ["full" if card.balance == card.initial else "partial", "full_or_partial"]

    def last_day(card: GiftCard) -> datetime | None:
        return datetime.fromisoformat(card.expires_on).replace(tzinfo=UTC) if card.expires_on else None

    def words(card: GiftCard) -> str:
        customer = context.state.customers.get(card.customer_id or 0)
        return f"{card.code} {customer.display_name} {customer.email}" if customer else card.code

    return Searchable(
        exact={
            "id": lambda c: c.id,
            "status": status,
            "balance_status": balance_status,
            "customer_id": lambda c: c.customer_id,
            "initial_value": lambda c: money.to_decimal(c.initial, c.currency),
            "source": lambda c: "api_client",
        },
        dates={"created_at": lambda c: c.created_at, "expires_on": last_day},
        default=words,
    )
