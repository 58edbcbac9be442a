"""Views of discounts with a code."""

from __future__ import annotations

from typing import Any

from sandbox import discounts, money, payloads
from sandbox.api.connections import connect
from sandbox.api.views import (
    CollectionView,
    CustomerView,
    ProductView,
    VariantView,
    View,
    WithMetafields,
    amount,
)
from sandbox.model import Discount


class DiscountView(View):
    it: Discount

    @property
    def kind(self) -> str:  # type: ignore[override]
        return "DiscountCodeFreeShipping" if self.it.kind == "free_shipping" else "DiscountCodeBasic"

    @property
    def status(self) -> str:
        return discounts.status(self.it, self.context.world.now())

    def codes(self, query: str | None = None, sort_key: str = "ID", **args: Any) -> dict[str, Any]:
        def view(discount: Discount) -> dict[str, Any]:
            return {
                "id": payloads.gid("DiscountRedeemCode", discount.id),
                "code": discount.code,
                "asyncUsageCount": discount.usage_count,
            }

        found = [self.it] if query is None or query.upper() in self.it.code.upper() else []
        return connect(found, view, lambda x: x.id, **args)

    def codes_count(self, limit: int | None = None) -> dict[str, Any]:
        return {"count": 1, "precision": "EXACT"}

    @property
    def async_usage_count(self) -> int:
        return self.it.usage_count

    @property
    def applies_once_per_customer(self) -> bool:
        return self.it.once_per_customer

    @property
    def combines_with(self) -> dict[str, bool]:
        return {
            "orderDiscounts": self.it.combines_with_order,
            "productDiscounts": self.it.combines_with_product,
            "shippingDiscounts": self.it.combines_with_shipping,
        }

    # "context" of the API; the caller's context is another thing
    @property
    def discount_context(self) -> dict[str, Any]:
        if self.it.customer_ids is None:
            return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
        found = [self.here.customers[i] for i in self.it.customer_ids if i in self.here.customers]
        return {
            "__typename": "DiscountCustomers",
            "customers": [CustomerView(self.context, customer) for customer in found],
        }

    @property
    def customer_gets(self) -> dict[str, Any]:
        return {
            "appliesOnOneTimePurchase": True,
            "appliesOnSubscription": False,
            "items": self._items(),
            "value": self._value(),
        }

    def _value(self) -> dict[str, Any]:
        if self.it.value_percentage is not None:
            return {"__typename": "DiscountPercentage", "percentage": float(self.it.value_percentage)}
        return {
            "__typename": "DiscountAmount",
            "amount": amount(self.it.value_amount or 0, self.here.shop.currency),
            "appliesOnEachItem": self.it.on_each_item,
        }

    def _items(self) -> Any:
        if not self.it.has_item_scope:
            return {"__typename": "AllDiscountItems", "allItems": True}
        return _Items(self.context, self.it)

    @property
    def minimum_requirement(self) -> dict[str, Any] | None:
        if self.it.minimum_subtotal is not None:
            limit = amount(self.it.minimum_subtotal, self.here.shop.currency)
            return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": limit}
        if self.it.minimum_quantity is not None:
            pieces = str(self.it.minimum_quantity)
            return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": pieces}
        return None

    @property
    def maximum_shipping_price(self) -> dict[str, Any] | None:
        limit = self.it.maximum_shipping_price
        return None if limit is None else amount(limit, self.here.shop.currency)

    @property
    def discount_classes(self) -> list[str]:
        return [discounts.discount_class(self.it)]

    @property
    def short_summary(self) -> str:
        if self.it.kind == "free_shipping":
            return "Free shipping"
        if self.it.value_percentage is not None:
            return f"{float(self.it.value_percentage) * 100:g}% off"
        return f"{money.to_text(self.it.value_amount or 0, self.here.shop.currency)} off"

    summary = short_summary


class _Items(View):
    it: Discount

    @property
    def kind(self) -> str:  # type: ignore[override]
        return "DiscountCollections" if self.it.collection_ids is not None else "DiscountProducts"

    def products(self, **args: Any) -> dict[str, Any]:
        found = [self.here.products[i] for i in self.it.product_ids or [] if i in self.here.products]
        return self.page(found, ProductView, **args)

    def product_variants(self, **args: Any) -> dict[str, Any]:
        found = [self.here.variants[i] for i in self.it.variant_ids or [] if i in self.here.variants]
        return self.page(found, VariantView, **args)

    def collections(self, **args: Any) -> dict[str, Any]:
        found = [self.here.collections[i] for i in self.it.collection_ids or [] if i in self.here.collections]
        return self.page(found, CollectionView, **args)


class DiscountNodeView(WithMetafields):
    kind = "DiscountNode"
    it: Discount

    @property
    def discount(self) -> DiscountView:
        return DiscountView(self.context, self.it)


class DiscountCodeNodeView(WithMetafields):
    kind = "DiscountCodeNode"
    it: Discount

    @property
    def code_discount(self) -> DiscountView:
        return DiscountView(self.context, self.it)
