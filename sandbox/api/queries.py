"""The fields of QueryRoot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphql import GraphQLError

from sandbox import gift_cards, money, totals
from sandbox.api.connections import connect
from sandbox.api.context import REQUIRED_SCOPES, Context, access_denied, number
from sandbox.api.discount_views import (
    CodeCreationView,
    DiscountCodeNodeView,
    DiscountNodeView,
)
from sandbox.api.gift_card_views import GiftCardView
from sandbox.api.gift_card_views import searchable as gift_cards_searchable
from sandbox.api.order_part_views import LineView, RefundView, TransactionView
from sandbox.api.order_views import FulfillmentOrderView, OrderView
from sandbox.api.search import Searchable, compile_query
from sandbox.api.views import (
    BulkOperationView,
    CollectionView,
    CustomerView,
    InstallationView,
    ProductView,
    ShopView,
    StoreCreditView,
    VariantView,
    View,
    amount,
)
from sandbox.api.webhook_mutations import WebhookSubscriptionView
from sandbox.discounts import status
from sandbox.model import Discount, Order

VERSIONS = {
    "2026-01": True,
    "2026-04": True,
    "2026-07": True,
    "2026-10": True,
    "2027-01": False,
    "unstable": False,
}

ORDERS = Searchable(
    exact={
        "id": lambda o: o.id,
        "name": lambda o: [o.name, str(o.number)],
        "customer_id": lambda o: o.customer_id,
        "financial_status": totals.financial_status,
        "fulfillment_status": lambda o: totals.fulfillment_status(o) or "unfulfilled",
        "status": lambda o: "cancelled" if o.cancelled_at else ("closed" if o.closed_at else "open"),
        "test": lambda o: str(o.test).lower(),
        "email": lambda o: o.email,
        "tag": lambda o: o.tags,
        "source_name": lambda o: o.source_name,
        "discount_code": lambda o: [use.code for use in o.discount_codes],
    },
    dates={
        "created_at": lambda o: o.created_at,
        "updated_at": lambda o: o.updated_at,
        "processed_at": lambda o: o.processed_at,
    },
    default=lambda o: f"{o.name} {o.email or ''}",
)
CUSTOMERS = Searchable(
    exact={
        "id": lambda c: c.id,
        "email": lambda c: c.email,
        "phone": lambda c: c.phone,
        "first_name": lambda c: c.first_name,
        "last_name": lambda c: c.last_name,
        "tag": lambda c: c.tags,
        "state": lambda c: "enabled",
    },
    dates={
        "created_at": lambda c: c.created_at,
        "customer_date": lambda c: c.created_at,
        "updated_at": lambda c: c.updated_at,
    },
    default=lambda c: f"{c.display_name} {c.email or ''}",
)
PRODUCTS = Searchable(
    exact={
        "id": lambda p: p.id,
        "title": lambda p: p.title,
        "handle": lambda p: p.handle,
        "vendor": lambda p: p.vendor,
        "product_type": lambda p: p.product_type,
        "tag": lambda p: p.tags,
        "status": lambda p: "active",
    },
    dates={"created_at": lambda p: p.created_at, "updated_at": lambda p: p.updated_at},
    default=lambda p: p.title,
)
COLLECTIONS = Searchable(
    exact={"id": lambda c: c.id, "title": lambda c: c.title, "handle": lambda c: c.handle},
    dates={"updated_at": lambda c: c.updated_at},
    default=lambda c: c.title,
)


def _discounts(context: Context) -> Searchable:
    def codes(discount: Discount) -> list[str]:
        return [one.code for one in context.state.codes_of(discount)]

    def kind(discount: Discount) -> str:
        by_value = "percentage" if discount.value_percentage else "fixed_amount"
        return by_value if discount.kind == "basic" else discount.kind

    return Searchable(
        exact={
            "id": lambda d: d.id,
            "title": lambda d: d.title,
            "code": codes,
            "status": lambda d: status(d, context.world.now()),
            "method": lambda d: "code",
            "type": lambda d: d.kind,
            "discount_type": kind,
            "times_used": lambda d: d.usage_count,
            "tag": lambda d: d.tags,
        },
        dates={
            "created_at": lambda d: d.created_at,
            "updated_at": lambda d: d.updated_at,
            "starts_at": lambda d: d.starts_at,
            "ends_at": lambda d: d.ends_at,
        },
        default=lambda d: f"{d.title} {' '.join(codes(d))}",
    )


_SORT = {
    "CREATED_AT": lambda x: x.created_at,
    "UPDATED_AT": lambda x: x.updated_at,
    "PROCESSED_AT": lambda x: x.processed_at,
    "ORDER_NUMBER": lambda x: x.number,
    "TITLE": lambda x: x.title,
    "NAME": lambda x: x.display_name,
    "STARTS_AT": lambda x: x.starts_at,
    "ENDS_AT": lambda x: x.ends_at.isoformat() if x.ends_at else "",
    "ID": lambda x: x.id,
    "BALANCE": lambda x: x.balance,
    "INITIAL_VALUE": lambda x: x.initial,
    "EXPIRES_ON": lambda x: x.expires_on or "",
}


def find(
    context: Context,
    items: Iterable[Any],
    searchable: Searchable,
    view: type[View],
    sort_key: str = "ID",
    query: str | None = None,
    **args: Any,
) -> dict[str, Any]:
    matches = compile_query(query, searchable, context.world.now())
    found = [item for item in items if matches(item)]
    return connect(found, lambda item: view(context, item), _SORT[sort_key], **args)


def matching_orders(context: Context, orders: Iterable[Order], query: str | None) -> list[Order]:
    matches = compile_query(query, ORDERS, context.world.now())
    return [order for order in orders if matches(order)]


def sorted_by(sort_key: str) -> Callable[[Any], Any]:
    return _SORT[sort_key]


def find_orders(context: Context, orders: Iterable[Order], **args: Any) -> dict[str, Any]:
    return find(context, orders, ORDERS, OrderView, **args)


def _count(
    context: Context, items: Iterable[Any], kind: Searchable, query: str | None, limit: int | None
) -> Any:
    matches = compile_query(query, kind, context.world.now())
    count = sum(1 for item in items if matches(item))
    if limit is not None and count > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": count, "precision": "EXACT"}


_NODES: dict[str, tuple[str, type[View]]] = {
    "Order": ("orders", OrderView),
    "Customer": ("customers", CustomerView),
    "Product": ("products", ProductView),
    "ProductVariant": ("variants", VariantView),
    "Collection": ("collections", CollectionView),
    "DiscountNode": ("discounts", DiscountNodeView),
    "DiscountCodeNode": ("discounts", DiscountCodeNodeView),
    "DiscountRedeemCodeBulkCreation": ("code_creations", CodeCreationView),
    "FulfillmentOrder": ("orders", FulfillmentOrderView),
    "StoreCreditAccount": ("store_credit", StoreCreditView),
    "GiftCard": ("gift_cards", GiftCardView),
    "BulkOperation": ("bulk_operations", BulkOperationView),
}


def node(context: Context, gid: str) -> Any:
    kind = gid.split("/")[3] if gid.count("/") == 4 else ""
    wanted = number(gid, kind or "[A-Za-z]+")
    if not context.allows(REQUIRED_SCOPES.get(kind, [])) and kind in REQUIRED_SCOPES:
        raise access_denied("node", REQUIRED_SCOPES[kind])
    if kind == "Shop":
        return ShopView(context, context.state.shop) if wanted == context.state.shop.id else None
    if kind == "AppInstallation":
        own = context.state.installation
        return InstallationView(context, own) if wanted == own.id else None
    if kind in ("LineItem", "Refund", "OrderTransaction"):
        return _order_part(context, kind, wanted)
    if kind not in _NODES:
        raise GraphQLError(f"the sandbox has no node of kind {kind}")
    attribute, view = _NODES[kind]
    found = getattr(context.state, attribute).get(wanted)
    if found is None or (isinstance(found, Order) and not context.visible(found)):
        return None
    return view(context, found)


def _order_part(context: Context, kind: str, wanted: int) -> Any:
    for order in context.state.orders.values():
        if kind == "LineItem":
            parts: list[tuple[Any, Any]] = [(line, LineView) for line in order.lines]
        elif kind == "Refund":
            parts = [(refund, RefundView) for refund in order.refunds]
        else:
            parts = [(t, TransactionView) for t in order.transactions]
        for part, view in parts:
            if part.id == wanted and context.visible(order):
                return view(context, order, part)
    return None


class Queries:
    kind = "QueryRoot"

    def __init__(self, context: Context) -> None:
        self.context, self.here = context, context.state

    # -- shop and app --------------------------------------------------------------------------------

    @property
    def shop(self) -> ShopView:
        return ShopView(self.context, self.here.shop)

    @property
    def current_app_installation(self) -> InstallationView:
        return InstallationView(self.context, self.here.installation)

    @property
    def public_api_versions(self) -> list[dict[str, Any]]:
        return [{"handle": h, "displayName": h, "supported": s} for h, s in VERSIONS.items()]

    def node(self, id: str) -> Any:
        return node(self.context, id)

    def nodes(self, ids: list[str]) -> list[Any]:
        return [node(self.context, gid) for gid in ids]

    def webhook_subscriptions(self, **args: Any) -> dict[str, Any]:
        """Subscriptions of the configuration file belong to the app and are not listed, as at Shopify."""
        pages = {k: v for k, v in args.items() if k in ("first", "after", "last", "before", "reverse")}
        mine = self.here.hook_subscriptions.values()
        return connect(mine, lambda x: WebhookSubscriptionView(self.context, x), lambda x: x.id, **pages)

    # -- catalogue -----------------------------------------------------------------------------------

    def product(self, id: str) -> Any:
        found = self.context.product(id)
        return ProductView(self.context, found) if found else None

    def products(self, **args: Any) -> dict[str, Any]:
        return find(self.context, self.here.products.values(), PRODUCTS, ProductView, **args)

    def product_variant(self, id: str) -> Any:
        found = self.here.variants.get(number(id, "ProductVariant"))
        return VariantView(self.context, found) if found else None

    def collection(self, id: str) -> Any:
        found = self.here.collections.get(number(id, "Collection"))
        return CollectionView(self.context, found) if found else None

    def collections(self, **args: Any) -> dict[str, Any]:
        return find(self.context, self.here.collections.values(), COLLECTIONS, CollectionView, **args)

    # -- customers -----------------------------------------------------------------------------------

    def customer(self, id: str) -> Any:
        found = self.context.customer(id)
        return CustomerView(self.context, found) if found else None

    def customers(self, **args: Any) -> dict[str, Any]:
        return find(self.context, self.here.customers.values(), CUSTOMERS, CustomerView, **args)

    def customers_count(self, query: str | None = None, limit: int | None = None) -> Any:
        return _count(self.context, self.here.customers.values(), CUSTOMERS, query, limit)

    def customer_by_identifier(self, identifier: dict[str, Any]) -> Any:
        if len(identifier) != 1:
            raise GraphQLError("exactly one identifier is needed")
        ((kind, value),) = identifier.items()
        if kind == "id":
            return self.customer(value)
        attribute = {"emailAddress": "email", "phoneNumber": "phone"}[kind]
        everybody = self.here.customers.values()
        found = next((c for c in everybody if str(getattr(c, attribute)).lower() == value.lower()), None)
        return CustomerView(self.context, found) if found else None

    def store_credit_account(self, id: str) -> Any:
        found = self.here.store_credit.get(number(id, "StoreCreditAccount"))
        return StoreCreditView(self.context, found) if found else None

    @property
    def store_credit_configuration(self) -> dict[str, bool]:
        return {"storeCreditEnabled": self.here.shop.store_credit}

    def gift_card(self, id: str) -> Any:
        found = self.here.gift_cards.get(number(id, "GiftCard"))
        return GiftCardView(self.context, found) if found else None

    def gift_cards(self, **args: Any) -> dict[str, Any]:
        everything = self.here.gift_cards.values()
        return find(self.context, everything, gift_cards_searchable(self.context), GiftCardView, **args)

    def gift_cards_count(self, query: str | None = None, limit: int | None = None) -> Any:
        everything = self.here.gift_cards.values()
        return _count(self.context, everything, gift_cards_searchable(self.context), query, limit)

    @property
    def gift_card_configuration(self) -> dict[str, Any]:
        currency = self.here.shop.currency
        limit = amount(money.to_minor(gift_cards.LIMIT, currency), currency)
        return {"issueLimit": limit, "purchaseLimit": limit}

    # -- orders --------------------------------------------------------------------------------------

    def _orders(self) -> list[Order]:
        return self.context.visible_ones(self.here.orders.values())

    def order(self, id: str) -> Any:
        found = self.context.order(id)
        return OrderView(self.context, found) if found else None

    def orders(self, **args: Any) -> dict[str, Any]:
        return find_orders(self.context, self._orders(), **args)

    def orders_count(self, query: str | None = None, limit: int | None = None) -> Any:
        return _count(self.context, self._orders(), ORDERS, query, limit)

    # -- discounts -----------------------------------------------------------------------------------

    def discount_node(self, id: str) -> Any:
        found = self.here.discounts.get(number(id, "(?:DiscountNode|DiscountCodeNode)"))
        return DiscountNodeView(self.context, found) if found else None

    def discount_nodes(self, **args: Any) -> dict[str, Any]:
        everything = self.here.discounts.values()
        return find(self.context, everything, _discounts(self.context), DiscountNodeView, **args)

    def code_discount_node(self, id: str) -> Any:
        found = self.here.discounts.get(number(id, "DiscountCodeNode"))
        return DiscountCodeNodeView(self.context, found) if found else None

    def code_discount_nodes(self, **args: Any) -> dict[str, Any]:
        everything = self.here.discounts.values()
        return find(self.context, everything, _discounts(self.context), DiscountCodeNodeView, **args)

    def code_discount_node_by_code(self, code: str) -> Any:
        found = self.here.discount_by_code(code)
        return DiscountCodeNodeView(self.context, found) if found else None

    def discount_redeem_code_bulk_creation(self, id: str) -> Any:
        found = self.here.code_creations.get(number(id, "DiscountRedeemCodeBulkCreation"))
        return CodeCreationView(self.context, found) if found else None

    def discount_codes_count(self, query: str | None = None, limit: int | None = None) -> Any:
        return _count(self.context, self.here.discounts.values(), _discounts(self.context), query, limit)
