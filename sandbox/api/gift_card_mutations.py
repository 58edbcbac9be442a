"""Gift cards, made, changed and switched off by apps. No call takes an idempotency key; a code of the
caller's own does that.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from sandbox import gift_cards, money
from sandbox.api.context import number
from sandbox.api.gift_card_views import GiftCardView
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.model import GiftCard
from sandbox.orders import Refused

Input = dict[str, Any]
SHORTEST, LONGEST = 8, 20


class GiftCardMutations(MutationSet):
    @mutation()
    def gift_card_create(self, input: Input) -> Payload:
        now = self.world.now()
        amount = self._card_amount(input.get("initialAmount"))
        card = GiftCard(
            id=self.world.new_id(),
            code=self._card_code(input.get("code")),
            currency=self.here.shop.currency,
            initial=amount,
            balance=amount,
            created_at=now,
            updated_at=now,
        )
        self._fill_card(card, input)
        self.world.save(self.here, card)
        return {"giftCard": GiftCardView(self.context, card), "giftCardCode": card.code}

    @mutation()
    def gift_card_update(self, id: str, input: Input) -> Payload:
        card = self._card(id)
        if not input:
            raise Refused("At least one argument is required in the input.", ["input"], "INVALID")
        if card.deactivated_at is not None:
            raise Refused("The gift card is deactivated.", ["id"], "INVALID")
        if input.get("customerId") and card.customer_id not in (
            None,
            number(input["customerId"], "Customer"),
        ):
            raise Refused("The customer can't be changed", ["input", "customerId"], "INVALID")
        self._fill_card(card, input)
        card.updated_at = self.world.now()
        self.world.save(self.here, card)
        return {"giftCard": GiftCardView(self.context, card)}

    @mutation()
    def gift_card_deactivate(self, id: str) -> Payload:
        """For good; the second time nothing changes."""
        card = self._card(id)
        if card.deactivated_at is None:
            card.deactivated_at = card.updated_at = self.world.now()
            self.world.save(self.here, card)
        return {"giftCard": GiftCardView(self.context, card)}

    def _card(self, gid: str) -> GiftCard:
        found = self.here.gift_cards.get(number(gid, "GiftCard"))
        if found is None:
            raise Refused("The gift card could not be found.", ["id"], "GIFT_CARD_NOT_FOUND")
        return found

    def _card_amount(self, given: Input | None) -> int:
        path = ["input", "initialAmount"]
        if given is None:
            raise Refused("Initial amount is required", path, "MISSING_ARGUMENT")
        currency = self.here.shop.currency
        if given["currencyCode"] != currency:
            raise Refused(f"Currency must be {currency}", [*path, "currencyCode"], "INVALID")
        if given["amount"] <= 0:
            raise Refused("must be greater than 0", [*path, "amount"], "GREATER_THAN")
        if given["amount"] > gift_cards.LIMIT:
            message = f"can't exceed {gift_cards.LIMIT} {currency}"
            raise Refused(message, [*path, "amount"], "GIFT_CARD_LIMIT_EXCEEDED")
        return money.to_minor(given["amount"], currency)

    def _card_code(self, given: str | None) -> str:
        if given is None:
            return secrets.token_hex(8)
        code, path = gift_cards.clean(given), ["input", "code"]
        if len(code) < SHORTEST:
            raise Refused(f"Code is too short (minimum is {SHORTEST} characters)", path, "TOO_SHORT")
        if len(code) > LONGEST:
            raise Refused(f"Code is too long (maximum is {LONGEST} characters)", path, "TOO_LONG")
        if not re.fullmatch("[a-z0-9]+", code):
            raise Refused("Code can only contain letters(a-z) and numbers(0-9)", path, "INVALID")
        if self.here.gift_card_by_code(code) is not None:
            raise Refused("Code has already been taken", path, "TAKEN")
        return code

    def _fill_card(self, card: GiftCard, given: Input) -> None:
        if given.get("customerId"):
            self.context.need("customerId", "write_customers")
            customer = self.context.customer(given["customerId"])
            if customer is None:
                path = ["input", "customerId"]
                raise Refused("The customer could not be found.", path, "CUSTOMER_NOT_FOUND")
            card.customer_id = customer.id
        if "expiresOn" in given:
            card.expires_on = given["expiresOn"]
            if gift_cards.is_expired(self.here.shop, card, self.world.now()):
                raise Refused("Expires on must be in the future", ["input", "expiresOn"], "INVALID")
        if "note" in given:
            card.note = given["note"]
