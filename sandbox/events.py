"""What the shop tells its apps: which change sends which topics."""

from __future__ import annotations

from sandbox import order_payloads, payloads
from sandbox.model import Customer, Order, Refund
from sandbox.world import ShopState, World


def order(world: World, state: ShopState, order: Order, *topics: str) -> None:
    payload = order_payloads.order(state, order)
    for topic in topics:
        world.emit(state, topic, payload)


def order_deleted(world: World, state: ShopState, order: Order) -> None:
    world.emit(state, "orders/delete", {"id": order.id})


def order_edited(
    world: World, state: ShopState, order: Order, added: list[tuple[int, int]], removed: list[tuple[int, int]]
) -> None:
    world.emit(state, "orders/edited", order_payloads.order_edit(world, order, added, removed))


def refund(world: World, state: ShopState, order: Order, refund: Refund) -> None:
    world.emit(state, "refunds/create", order_payloads.refund(order, refund))


def customer(world: World, state: ShopState, customer: Customer, topic: str) -> None:
    world.emit(state, topic, payloads.customer(state, customer))


def customer_deleted(world: World, state: ShopState, customer: Customer) -> None:
    world.emit(state, "customers/delete", payloads.customer_deleted(customer))


def customers_merged(world: World, state: ShopState, kept: Customer, lost: Customer) -> None:
    world.emit(state, "customers/merge", payloads.customer_merge(world, kept, lost))


def email_consent(world: World, state: ShopState, customer: Customer) -> None:
    world.emit(state, "customers_email_marketing_consent/update", payloads.email_consent(state, customer))


def sms_consent(world: World, state: ShopState, customer: Customer) -> None:
    world.emit(state, "customers_marketing_consent/update", payloads.sms_consent(state, customer))


def tags(world: World, state: ShopState, customer: Customer, added: list[str], removed: list[str]) -> None:
    for topic, changed in (("customer.tags_added", added), ("customer.tags_removed", removed)):
        if changed:
            world.emit(state, topic, payloads.customer_tags(world, customer, changed))


def shop(world: World, state: ShopState, topic: str) -> None:
    world.emit(state, topic, payloads.shop(state))
