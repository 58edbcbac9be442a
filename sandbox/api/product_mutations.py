"""Products and collections, as far as drivers need them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from sandbox import catalogue, money
from sandbox.api.context import number
from sandbox.api.customer_mutations import clean_tags
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.views import CollectionView, ProductView
from sandbox.model import Collection, Product, Variant
from sandbox.orders import Refused

Input = dict[str, Any]
_TEXTS = {
    "title": "title",
    "descriptionHtml": "description",
    "productType": "product_type",
    "vendor": "vendor",
}


class ProductMutations(MutationSet):
    @mutation()
    def product_create(self, product: Input | None = None, input: Input | None = None) -> Payload:
        made = self._drafted(product or input or {})
        catalogue.product_made(self.world, self.here, made)
        return {"product": ProductView(self.context, made)}

    @mutation()
    def product_set(self, input: Input, identifier: Input | None = None, synchronous: bool = True) -> Payload:
        """Makes a product or brings one up to date; a list that is given replaces the former one."""
        known = self._identified(identifier or {})
        product = known or self._drafted(input)
        if known:
            self._fill_product(product, input)
        if input.get("variants"):
            variants = [self._variant(product, given) for given in input["variants"]]
            catalogue.replace_variants(self.world, self.here, product, variants)
        announce = catalogue.product_changed if known else catalogue.product_made
        announce(self.world, self.here, product)
        if input.get("collections") is not None:
            wanted = [number(gid, "Collection") for gid in input["collections"]]
            self._join(product, wanted, [one for one in self.here.collections if one not in wanted])
        return {"product": ProductView(self.context, product)}

    @mutation()
    def product_update(self, product: Input | None = None, **_: Any) -> Payload:
        given = product or {}
        known = self._must_product(given.get("id", ""), ["id"])
        if given.get("title") == "":
            raise Refused("Title can't be blank", ["title"])
        self._fill_product(known, given)
        catalogue.product_changed(self.world, self.here, known)
        joined, left = (
            [number(gid, "Collection") for gid in given.get(name) or []]
            for name in ("collectionsToJoin", "collectionsToLeave")
        )
        self._join(known, joined, left)
        return {"product": ProductView(self.context, known)}

    @mutation()
    def product_delete(self, input: Input, synchronous: bool = True) -> Payload:
        catalogue.delete_product(self.world, self.here, self._must_product(input["id"], ["id"]))
        return {"deletedProductId": input["id"]}

    # -- collections -----------------------------------------------------------------------------------

    @mutation()
    def collection_create(self, collection: Input | None = None, input: Input | None = None) -> Payload:
        given = collection or input or {}
        if not given.get("title"):
            raise Refused("Title can't be blank", ["title"])
        made = Collection(self.world.new_id(), "", "", "", self.world.now())
        made.handle = given.get("handle") or self._free_handle(given["title"], self.here.collection_by_handle)
        self._fill_collection(made, given)
        made.product_ids = [self._must_product(gid, ["products"]).id for gid in given.get("products") or []]
        catalogue.collection_made(self.world, self.here, made)
        return {"collection": CollectionView(self.context, made)}

    @mutation()
    def collection_update(self, collection: Input | None = None, input: Input | None = None) -> Payload:
        given = collection or input or {}
        known = self._must_collection(given.get("id") or "")
        self._fill_collection(known, given)
        catalogue.collection_changed(self.world, self.here, known)
        return {"collection": CollectionView(self.context, known), "job": None}

    @mutation()
    def collection_delete(self, input: Input) -> Payload:
        catalogue.delete_collection(self.world, self.here, self._must_collection(input["id"]))
        return {"deletedCollectionId": input["id"]}

    @mutation()
    def collection_add_products(self, id: str, product_ids: list[str]) -> Payload:
        collection = self._must_collection(id)
        added = [self._must_product(gid, ["productIds"]).id for gid in product_ids]
        catalogue.fill(self.world, self.here, collection, [*collection.product_ids, *added])
        return {"collection": CollectionView(self.context, collection)}

    @mutation()
    def collection_remove_products(self, id: str, product_ids: list[str]) -> Payload:
        collection = self._must_collection(id)
        gone = {number(gid, "Product") for gid in product_ids}
        left = [product_id for product_id in collection.product_ids if product_id not in gone]
        catalogue.fill(self.world, self.here, collection, left)
        return {"job": {"id": f"gid://shopify/Job/{uuid.uuid4()}", "done": True}}

    def _must_collection(self, gid: str) -> Collection:
        found = self.here.collections.get(number(gid, "Collection"))
        if found is None:
            raise Refused("Collection does not exist", ["id"])
        return found

    def _fill_collection(self, collection: Collection, given: Input) -> None:
        for name, attribute in (("title", "title"), ("handle", "handle"), ("descriptionHtml", "description")):
            if given.get(name):
                setattr(collection, attribute, given[name])

    # -- products ------------------------------------------------------------------------------------

    def _must_product(self, gid: str, path: list[str]) -> Product:
        found = self.context.product(gid)
        if found is None:
            raise Refused("Product does not exist", path)
        return found

    def _identified(self, identifier: Input) -> Product | None:
        if "id" in identifier:
            found = self.context.product(identifier["id"])
            if found is None:
                raise Refused("Product does not exist", ["identifier", "id"], "PRODUCT_DOES_NOT_EXIST")
            return found
        return self.here.product_by_handle(identifier["handle"]) if "handle" in identifier else None

    def _drafted(self, given: Input) -> Product:
        """A new product that nobody was told of yet."""
        if not given.get("title"):
            raise Refused("Title can't be blank", ["title"])
        now = self.world.now()
        handle = self._free_handle(given.get("handle") or given["title"], self.here.product_by_handle)
        made = Product(
            self.world.new_id(), given["title"], handle, "", self.here.shop.name, "", "box", now, now
        )
        self._fill_product(made, given)
        made.variants = [self._variant(made, {})]
        return made

    def _free_handle(self, wanted: str, find: Callable[[str], object]) -> str:
        handle = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
        return f"{handle}-{self.world.new_id()}" if find(handle) else handle

    def _fill_product(self, product: Product, given: Input) -> None:
        for name, attribute in _TEXTS.items():
            if given.get(name) is not None:
                setattr(product, attribute, given[name])
        if given.get("tags") is not None:
            product.tags = clean_tags(given["tags"])
        if given.get("giftCard") is not None:
            product.gift_card = given["giftCard"]

    def _variant(self, product: Product, given: Input) -> Variant:
        names = [value["name"] for value in given.get("optionValues") or [] if value.get("name")]
        return Variant(
            id=self.world.new_id(),
            product_id=product.id,
            title=" / ".join(names) or "Default Title",
            price=money.to_minor(given.get("price") or 0, self.here.shop.currency),
            sku=given.get("sku") or "",
            taxable=given.get("taxable", not product.gift_card),
            requires_shipping=not product.gift_card,
        )

    def _join(self, product: Product, joined: list[int], left: list[int]) -> None:
        for collection in list(self.here.collections.values()):
            others = [product_id for product_id in collection.product_ids if product_id != product.id]
            if collection.id in left:
                catalogue.fill(self.world, self.here, collection, others)
            elif collection.id in joined and product.id not in collection.product_ids:
                catalogue.fill(self.world, self.here, collection, [*others, product.id])
