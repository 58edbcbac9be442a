"""Rewards that are gift cards of the shop. Our code is chosen and stored before Shopify is asked, as for a
discount; its note, which no shopper sees, says that a card is ours.

A card that was begun to be spent is used, whatever is left on it: it stays good, and no points come back.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/giftCardCreate
"""

import logging
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rewards import redemptions
from rewards.models import Redemption
from rewards.money import major
from shopify_bridge.client import PATIENCE_SECONDS, AdminClient, TryAgain, user_errors
from shopify_bridge.issuers.base import Issuer, Refused
from shopify_bridge.issuers.discount import title

log = logging.getLogger(__name__)

Json = dict[str, Any]
SHOWN_CHARACTERS = 4
"""The end of a code, all of it that Shopify ever shows."""


class GiftCardIssuer(Issuer):
    def find(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        wanted = title(redemption)
        return next(
            (card["id"] for card in _found(client, redemption, within) if card["note"] == wanted), None
        )

    def create(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        data = client.run("gift_card_create", {"card": _card(redemption)}, within=within)["giftCardCreate"]
        errors = user_errors(data)
        if not errors:
            made: str = data["giftCard"]["id"]
            return made
        if any(error.get("code") == "TAKEN" for error in errors):
            return self._adopted(client, redemption, within)
        raise _refusal(errors)

    def extend(self, client: AdminClient, redemption: Redemption, until: datetime, within: float) -> None:
        change = {"expiresOn": _last_day(redemption, until)}
        variables = {"id": redemption.external_ref, "card": change}
        data = client.run("gift_card_update", variables, within=within)["giftCardUpdate"]
        if errors := user_errors(data):
            raise _refusal(errors)

    def take_back(self, client: AdminClient, external_ref: str, within: float) -> None:
        """One that was begun to be spent stays as it is: the rest of it is the shopper's."""
        if _is_untouched(client, external_ref, within):
            data = client.run("gift_card_deactivate", {"id": external_ref}, within=within)
            if errors := user_errors(data["giftCardDeactivate"]):
                log.info("gift card was gone already", extra={"why": errors[0].get("code")})

    def note_use(self, client: AdminClient, redemption: Redemption) -> bool:
        """Orders don't say which card paid for them, but what is left on it does."""
        if not redemption.external_ref or _is_untouched(client, redemption.external_ref):
            return False
        redemptions.used(redemption.program_id, redemption.pk)
        return True

    def _adopted(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        """The code is taken: by a request of ours whose answer was lost, or (None) by another card.

        While none is seen to have it, it may be ours: with another code there could be two in the end.
        """
        if ours := self.find(client, redemption, within):
            return ours
        end = redemption.code[-SHOWN_CHARACTERS:].lower()
        if any(card["lastCharacters"].lower() == end for card in _found(client, redemption, within)):
            return None
        raise TryAgain("Shopify says that the code is taken and doesn't show by what", sent=True)


def _card(redemption: Redemption) -> Json:
    """What the card says. It is good until the end of its last day in the shop."""
    assert redemption.value is not None  # every gift card has a value
    program = redemption.program
    amount = {"amount": major(redemption.value, program.currency), "currencyCode": program.currency}
    return {
        "initialAmount": amount,
        "code": redemption.code,
        "customerId": f"gid://shopify/Customer/{redemption.customer_id}",
        "expiresOn": _last_day(redemption, redemption.expires_at) if redemption.expires_at else None,
        "note": title(redemption),
    }


def _last_day(redemption: Redemption, until: datetime) -> str:
    return until.astimezone(ZoneInfo(redemption.program.timezone)).date().isoformat()


def _refusal(errors: list[Json]) -> Refused:
    return Refused(f"Shopify refused the gift card: {'; '.join(str(error['message']) for error in errors)}")


def _found(client: AdminClient, redemption: Redemption, within: float) -> list[Json]:
    """Cards that a search for the code brings up: it looks into notes and names as well."""
    data = client.run("gift_cards_found", {"search": redemption.code}, within=within)
    cards: list[Json] = data["giftCards"]["nodes"]
    return cards


def _is_untouched(client: AdminClient, external_ref: str, within: float = PATIENCE_SECONDS) -> bool:
    """Whether all of it is left."""
    card = client.run("gift_card_left", {"id": external_ref}, within=within)["giftCard"]
    return card is None or Decimal(card["balance"]["amount"]) == Decimal(card["initialValue"]["amount"])
