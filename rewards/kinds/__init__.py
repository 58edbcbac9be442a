"""The kinds of rewards. A new one: a class in a module here, its line in `KINDS`, its settings in
`docs/program.schema.json`. See docs/add-a-reward.md.
"""

from typing import Any

from rewards.kinds.base import BadChoice, Kind, Price
from rewards.kinds.donation import Donation
from rewards.kinds.draw import Draw
from rewards.kinds.exclusive import Exclusive
from rewards.kinds.fixed import Fixed
from rewards.kinds.free_product import FreeProduct
from rewards.kinds.free_shipping import FreeShipping
from rewards.kinds.gift_card import GiftCard
from rewards.kinds.percentage import Percentage
from rewards.kinds.store_credit import StoreCredit
from rewards.kinds.variable import Variable

__all__ = ["KINDS", "BadChoice", "Kind", "Price", "of"]

Json = dict[str, Any]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *(Fixed(), Percentage(), FreeShipping(), Variable(), FreeProduct()),
        *(Exclusive(), Donation(), Draw()),
        *(StoreCredit(), GiftCard()),
    )
}


def of(reward: Json) -> Kind:
    """The kind of a reward."""
    return KINDS[reward["kind"]]
