"""Products, as far as drivers need them."""

from __future__ import annotations

import re
from typing import Any

from sandbox import money
from sandbox.api.context import number
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.views import ProductView
from sandbox.model import Product, Variant
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
        return {"product": ProductView(self.context, self._new_product(product or input or {}))}

    @mutation()
    def product_set(self, input: Input, identifier: Input | None = None, synchronous: bool = True) -> Payload:
        """Makes a product or brings one up to date; a list that is given replaces the former one."""
        product = self._identified(identifier or {})
        if product is None:
            product = self._new_product(input)
        else:
            self._fill_product(product, input)
        if input.get("variants"):
            product.variants = [self._variant(product, given) for given in input["variants"]]
        self.world.save(self.here, product)
        if input.get("collections") is not None:
            self._join(product, [number(gid, "Collection") for gid in input["collections"]])
        return {"product": ProductView(self.context, product)}

    def _identified(self, identifier: Input) -> Product | None:
        if "id" in identifier:
            found = self.context.product(identifier["id"])
            if found is None:
                raise Refused("Product does not exist", ["identifier", "id"], "PRODUCT_DOES_NOT_EXIST")
            return found
        return self.here.product_by_handle(identifier["handle"]) if "handle" in identifier else None

    def _new_product(self, given: Input) -> Product:
        if not given.get("title"):
            raise Refused("Title can't be blank", ["title"])
        now = self.world.now()
        handle = given.get("handle") or re.sub(r"[^a-z0-9]+", "-", given["title"].lower()).strip("-")
        if self.here.product_by_handle(handle):
            handle = f"{handle}-{self.world.new_id()}"
        made = Product(
            self.world.new_id(), given["title"], handle, "", self.here.shop.name, "", "box", now, now
        )
        self._fill_product(made, given)
        made.variants = [self._variant(made, {})]
        self.world.save(self.here, made)
        return made

    def _fill_product(self, product: Product, given: Input) -> None:
        for name, attribute in _TEXTS.items():
            if given.get(name) is not None:
                setattr(product, attribute, given[name])
        if given.get("tags") is not None:
            product.tags = given["tags"]
        if given.get("giftCard") is not None:
            product.gift_card = given["giftCard"]
        product.updated_at = self.world.now()

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

    def _join(self, product: Product, wanted: list[int]) -> None:
        for collection in self.here.collections.values():
            others = [i for i in collection.product_ids if i != product.id]
            collection.product_ids = [*others, product.id] if collection.id in wanted else others
            self.world.save(self.here, collection)
