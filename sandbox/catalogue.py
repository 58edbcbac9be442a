"""Products and collections that change: each change with its webhooks.

Every function is called inside `with world.change():`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from sandbox import catalogue_payloads
from sandbox.model import Collection, Items, Product, Variant
from sandbox.world import ShopState, World


def product_made(world: World, state: ShopState, product: Product) -> None:
    world.save(state, product)
    world.emit(state, "products/create", catalogue_payloads.product(state, product))


def product_changed(world: World, state: ShopState, product: Product) -> None:
    product.updated_at = world.now()
    world.save(state, product)
    world.emit(state, "products/update", catalogue_payloads.product(state, product))


def delete_product(world: World, state: ShopState, product: Product) -> None:
    """It leaves its collections and the discounts that name it, and no line of an order names it any more;
    the orders don't change.
    """
    for collection in state.collections.values():
        if product.id in collection.product_ids:
            collection.product_ids.remove(product.id)
            world.save(state, collection)
    for order in state.orders.values():
        lines = [line for line in order.lines if line.product_id == product.id]
        for line in lines:
            line.product_id = line.variant_id = None
        if lines:
            world.save(state, order)
    _leave_discounts(world, state, [product.id], [variant.id for variant in product.variants])
    world.remove(state, product)
    world.emit(state, "products/delete", {"id": product.id})


def _leave_discounts(
    world: World,
    state: ShopState,
    products: Container[int] = (),
    variants: Container[int] = (),
    collections: Container[int] = (),
) -> None:
    """A discount that was for nothing else stays, and applies to nothing."""
    for discount in state.discounts.values():
        for items in (discount.items, discount.buys.items if discount.buys else Items()):
            before = replace(items)
            items.product_ids = _without(items.product_ids, products)
            items.variant_ids = _without(items.variant_ids, variants)
            items.collection_ids = _without(items.collection_ids, collections)
            if items != before:
                world.save(state, discount)


def _without(ids: list[int] | None, gone: Container[int]) -> list[int] | None:
    return None if ids is None else [one for one in ids if one not in gone]


def replace_variants(world: World, state: ShopState, product: Product, variants: list[Variant]) -> None:
    gone = [variant.id for variant in product.variants]
    for variant_id in gone:
        state.variants.pop(variant_id, None)
    _leave_discounts(world, state, variants=gone)
    product.variants = variants


def collection_made(world: World, state: ShopState, collection: Collection) -> None:
    world.save(state, collection)
    world.emit(state, "collections/create", catalogue_payloads.collection(state, collection))


def collection_changed(world: World, state: ShopState, collection: Collection) -> None:
    """Once for all products that came or went together."""
    collection.updated_at = world.now()
    world.save(state, collection)
    world.emit(state, "collections/update", catalogue_payloads.collection(state, collection))


def delete_collection(world: World, state: ShopState, collection: Collection) -> None:
    """Its products stay."""
    _leave_discounts(world, state, collections=[collection.id])
    world.remove(state, collection)
    world.emit(state, "collections/delete", catalogue_payloads.collection_deleted(collection))


def fill(world: World, state: ShopState, collection: Collection, product_ids: Iterable[int]) -> None:
    """Just these products are in the collection, in this order."""
    wanted = list(dict.fromkeys(product_ids))
    if wanted != collection.product_ids:
        collection.product_ids = wanted
        collection_changed(world, state, collection)
