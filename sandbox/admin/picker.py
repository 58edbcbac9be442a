"""What Shopify's resource picker offers: the shop's products, variants and collections, in its shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox import money
from sandbox.admin.shared import state, world
from sandbox.model import Collection, Product, Variant

picker = Blueprint("picker", __name__, url_prefix="/apps/loyalty")


@picker.get("/resources")
def resources() -> Response:
    """All of one type. The names are those of Product, ProductVariant and Collection of App Bridge."""
    if request.headers.get("X-Requested-With") != "frame" or not state().installation.installed:
        abort(403)
    kind = request.args.get("type", "")
    if kind not in _OFFERED:
        abort(400)
    with world().lock:
        return jsonify(list(_OFFERED[kind]()))


def _products() -> Iterator[dict[str, Any]]:
    for product in state().products.values():
        yield {**_product(product), "variants": [_variant(one, product) for one in product.variants]}


def _variants() -> Iterator[dict[str, Any]]:
    for product in state().products.values():
        yield from ({**_variant(one, product), "product": _product(product)} for one in product.variants)


def _collections() -> Iterator[dict[str, Any]]:
    yield from map(_collection, state().collections.values())


_OFFERED = {"product": _products, "variant": _variants, "collection": _collections}


def _product(product: Product) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Product/{product.id}",
        "title": product.title,
        "handle": product.handle,
        "descriptionHtml": product.description,
        "vendor": product.vendor,
        "productType": product.product_type,
        "tags": product.tags,
        "totalVariants": len(product.variants),
        "createdAt": product.created_at.isoformat(),
        "updatedAt": product.updated_at.isoformat(),
        "status": "ACTIVE",
        "images": [],
    }


def _variant(variant: Variant, product: Product) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{variant.id}",
        "title": variant.title,
        "displayName": f"{product.title} - {variant.title}",
        "price": money.to_text(variant.price, state().shop.currency),
        "sku": variant.sku,
        "taxable": variant.taxable,
        "requiresShipping": variant.requires_shipping,
    }


def _collection(collection: Collection) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Collection/{collection.id}",
        "title": collection.title,
        "handle": collection.handle,
        "description": collection.description,
        "productsCount": len(collection.product_ids),
        "updatedAt": collection.updated_at.isoformat(),
    }
