"""Gift cards: which can be used, and what leaves them or comes back.

Every function is called inside `with world.change():`.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.model import GiftCard, Shop
from sandbox.world import ShopState, World

GATEWAY = "gift_card"
LIMIT = 2000  # units of the shop's currency: the most that one may hold


def clean(code: str) -> str:
    """As it is kept: people type cards in groups, and in any case."""
    return re.sub(r"[\s-]", "", code).lower()


def is_expired(shop: Shop, card: GiftCard, now: datetime) -> bool:
    """The last day counts in the shop's own time."""
    today = now.astimezone(ZoneInfo(shop.timezone)).date().isoformat()
    return card.expires_on is not None and card.expires_on < today


def problem(world: World, state: ShopState, card: GiftCard | None) -> str | None:
    """Why it can't be used, in words for the shopper."""
    if card is None:
        return "There is no gift card with this code"
    name = f"The gift card that ends in {card.code[-4:]}"
    if card.deactivated_at is not None:
        return f"{name} was deactivated"
    if is_expired(state.shop, card, world.now()):
        return f"{name} has expired"
    return None if card.balance else f"{name} is used up"


def usable(world: World, state: ShopState, card_ids: list[int]) -> list[GiftCard]:
    cards = [state.gift_cards[one] for one in card_ids if one in state.gift_cards]
    return [card for card in cards if problem(world, state, card) is None]


def move(world: World, state: ShopState, card: GiftCard, amount: int) -> None:
    """Negative: it is spent."""
    card.balance += amount
    card.updated_at = world.now()
    world.save(state, card)
