"""Home, collections, products, pages, and the pictures."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from sandbox import commerce
from sandbox.model import SELLING_PLAN_ID, Collection, Product
from sandbox.storefront import drops
from sandbox.storefront.pictures import picture
from sandbox.storefront.rendering import page
from sandbox.storefront.visit import visit
from sandbox.world import ShopState

pages = Blueprint("pages", __name__)

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8"'
    ' fill="#2f5140"/><path d="M8 11h13v7a6 6 0 0 1-6 6h-1a6 6 0 0 1-6-6zM21 13h2a3 3 0 0 1 0 6h-2"'
    ' fill="none" stroke="#fff" stroke-width="2.4"/></svg>'
)


@pages.get("/")
def home() -> Response:
    state = visit().state
    return page("home", "index", featured=_mixed(state), shelves=_shelves(state))


@pages.get("/collections")
def collections() -> Response:
    return page("collections", "list-collections", shelves=_shelves(visit().state))


@pages.get("/collections/<handle>")
def collection(handle: str) -> Response:
    state = visit().state
    if handle == "all":
        return page(
            "collection",
            "collection",
            title="All products",
            products=list(state.products.values()),
            description="",
        )
    found = state.collection_by_handle(handle) or abort(404)
    products = _products_of(state, found)
    return page(
        "collection", "collection", title=found.title, products=products, description=found.description
    )


@pages.get("/products/<handle>")
@pages.get("/collections/<_collection>/products/<handle>")
def product(handle: str, _collection: str = "") -> Response:
    state = visit().state
    found = state.product_by_handle(handle) or abort(404)
    wanted = request.args.get("variant", "")
    chosen = next((one for one in found.variants if str(one.id) == wanted), found.variants[0])
    shelf = next((c for c in state.collections.values() if found.id in c.product_ids), None)
    related = [other for other in _products_of(state, shelf) if other.id != found.id][:4] if shelf else []
    return page(
        "product",
        "product",
        objects={"product": drops.product(state, found, chosen, visit().app_namespace)},
        product=found,
        variant=chosen,
        collection=shelf,
        related=related,
        subscribable=commerce.can_subscribe(state, chosen),
        selling_plan=SELLING_PLAN_ID,
    )


@pages.get("/pages/rewards")
def rewards() -> Response:
    text = "Earn points with every order and turn them into discounts."
    return page("page", "page", title="Rewards", text=text)


@pages.get("/cdn/shop/products/<handle>.svg")
def product_picture(handle: str) -> Response:
    found = visit().state.product_by_handle(handle)
    drawing = picture(found.picture, found.title) if found else picture("box", "")
    return _svg(drawing)


@pages.get("/cdn/shop/icon.svg")
def icon() -> Response:
    return _svg(_ICON)


def _svg(text: str) -> Response:
    answer = Response(text, mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


def _products_of(state: ShopState, collection: Collection) -> list[Product]:
    return [state.products[one] for one in collection.product_ids if one in state.products]


def _shelves(state: ShopState) -> list[tuple[Collection, Product]]:
    """Each collection with a product for its picture; no product stands for two."""
    shelves: list[tuple[Collection, Product]] = []
    for shelf in state.collections.values():
        used = {product.id for _, product in shelves}
        products = _products_of(state, shelf)
        fresh = [one for one in products if one.id not in used]
        if products:
            shelves.append((shelf, (fresh or products)[-1]))
    return shelves


def _mixed(state: ShopState) -> list[Product]:
    """A few of each shelf in turn, so that the home page shows the whole shop."""
    rows = [_products_of(state, shelf) for shelf in state.collections.values()]
    turns = [
        row[index] for index in range(max(map(len, rows), default=0)) for row in rows if index < len(row)
    ]
    return list({product.id: product for product in turns}.values())
