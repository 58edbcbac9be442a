"""Rewards that Shopify has no part in: the merchant hands them over, pays them out or draws them."""

from datetime import datetime

from rewards.models import Redemption
from shopify_bridge.client import AdminClient
from shopify_bridge.issuers.base import Issuer

MADE = "own"
"""Stands where others have Shopify's id."""


class OwnIssuer(Issuer):
    """There is nothing to make, so it is always there, and always taken back."""

    def find(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        return MADE

    def create(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        return MADE

    def extend(self, client: AdminClient, redemption: Redemption, until: datetime, within: float) -> None:
        """Its end is known here alone."""

    def take_back(self, client: AdminClient, external_ref: str, within: float) -> None:
        """Its code is good for nothing but the state of its redemption."""

    def note_use(self, client: AdminClient, redemption: Redemption) -> bool:
        return False
