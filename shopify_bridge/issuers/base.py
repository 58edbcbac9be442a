"""What makes a reward real in a shop, finds what it made, and takes it back.

Calls raise TryAgain where the outcome is unknown, and NeedsHuman where Shopify lets nobody in.
"""

from abc import ABC, abstractmethod
from datetime import datetime

from rewards.models import Redemption
from shopify_bridge.client import AdminClient


class Refused(Exception):
    """Shopify said no for good; the message says why. Nothing was made."""


class Issuer(ABC):
    """`within`: seconds that somebody waits at most."""

    def was_asked(self, redemption: Redemption) -> bool:
        """Whether Shopify may have made it already, at an earlier try."""
        return redemption.attempts > 0

    @abstractmethod
    def find(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        """Shopify's id of what was made for this redemption, if it was."""

    @abstractmethod
    def create(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        """Make it, or adopt what an earlier request made; Shopify's id of it.

        None: something that isn't ours has the code, so another one is to be chosen. Raises Refused.
        """

    def extend(self, client: AdminClient, redemption: Redemption, until: datetime, within: float) -> None:
        """Let what was made be usable until this moment. Raises Refused."""
        raise Refused("What this reward gives can't be given another end.")

    @abstractmethod
    def take_back(self, client: AdminClient, external_ref: str, within: float) -> None:
        """From here on nobody can use it."""

    @abstractmethod
    def note_use(self, client: AdminClient, redemption: Redemption) -> bool:
        """Whether it was used; if so, the redemption has learnt of it."""
