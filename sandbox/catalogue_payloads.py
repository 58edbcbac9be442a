"""Payloads of products and collections."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.model import Collection, Product, Variant
from sandbox.payloads import Json, gid, tags_text, time_text
from sandbox.world import ShopState


def product(state: ShopState, product: Product) -> Json:
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": product.id,
        "admin_graphql_api_id": gid("Product", product.id),
        "title": product.title,
        "body_html": product.description,
        "handle": product.handle,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": tags_text(product.tags),
        "status": "active",
        "created_at": time_text(product.created_at, zone),
        "updated_at": time_text(product.updated_at, zone),
        "published_at": time_text(product.created_at, zone),
        "published_scope": "global",
        "template_suffix": None,
        "variants": [_variant(state, product, place) for place in range(len(product.variants))],
        "variant_gids": [
            {
                "admin_graphql_api_id": gid("ProductVariant", variant.id),
                "updated_at": product.updated_at.isoformat(timespec="milliseconds"),
            }
            for variant in product.variants
        ],
        "options": [_option(product)],
        "images": [],
        "image": None,
        "media": [],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def _variant(state: ShopState, product: Product, place: int) -> Json:
    variant: Variant = product.variants[place]
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": variant.id,
        "admin_graphql_api_id": gid("ProductVariant", variant.id),
        "product_id": product.id,
        "title": variant.title,
        "price": money.to_text(variant.price, state.shop.currency),
        "compare_at_price": None,
        "position": place + 1,
        "sku": variant.sku,
        "barcode": None,
        "taxable": variant.taxable,
        "option1": variant.title,
        "option2": None,
        "option3": None,
        "image_id": None,
        "inventory_item_id": variant.id + 1,
        "inventory_policy": "deny",
        "inventory_quantity": 0,
        "old_inventory_quantity": 0,
        "created_at": time_text(product.created_at, zone),
        "updated_at": time_text(product.updated_at, zone),
    }


def _option(product: Product) -> Json:
    return {
        "id": product.id + 1,
        "product_id": product.id,
        "name": "Title",
        "position": 1,
        "values": [variant.title for variant in product.variants],
    }


def collection(state: ShopState, collection: Collection) -> Json:
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": collection.id,
        "admin_graphql_api_id": gid("Collection", collection.id),
        "handle": collection.handle,
        "title": collection.title,
        "body_html": collection.description,
        "updated_at": time_text(collection.updated_at, zone),
        "published_at": time_text(collection.updated_at, zone),
        "published_scope": "global",
        "sort_order": "manual",
        "template_suffix": None,
    }


def collection_deleted(collection: Collection) -> Json:
    return {
        "id": collection.id,
        "published_scope": "global",
        "admin_graphql_api_id": gid("Collection", collection.id),
    }
