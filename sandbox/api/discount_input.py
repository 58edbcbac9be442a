"""What is asked of a discount, taken over into one that nobody sees yet; refused is what Shopify refuses.

The schema lets title, code, startsAt, context, customerBuys and customerGets be null; Shopify needs them when
it runs.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from sandbox import money
from sandbox.api.context import number
from sandbox.model import Buys, Discount, Items
from sandbox.orders import Refused
from sandbox.world import ShopState

Input = dict[str, Any]
ROOTS = {
    "basic": "basicCodeDiscount",
    "free_shipping": "freeShippingCodeDiscount",
    "bxgy": "bxgyCodeDiscount",
}
_NEEDED = {"title": "Title", "code": "Code", "startsAt": "Starts at", "context": "Context"}
_NEEDED_ITEMS = {"customerBuys": "Customer buys", "customerGets": "Customer gets"}
LONGEST = 255


def check_complete(given: Input, kind: str) -> None:
    """Nothing that a new discount needs is missing."""
    items = {"basic": ["customerGets"], "free_shipping": [], "bxgy": ["customerBuys", "customerGets"]}[kind]
    for name, label in (_NEEDED | {name: _NEEDED_ITEMS[name] for name in items}).items():
        if name == "code" and given.get(name) == "":
            raise Refused("Code is too short (minimum is 1 character)", [ROOTS[kind], "code"], "TOO_SHORT")
        if not given.get(name):
            raise Refused(f"{label} can't be blank", [ROOTS[kind], name], "BLANK")


def check_code(here: ShopState, code: str, own: Discount, root: str) -> str:
    """The code without blanks around it, when `own` may have it."""
    if not code.strip():
        raise Refused("Code can't be blank", [root, "code"], "BLANK")
    if "\n" in code or "\r" in code:
        raise Refused("Code cannot contain newline characters.", [root, "code"], "INVALID")
    if len(code) > LONGEST:
        raise Refused(f"Code is too long (maximum is {LONGEST} characters)", [root, "code"], "TOO_LONG")
    other = here.discount_by_code(code)
    if other is not None and other.id != own.id:
        raise Refused("Code must be unique. Please try a different code.", [root, "code"], "TAKEN")
    return code.strip()


class Filler:
    def __init__(self, here: ShopState, discount: Discount) -> None:
        self._here, self._discount, self._root = here, discount, ROOTS[discount.kind]

    def fill(self, given: Input) -> None:
        self._texts(given)
        self._dates(given)
        if given.get("context") is not None:
            self._context(given["context"])
        if given.get("customerBuys") is not None:
            self._buys(given["customerBuys"])
        if given.get("customerGets") is not None:
            self._gets(given["customerGets"])
        if "minimumRequirement" in given:
            self._minimum(given["minimumRequirement"] or {})
        if given.get("combinesWith") is not None:
            self._combines(given["combinesWith"])
        if given.get("destination") is not None:
            self._destination(given["destination"])
        self._purchases(given)
        self._limits(given)

    def _refuse(self, message: str, code: str, *path: str) -> Refused:
        return Refused(message, [self._root, *path], code)

    def _texts(self, given: Input) -> None:
        if given.get("title"):
            self._discount.title = given["title"]
        if len(self._discount.title) > LONGEST:
            message = f"Title is too long (maximum is {LONGEST} characters)"
            raise self._refuse(message, "TOO_LONG", "title")
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

    # -- what is bought, what it brings ----------------------------------------------------------------

    def _buys(self, given: Input) -> None:
        buys = self._discount.buys or Buys(Items())
        if given.get("items") is not None:
            if given["items"].get("all"):
                message = "Items in 'customer buys' must be defined"
                raise self._refuse(message, "BLANK", "customerBuys", "items")
            buys.items = self._items(buys.items, given["items"], "customerBuys")
        if given.get("value") is not None:
            buys.quantity, buys.amount = self._bought(given["value"])
        if buys.items.are_all:
            message = "Items in 'customer buys' must be defined"
            raise self._refuse(message, "BLANK", "customerBuys", "items")
        if buys.quantity is None and buys.amount is None:
            raise self._refuse("Value can't be blank", "BLANK", "customerBuys", "value")
        buys.one_time = bool(given["isOneTimePurchase"])
        buys.subscription = bool(given["isSubscription"])
        if buys.subscription and not self._here.shop.sells_subscriptions:
            message = "Customer buys is subscription is not permitted for this shop."
            raise self._refuse(message, "INVALID", "customerBuys", "isSubscription")
        if not (buys.one_time or buys.subscription):
            message = "Customer buys must be one-time purchases or subscriptions"
            raise self._refuse(message, "APPLIES_ON_NOTHING", "customerBuys")
        self._discount.buys = buys

    def _bought(self, given: Input) -> tuple[int | None, int | None]:
        """Quantity and amount, one of which is None."""
        if len(given) != 1:
            raise self._refuse("Value must be one kind", "TOO_MANY_ARGUMENTS", "customerBuys", "value")
        ((kind, value),) = given.items()
        if value is None or value <= 0:
            message = f"{kind.title()} must be greater than 0"
            raise self._refuse(message, "GREATER_THAN", "customerBuys", "value", kind)
        if kind == "quantity":
            return value, None
        return None, money.to_minor(value, self._here.shop.currency)

    def _gets(self, given: Input) -> None:
        if given.get("value") is not None:
            self._value(given["value"])
        elif self._discount.value_amount is None and self._discount.value_percentage is None:
            raise self._refuse("Value can't be blank", "BLANK", "customerGets", "value")
        if given.get("items") is not None:
            if self._discount.kind == "bxgy" and given["items"].get("all"):
                raise self._refuse("Items in 'customer get' cannot be set to all", "INVALID", "customerGets")
            self._discount.items = self._items(self._discount.items, given["items"], "customerGets")
        if self._discount.kind == "bxgy" and self._discount.items.are_all:
            raise self._refuse("Items can't be blank", "BLANK", "customerGets", "items")

    def _value(self, given: Input) -> None:
        if len(given) != 1:
            message = "A discount can only have one of percentage, discountOnQuantity or discountAmount."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
        ((kind, value),) = given.items()
        path = ("customerGets", "value", kind)
        is_on_quantity = kind == "discountOnQuantity"
        if is_on_quantity != (self._discount.kind == "bxgy"):
            message = (
                "discountOnQuantity field is only permitted with bxgy discounts."
                if is_on_quantity
                else "Only discountOnQuantity permitted with bxgy discounts."
            )
            raise self._refuse(message, "INVALID", *path)
        if is_on_quantity:
            self._on_quantity(value or {}, *path)
        elif kind == "percentage":
            self._percentage(value, *path)
        else:
            self._amount((value or {}).get("amount"), *path, "amount")
            self._discount.on_each_item = bool((value or {}).get("appliesOnEachItem"))

    def _on_quantity(self, given: Input, *path: str) -> None:
        quantity, effect = given.get("quantity"), given.get("effect") or {}
        if quantity is None:
            raise self._refuse("Quantity cannot be blank.", "BLANK", *path, "quantity")
        if quantity < 1:
            raise self._refuse("Quantity must be greater than 0", "GREATER_THAN", *path, "quantity")
        if len(effect) != 1:
            message = "Effect must be one of percentage, amount"
            raise self._refuse(message, "TOO_MANY_ARGUMENTS" if effect else "BLANK", *path, "effect")
        self._discount.gets_quantity = quantity
        if "percentage" in effect:
            self._percentage(effect["percentage"], *path, "effect", "percentage")
        else:
            self._amount(effect["amount"], *path, "effect", "amount")
            self._discount.on_each_item = True

    def _percentage(self, given: float | None, *path: str) -> None:
        rate = Decimal(str(given or 0))
        if not 0 < rate <= 1:
            message = "Value must be greater than 0 and less than or equal to 1"
            raise self._refuse(message, "VALUE_OUTSIDE_RANGE", *path)
        self._discount.value_amount, self._discount.value_percentage = None, str(rate)

    def _amount(self, given: Decimal | None, *path: str) -> None:
        if given is None or given <= 0:
            raise self._refuse("Value must be greater than 0", "GREATER_THAN", *path)
        self._discount.value_percentage = None
        self._discount.value_amount = money.to_minor(given, self._here.shop.currency)

    def _items(self, present: Items, given: Input, side: str) -> Items:
        if given.get("products") and given.get("collections"):
            message = "Cannot entitle collections in combination with product variants or products"
            raise self._refuse(message, "CONFLICT", side, "items", "collections", "add")
        if len(given) != 1:
            raise self._refuse("Items must be one kind", "TOO_MANY_ARGUMENTS", side, "items")
        if given.get("all"):
            return Items()
        if given.get("collections"):
            wanted = _changed(present.collection_ids, given["collections"], "add", "remove", "Collection")
            self._exist(wanted, self._here.collections, side, "collections")
            return Items(collection_ids=wanted)
        if given.get("products"):
            return self._products(present, given["products"], side)
        raise self._refuse("Items can't be blank", "BLANK", side, "items")

    def _products(self, present: Items, given: Input, side: str) -> Items:
        products = _changed(present.product_ids, given, "productsToAdd", "productsToRemove", "Product")
        variants = _changed(
            present.variant_ids, given, "productVariantsToAdd", "productVariantsToRemove", "ProductVariant"
        )
        self._exist(products, self._here.products, side, "products")
        self._exist(variants, self._here.variants, side, "products")
        if any(self._here.variants[i].product_id in products for i in variants):
            message = "A variant is already present through its product"
            raise self._refuse(
                message, "IMPLICIT_DUPLICATE", side, "items", "products", "productVariantsToAdd"
            )
        return Items(products, variants)

    def _exist(self, ids: list[int], known: dict[int, Any], side: str, name: str) -> None:
        if any(each not in known for each in ids):
            raise self._refuse(f"{name.title()} must exist", "INVALID", side, "items", name)

    # -- when it applies -------------------------------------------------------------------------------

    def _minimum(self, given: Input) -> None:
        subtotal = (given.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
        quantity = (given.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
        if subtotal is not None and quantity is not None:
            message = "Minimum subtotal cannot be defined when minimum quantity is."
            path = ("minimumRequirement", "subtotal", "greaterThanOrEqualToSubtotal")
            raise self._refuse(message, "CONFLICT", *path)
        currency = self._here.shop.currency
        self._discount.minimum_subtotal = None if subtotal is None else money.to_minor(subtotal, currency)
        self._discount.minimum_quantity = quantity

    def _combines(self, given: Input) -> None:
        for name in ("order", "product", "shipping"):
            setattr(self._discount, f"combines_with_{name}", bool(given.get(f"{name}Discounts")))
        if self._discount.kind == "free_shipping" and self._discount.combines_with_shipping:
            code = "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS"
            message = "The combinesWith settings are not valid for the discount class."
            raise self._refuse(message, code, "combinesWith")

    def _destination(self, given: Input) -> None:
        discount = self._discount
        if given.get("all") and given.get("countries"):
            raise self._refuse("Destination is all or countries, not both", "CONFLICT", "destination")
        if given.get("all"):
            discount.countries, discount.rest_of_world = None, False
            return
        countries = given.get("countries") or {}
        wanted = [*(discount.countries or []), *(countries.get("add") or [])]
        gone = countries.get("remove") or []
        discount.countries = list(dict.fromkeys(one for one in wanted if one not in gone))
        if countries.get("includeRestOfWorld") is not None:
            discount.rest_of_world = countries["includeRestOfWorld"]
        if not discount.countries and not discount.rest_of_world:
            raise self._refuse("Destination can't be blank", "BLANK", "destination", "countries")

    def _purchases(self, given: Input) -> None:
        """Once, as a subscription, or both; and for how many of its deliveries."""
        where, path = given, tuple[str, ...]()
        if self._discount.kind != "free_shipping":
            where, path = given.get("customerGets") or {}, ("customerGets",)
        for name, attribute in (
            ("appliesOnOneTimePurchase", "one_time"),
            ("appliesOnSubscription", "subscription"),
        ):
            if name in where:
                setattr(self._discount, attribute, self._purchase(where[name], *path, name))
        if not (self._discount.one_time or self._discount.subscription):
            message = "Applies on one time purchase and applies on subscription can't both be false"
            raise self._refuse(message, "APPLIES_ON_NOTHING", *path)
        if "recurringCycleLimit" in given:
            self._cycles(given["recurringCycleLimit"])

    def _purchase(self, wanted: bool | None, *path: str) -> bool:
        label = " ".join(_words(part) for part in path).capitalize()
        if self._discount.kind == "bxgy":
            raise self._refuse("This field is not supported by bxgy discounts.", "INVALID", *path)
        if not self._here.shop.sells_subscriptions:
            raise self._refuse(f"{label} is not permitted for this shop.", "INVALID", *path)
        if wanted is None:
            raise self._refuse(f"{label} can't be blank", "INVALID", *path)
        return wanted

    def _cycles(self, limit: int | None) -> None:
        path = "recurringCycleLimit"
        if not self._here.shop.sells_subscriptions:
            raise self._refuse("Recurring cycle limit is not permitted for this shop.", "INVALID", path)
        if limit is None or limit < 0:
            code = "RECURRING_CYCLE_LIMIT_NOT_A_VALID_INTEGER"
            message = "Recurring cycle limit must be a valid integer greater than or equal to 0"
            raise self._refuse(message, code, path)
        if limit != 1 and not self._discount.subscription:
            code = "MULTIPLE_RECURRING_CYCLE_LIMIT_FOR_NON_SUBSCRIPTION_ITEMS"
            message = "Recurring cycle limit must be 1 when discount does not apply to subscription items"
            raise self._refuse(message, code, path)
        self._discount.recurring_cycle_limit = limit

    def _limits(self, given: Input) -> None:
        for name, attribute in (("usageLimit", "usage_limit"), ("usesPerOrderLimit", "uses_per_order")):
            if name in given:
                if given[name] is not None and given[name] < 1:
                    message = f"{_words(name).capitalize()} must be greater than 0"
                    raise self._refuse(message, "GREATER_THAN", name)
                setattr(self._discount, attribute, given[name])
        if given.get("appliesOncePerCustomer") is not None:
            self._discount.once_per_customer = given["appliesOncePerCustomer"]
        if "maximumShippingPrice" in given:
            self._shipping_price(given["maximumShippingPrice"])

    def _shipping_price(self, limit: Decimal | None) -> None:
        if limit is not None and limit < 0:
            message = "Maximum shipping price must be greater than or equal to 0"
            raise self._refuse(message, "GREATER_THAN_OR_EQUAL_TO", "maximumShippingPrice")
        currency = self._here.shop.currency
        self._discount.maximum_shipping_price = None if limit is None else money.to_minor(limit, currency)


def _changed(present: list[int] | None, given: Input, add: str, remove: str, kind: str) -> list[int]:
    added = [number(gid, kind) for gid in given.get(add) or []]
    removed = [number(gid, kind) for gid in given.get(remove) or []]
    return list(dict.fromkeys(i for i in [*(present or []), *added] if i not in removed))


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
