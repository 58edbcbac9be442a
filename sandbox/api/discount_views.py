"""Views of discounts with a code."""

from __future__ import annotations

from typing import Any

from sandbox import discounts, money
from sandbox.api.connections import connect
from sandbox.api.search import Searchable, compile_query
from sandbox.api.views import (
    CollectionView,
    CustomerView,
    ProductView,
    VariantView,
    View,
    WithMetafields,
    amount,
)
from sandbox.model import Buys, CodeCreation, Discount, Items, NewCode, RedeemCode

_TYPES = {
    "basic": "DiscountCodeBasic",
    "free_shipping": "DiscountCodeFreeShipping",
    "bxgy": "DiscountCodeBxgy",
}
REDEEM_CODES = Searchable(
    exact={"id": lambda c: c.id, "code": lambda c: c.code, "times_used": lambda c: c.usage_count},
    dates={"created_at": lambda c: c.created_at},
    default=lambda c: c.code,
)
_CODE_SORT = {
    "CODE": lambda c: c.code.upper(),
    "CREATED_AT": lambda c: c.created_at,
    "ID": lambda c: c.id,
    "RELEVANCE": lambda c: c.id,
}


class RedeemCodeView(View):
    kind = "DiscountRedeemCode"
    it: RedeemCode

    @property
    def async_usage_count(self) -> int:
        return self.it.usage_count


class DiscountView(View):
    it: Discount

    @property
    def kind(self) -> str:  # type: ignore[override]
        return _TYPES[self.it.kind]

    @property
    def status(self) -> str:
        return discounts.status(self.it, self.context.world.now())

    def codes(self, query: str | None = None, sort_key: str = "ID", **args: Any) -> dict[str, Any]:
        matches = compile_query(query, REDEEM_CODES, self.context.world.now())
        found = [code for code in self.here.codes_of(self.it) if matches(code)]
        return connect(found, lambda code: RedeemCodeView(self.context, code), _CODE_SORT[sort_key], **args)

    def codes_count(self, limit: int | None = None) -> dict[str, Any]:
        count = len(self.here.codes_of(self.it))
        if limit is not None and count > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": count, "precision": "EXACT"}

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
    def applies_on_one_time_purchase(self) -> bool:
        return self.it.one_time

    @property
    def applies_on_subscription(self) -> bool:
        return self.it.subscription

    @property
    def customer_gets(self) -> dict[str, Any]:
        effect = self._effect()
        if self.it.kind == "bxgy":
            pieces = {"__typename": "DiscountQuantity", "quantity": self.it.gets_quantity}
            effect = {"__typename": "DiscountOnQuantity", "effect": effect, "quantity": pieces}
        return {
            "appliesOnOneTimePurchase": self.it.one_time,
            "appliesOnSubscription": self.it.subscription,
            "items": self._items(self.it.items),
            "value": effect,
        }

    def _effect(self) -> dict[str, Any]:
        if self.it.value_percentage is not None:
            return {"__typename": "DiscountPercentage", "percentage": float(self.it.value_percentage)}
        return {
            "__typename": "DiscountAmount",
            "amount": amount(self.it.value_amount or 0, self.here.shop.currency),
            "appliesOnEachItem": self.it.on_each_item,
        }

    def _items(self, items: Items) -> Any:
        if items.are_all:
            return {"__typename": "AllDiscountItems", "allItems": True}
        return _ItemsView(self.context, items)

    @property
    def customer_buys(self) -> dict[str, Any]:
        buys = self.it.buys or Buys(Items())
        value: dict[str, Any] = {"__typename": "DiscountQuantity", "quantity": buys.quantity}
        if buys.amount is not None:
            text = amount(buys.amount, self.here.shop.currency)["amount"]
            value = {"__typename": "DiscountPurchaseAmount", "amount": text}
        return {
            "isOneTimePurchase": buys.one_time,
            "isSubscription": buys.subscription,
            "items": self._items(buys.items),
            "value": value,
        }

    @property
    def uses_per_order_limit(self) -> int | None:
        return self.it.uses_per_order

    @property
    def destination_selection(self) -> dict[str, Any]:
        if self.it.countries is None:
            return {"__typename": "DiscountCountryAll", "allCountries": True}
        return {
            "__typename": "DiscountCountries",
            "countries": self.it.countries,
            "includeRestOfWorld": self.it.rest_of_world,
        }

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
            off = f"{float(self.it.value_percentage) * 100:g}% off"
        else:
            off = f"{money.to_text(self.it.value_amount or 0, self.here.shop.currency)} off"
        return f"{off} {self.it.gets_quantity} of the items" if self.it.kind == "bxgy" else off

    summary = short_summary


class _ItemsView(View):
    it: Items

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


class CodeCreationView(View):
    kind = "DiscountRedeemCodeBulkCreation"
    it: CodeCreation

    @property
    def codes_count(self) -> int:
        return len(self.it.codes)

    @property
    def imported_count(self) -> int:
        return sum(new.redeem_code_id is not None for new in self.it.codes)

    @property
    def failed_count(self) -> int:
        return sum(new.error is not None for new in self.it.codes)

    @property
    def discount_code(self) -> DiscountCodeNodeView | None:
        found = self.here.discounts.get(self.it.discount_id)
        return DiscountCodeNodeView(self.context, found) if found else None

    def codes(self, **args: Any) -> dict[str, Any]:
        return connect(self.it.codes, self._new_code, lambda new: new.id, **args)

    def _new_code(self, new: NewCode) -> dict[str, Any]:
        """As Shopify tells them, these errors carry no code of an error: the message has to do."""
        errors = [{"field": ["code"], "message": new.error, "code": None}] if new.error else []
        made = self.here.redeem_code(new.code) if new.redeem_code_id is not None else None
        is_there = made is not None and made.id == new.redeem_code_id
        redeem_code = RedeemCodeView(self.context, made) if is_there else None
        return {"code": new.code, "errors": errors, "discountRedeemCode": redeem_code}
