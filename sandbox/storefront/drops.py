"""The objects of Shopify that a theme app extension reads, as plain dictionaries for the Liquid library.

https://shopify.dev/docs/api/liquid/objects
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.commerce import Totals
from sandbox.model import Customer, Metafield, Product, Variant
from sandbox.storefront.prices import liquid_cents
from sandbox.storefront.visit import Visit
from sandbox.world import ShopState

Drop = dict[str, Any]


def metafields(state: ShopState, owner: str, app_namespace: str) -> Drop:
    """Values by namespace and key; the app's own namespace is called `$app` in its extension."""
    found: Drop = {}
    for (owner_id, namespace, key), metafield in state.metafields.items():
        if owner_id == owner:
            shown = "$app" if namespace == app_namespace else namespace
            found.setdefault(shown, {})[key] = {"value": _value(metafield), "type": metafield.type}
    return found


def _value(metafield: Metafield) -> Any:
    if metafield.type == "json" or metafield.type.startswith("list."):
        return json.loads(metafield.value)
    if metafield.type == "boolean":
        return metafield.value == "true"
    return int(metafield.value) if metafield.type == "number_integer" else metafield.value


def app(state: ShopState, app_namespace: str) -> Drop:
    owner = f"gid://shopify/AppInstallation/{state.installation.id}"
    return {"metafields": metafields(state, owner, app_namespace)}


def shop(state: ShopState, app_namespace: str) -> Drop:
    return {
        "id": state.shop.id,
        "name": state.shop.name,
        "currency": state.shop.currency,
        "domain": state.domain,
        "permanent_domain": state.domain,
        "money_format": "${{amount}}",
        "url": f"https://{state.domain}",
        "secure_url": f"https://{state.domain}",
        "customer_accounts_enabled": True,
        "locale": "en",
        "metafields": metafields(state, f"gid://shopify/Shop/{state.shop.id}", app_namespace),
    }


def customer(state: ShopState, person: Customer | None, app_namespace: str) -> Drop | None:
    if person is None:
        return None
    orders = state.orders_of(person.id)
    return {
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": person.display_name,
        "email": person.email,
        "tags": list(person.tags),
        "orders_count": len(orders),
        "has_account": True,
        "metafields": metafields(state, f"gid://shopify/Customer/{person.id}", app_namespace),
    }


def product(state: ShopState, thing: Product, chosen: Variant, app_namespace: str) -> Drop:
    cents = [liquid_cents(one.price, state.shop.currency) for one in thing.variants]
    image = {"src": f"/cdn/shop/products/{thing.handle}.svg", "alt": thing.title, "width": 800, "height": 800}
    return {
        "id": thing.id,
        "title": thing.title,
        "handle": thing.handle,
        "url": f"/products/{thing.handle}",
        "description": thing.description,
        "vendor": thing.vendor,
        "type": thing.product_type,
        "tags": list(thing.tags),
        "price": min(cents),
        "price_min": min(cents),
        "price_max": max(cents),
        "price_varies": min(cents) != max(cents),
        "available": True,
        "gift_card?": thing.gift_card,
        "featured_image": image,
        "collections": [
            {"id": c.id, "handle": c.handle, "title": c.title}
            for c in state.collections.values()
            if thing.id in c.product_ids
        ],
        "variants": [_variant(state, one) for one in thing.variants],
        "selected_or_first_available_variant": _variant(state, chosen),
        "metafields": metafields(state, f"gid://shopify/Product/{thing.id}", app_namespace),
    }


def _variant(state: ShopState, variant: Variant) -> Drop:
    return {
        "id": variant.id,
        "title": variant.title,
        "price": liquid_cents(variant.price, state.shop.currency),
        "sku": variant.sku,
        "available": True,
    }


def cart(state: ShopState, totals: Totals) -> Drop:
    def cents(minor: int) -> int:
        return liquid_cents(minor, state.shop.currency)

    items = [
        {
            "id": line.variant.id,
            "variant_id": line.variant.id,
            "product_id": line.product.id,
            "title": line.product.title,
            "quantity": line.quantity,
            "price": cents(line.variant.price),
            "original_line_price": cents(line.gross),
            "final_line_price": cents(line.net),
            "gift_card": line.product.gift_card,
        }
        for line in totals.lines
    ]
    return {
        "item_count": totals.pieces,
        "empty?": not items,
        "items": items,
        "items_subtotal_price": cents(totals.subtotal),
        "original_total_price": cents(sum(line.gross for line in totals.lines)),
        "total_discount": cents(totals.line_discount),
        "total_price": cents(totals.subtotal),
        "currency": {"iso_code": state.shop.currency},
    }


def request_drop(visit: Visit, page_type: str, path: str) -> Drop:
    return {
        "locale": _language(visit.locale),
        "page_type": page_type,
        "path": path,
        "host": visit.state.domain,
        "origin": f"https://{visit.state.domain}",
        "design_mode": False,
        "visual_preview_mode": False,
    }


def localization(visit: Visit) -> Drop:
    return {
        "language": _language(visit.locale),
        "country": {
            "iso_code": visit.state.shop.country,
            "currency": {"iso_code": visit.state.shop.currency},
        },
    }


def _language(code: str) -> Drop:
    return {"iso_code": code, "primary": code == "en", "root_url": "/", "endonym_name": code, "name": code}


ROUTES: Drop = {
    "root_url": "/",
    "account_url": "/account",
    "account_login_url": "/account/login",
    "account_logout_url": "/account/logout",
    "account_register_url": "/account/login",
    "storefront_login_url": "/account/login",
    "cart_url": "/cart",
    "cart_add_url": "/cart/add",
    "cart_change_url": "/cart/change",
    "cart_update_url": "/cart/update",
    "collections_url": "/collections",
    "all_products_collection_url": "/collections/all",
}
