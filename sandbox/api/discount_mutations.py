"""Discount codes: made, changed, switched, deleted.

The schema lets title, code, startsAt, context and customerGets be null; Shopify needs them when it runs.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox import money
from sandbox.api.context import app_number, number
from sandbox.api.discount_views import DiscountCodeNodeView
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.discounts import status
from sandbox.model import Discount
from sandbox.orders import Refused

Input = dict[str, Any]
BASIC, SHIPPING = "basicCodeDiscount", "freeShippingCodeDiscount"


class DiscountMutations(MutationSet):
    @mutation()
    def discount_code_basic_create(self, basic_code_discount: Input) -> Payload:
        return self._create_discount(basic_code_discount, "basic", BASIC)

    @mutation()
    def discount_code_free_shipping_create(self, free_shipping_code_discount: Input) -> Payload:
        return self._create_discount(free_shipping_code_discount, "free_shipping", SHIPPING)

    @mutation()
    def discount_code_basic_update(self, id: str, basic_code_discount: Input) -> Payload:
        return self._update_discount(id, basic_code_discount, "basic", BASIC)

    @mutation()
    def discount_code_free_shipping_update(self, id: str, free_shipping_code_discount: Input) -> Payload:
        return self._update_discount(id, free_shipping_code_discount, "free_shipping", SHIPPING)

    def _create_discount(self, given: Input, kind: str, root: str) -> Payload:
        for name, label in (("title", "Title"), ("code", "Code"), ("startsAt", "Starts at")):
            if not given.get(name):
                raise Refused(f"{label} can't be blank", [root, name], "BLANK")
        if not given.get("context"):
            raise Refused("Context can't be blank", [root, "context"], "BLANK")
        if kind == "basic" and not given.get("customerGets"):
            raise Refused("Customer gets can't be blank", [root, "customerGets"], "BLANK")
        now = self.world.now()
        discount = Discount(
            id=self.world.new_id(),
            kind=kind,
            title=given["title"],
            code=given["code"],
            starts_at=given["startsAt"],
            ends_at=None,
            created_at=now,
            updated_at=now,
            app_id=app_number(self.context.config),
        )
        return self._keep_discount(discount, given, root)

    def _update_discount(self, id: str, given: Input, kind: str, root: str) -> Payload:
        discount = self._discount(id)
        if discount.kind != kind:
            raise Refused("Discount does not exist", ["id"], "INVALID")
        return self._keep_discount(deepcopy(discount), given, root)

    def _keep_discount(self, discount: Discount, given: Input, root: str) -> Payload:
        _Filler(self, discount, root).fill(given)
        discount.updated_at = self.world.now()
        self.world.save(self.here, discount)
        return {"codeDiscountNode": DiscountCodeNodeView(self.context, discount)}

    def _discount(self, gid: str) -> Discount:
        found = self.here.discounts.get(number(gid, "(?:DiscountCodeNode|DiscountNode)"))
        if found is None:
            raise Refused("Discount does not exist", ["id"], "INVALID")
        return found

    # -- switches ------------------------------------------------------------------------------------

    @mutation()
    def discount_code_activate(self, id: str) -> Payload:
        discount = self._discount(id)
        now = self.world.now()
        if discount.starts_at > now:
            discount.starts_at = now
        if discount.ends_at is not None and discount.ends_at <= now:
            discount.ends_at = None
        return self._switched(discount)

    @mutation()
    def discount_code_deactivate(self, id: str) -> Payload:
        """Shopify ends the discount now; one that has not begun begins and ends now."""
        discount = self._discount(id)
        now = self.world.now()
        if status(discount, now) != "EXPIRED":
            discount.starts_at = min(discount.starts_at, now)
            discount.ends_at = now
        return self._switched(discount)

    def _switched(self, discount: Discount) -> Payload:
        discount.updated_at = self.world.now()
        self.world.save(self.here, discount)
        return {"codeDiscountNode": DiscountCodeNodeView(self.context, discount)}

    @mutation()
    def discount_code_delete(self, id: str) -> Payload:
        self.world.remove(self.here, self._discount(id))
        return {"deletedCodeDiscountId": id}


class _Filler:
    """Takes the input over into a discount that nobody sees yet, refusing what Shopify refuses."""

    def __init__(self, mutations: MutationSet, discount: Discount, root: str) -> None:
        self._here, self._discount, self._root = mutations.here, discount, root

    def fill(self, given: Input) -> None:
        self._texts(given)
        self._dates(given)
        if given.get("context") is not None:
            self._context(given["context"])
        if given.get("customerGets") is not None:
            self._gets(given["customerGets"])
        if "minimumRequirement" in given:
            self._minimum(given["minimumRequirement"] or {})
        if given.get("combinesWith") is not None:
            self._combines(given["combinesWith"])
        self._limits(given)

    def _refuse(self, message: str, code: str, *path: str) -> Refused:
        return Refused(message, [self._root, *path], code)

    def _texts(self, given: Input) -> None:
        if given.get("title"):
            self._discount.title = given["title"]
        if given.get("code"):
            other = self._here.discount_by_code(given["code"])
            if other is not None and other.id != self._discount.id:
                raise self._refuse("Code must be unique. Please try a different code.", "TAKEN", "code")
            self._discount.code = given["code"].strip()
        for name in ("title", "code"):
            if len(getattr(self._discount, name)) > 255:
                raise self._refuse("is too long (maximum is 255 characters)", "TOO_LONG", name)
        if given.get("tags") is not None:
            self._discount.tags = given["tags"]

    def _dates(self, given: Input) -> None:
        if given.get("startsAt"):
            self._discount.starts_at = _second(given["startsAt"])
        if "endsAt" in given:
            self._discount.ends_at = _second(given["endsAt"]) if given["endsAt"] else None
        if self._discount.ends_at is not None and self._discount.ends_at < self._discount.starts_at:
            raise self._refuse("Ends at needs to be after starts_at", "END_DATE_BEFORE_START_DATE", "endsAt")

    def _context(self, given: Input) -> None:
        if len(given) != 1:
            raise self._refuse("Context must be one of all, customers", "INVALID", "context")
        if "all" in given:
            self._discount.customer_ids = None
            return
        present = self._discount.customer_ids or []
        customers = given["customers"] or {}
        add = [number(gid, "Customer") for gid in customers.get("add") or []]
        remove = [number(gid, "Customer") for gid in customers.get("remove") or []]
        if any(customer_id not in self._here.customers for customer_id in add):
            raise self._refuse("Customer does not exist", "INVALID", "context", "customers", "add")
        kept = [i for i in [*present, *add] if i not in remove]
        if not kept:
            raise self._refuse("Customers can't be blank", "BLANK", "context", "customers")
        self._discount.customer_ids = list(dict.fromkeys(kept))

    def _gets(self, given: Input) -> None:
        if given.get("value") is not None:
            self._value(given["value"])
        elif self._discount.value_amount is None and self._discount.value_percentage is None:
            raise self._refuse("Value can't be blank", "BLANK", "customerGets", "value")
        if given.get("items") is not None:
            self._items(given["items"])

    def _value(self, given: Input) -> None:
        if len(given) != 1:
            raise self._refuse("Value must be one kind", "TOO_MANY_ARGUMENTS", "customerGets", "value")
        self._discount.value_amount = self._discount.value_percentage = None
        if "percentage" in given:
            rate = Decimal(str(given["percentage"]))
            if not 0 < rate <= 1:
                message = "Value must be greater than 0 and less than or equal to 1"
                raise self._refuse(message, "VALUE_OUTSIDE_RANGE", "customerGets", "value", "percentage")
            self._discount.value_percentage = str(rate)
            return
        amount = (given["discountAmount"] or {}).get("amount")
        if amount is None or amount <= 0:
            raise self._refuse(
                "Value must be greater than 0",
                "GREATER_THAN",
                "customerGets",
                "value",
                "discountAmount",
                "amount",
            )
        self._discount.value_amount = money.to_minor(amount, self._here.shop.currency)
        self._discount.on_each_item = bool(given["discountAmount"].get("appliesOnEachItem"))

    def _items(self, given: Input) -> None:
        if len(given) != 1:
            raise self._refuse("Items must be one kind", "TOO_MANY_ARGUMENTS", "customerGets", "items")
        discount = self._discount
        if given.get("all"):
            discount.product_ids = discount.variant_ids = discount.collection_ids = None
        elif given.get("collections"):
            discount.collection_ids = _changed(
                discount.collection_ids, given["collections"], "add", "remove", "Collection"
            )
            self._exist(discount.collection_ids, self._here.collections, "collections")
            discount.product_ids = discount.variant_ids = None
        elif given.get("products"):
            products = given["products"]
            discount.product_ids = _changed(
                discount.product_ids, products, "productsToAdd", "productsToRemove", "Product"
            )
            discount.variant_ids = _changed(
                discount.variant_ids,
                products,
                "productVariantsToAdd",
                "productVariantsToRemove",
                "ProductVariant",
            )
            self._exist(discount.product_ids, self._here.products, "products")
            self._exist(discount.variant_ids, self._here.variants, "products")
            discount.collection_ids = None
        else:
            raise self._refuse("Items can't be blank", "BLANK", "customerGets", "items")

    def _exist(self, ids: list[int], known: dict[int, Any], name: str) -> None:
        if any(each not in known for each in ids):
            raise self._refuse(f"{name.title()} must exist", "INVALID", "customerGets", "items", name)

    def _minimum(self, given: Input) -> None:
        subtotal = (given.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
        quantity = (given.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
        if subtotal is not None and quantity is not None:
            message = "Minimum subtotal and minimum quantity can't both be present"
            code = "MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT"
            raise self._refuse(message, code, "minimumRequirement")
        currency = self._here.shop.currency
        self._discount.minimum_subtotal = None if subtotal is None else money.to_minor(subtotal, currency)
        self._discount.minimum_quantity = quantity

    def _combines(self, given: Input) -> None:
        for name in ("order", "product", "shipping"):
            setattr(self._discount, f"combines_with_{name}", bool(given.get(f"{name}Discounts")))
        if self._discount.kind == "free_shipping" and self._discount.combines_with_shipping:
            code = "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS"
            raise self._refuse("Free shipping can't combine with shipping discounts", code, "combinesWith")

    def _limits(self, given: Input) -> None:
        if "usageLimit" in given:
            if given["usageLimit"] is not None and given["usageLimit"] < 1:
                raise self._refuse("Usage limit must be greater than 0", "GREATER_THAN", "usageLimit")
            self._discount.usage_limit = given["usageLimit"]
        if given.get("appliesOncePerCustomer") is not None:
            self._discount.once_per_customer = given["appliesOncePerCustomer"]
        if "maximumShippingPrice" in given:
            limit = given["maximumShippingPrice"]
            currency = self._here.shop.currency
            self._discount.maximum_shipping_price = None if limit is None else money.to_minor(limit, currency)


def _changed(present: list[int] | None, given: Input, add: str, remove: str, kind: str) -> list[int]:
    added = [number(gid, kind) for gid in given.get(add) or []]
    removed = [number(gid, kind) for gid in given.get(remove) or []]
    return list(dict.fromkeys(i for i in [*(present or []), *added] if i not in removed))


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
