"""Store credit: given, spent, reverted, expired. What expires soonest is spent first.

Every function is called inside `with world.change():`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.model import StoreCreditAccount, StoreCreditTransaction
from sandbox.world import ShopState, World

GATEWAY = "shopify_store_credit"
_NEVER = datetime.max.replace(tzinfo=UTC)


def account_of(state: ShopState, customer_id: int, currency: str) -> StoreCreditAccount | None:
    own = (one for one in state.store_credit.values() if one.customer_id == customer_id)
    return next((one for one in own if one.currency == currency), None)


def balance_of(world: World, state: ShopState, customer_id: int | None) -> int:
    """What the customer may spend in this shop now."""
    account = account_of(state, customer_id or 0, state.shop.currency)
    return lapse(world, state, account).balance if account else 0


def lapse(world: World, state: ShopState, account: StoreCreditAccount) -> StoreCreditAccount:
    """What was not spent of a credit leaves the account when the credit expires."""
    for over in [one for one in _spendable(account) if one.expires_at and one.expires_at <= world.now()]:
        gone = _move(world, account, "expiration", -over.remaining, "ADJUSTMENT")
        gone.created_at, gone.parent_id = over.expires_at or gone.created_at, over.id
        over.lapsed = True
        world.save(state, account)
    return account


def credit(
    world: World, state: ShopState, account: StoreCreditAccount, amount: int, expires_at: datetime | None
) -> StoreCreditTransaction:
    lapse(world, state, account)
    made = _move(world, account, "credit", amount, "ADJUSTMENT")
    made.expires_at, made.remaining = expires_at, amount
    world.save(state, account)
    return made


def debit(
    world: World, state: ShopState, account: StoreCreditAccount, amount: int, event: str = "ADJUSTMENT"
) -> StoreCreditTransaction:
    """`amount` is at most the balance."""
    left = amount
    for spent in _spendable(account):
        part = min(left, spent.remaining)
        spent.remaining -= part
        left -= part
    made = _move(world, account, "debit", -amount, event)
    world.save(state, account)
    return made


def revert(world: World, state: ShopState, debit_id: int, amount: int) -> None:
    """Gives back a part of what a debit took; as credit that doesn't expire."""
    accounts = state.store_credit.values()
    account = next((one for one in accounts if any(t.id == debit_id for t in one.transactions)), None)
    if account is None:
        return
    made = _move(world, lapse(world, state, account), "debit_revert", amount, "ORDER_REFUND")
    made.parent_id, made.remaining = debit_id, amount
    world.save(state, account)


def _spendable(account: StoreCreditAccount) -> list[StoreCreditTransaction]:
    """What is left of which credit, the soonest to expire first."""
    found = [one for one in account.transactions if one.remaining and not one.lapsed]
    return sorted(found, key=lambda one: (one.expires_at or _NEVER, one.id))


def _move(
    world: World, account: StoreCreditAccount, kind: str, amount: int, event: str
) -> StoreCreditTransaction:
    account.balance += amount
    made = StoreCreditTransaction(world.new_id(), kind, amount, account.balance, world.now(), event)
    account.transactions.append(made)
    return made
