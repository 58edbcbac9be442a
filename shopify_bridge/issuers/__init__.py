"""Who makes which rewards real, by the name that `rewards.kinds` calls it."""

from rewards import kinds
from rewards.models import Redemption
from shopify_bridge.issuers.base import Issuer, Refused
from shopify_bridge.issuers.discount import DiscountIssuer
from shopify_bridge.issuers.gift_card import GiftCardIssuer
from shopify_bridge.issuers.own import OwnIssuer
from shopify_bridge.issuers.store_credit import StoreCreditIssuer

__all__ = ["ISSUERS", "Issuer", "Refused", "of"]

ISSUERS: dict[str, Issuer] = {
    "discount": DiscountIssuer(),
    "gift_card": GiftCardIssuer(),
    "own": OwnIssuer(),
    "store_credit": StoreCreditIssuer(),
}


def of(redemption: Redemption) -> Issuer:
    """Whoever makes this one."""
    return ISSUERS[kinds.of(redemption.reward).made_by]
