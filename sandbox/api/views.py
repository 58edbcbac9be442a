"""Views of shop, app, catalogue and customers. A field `displayName` is the attribute `display_name` of the
view or, where the view has none, of what it shows; with arguments it is a method."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sandbox import money, payloads, store_credit, totals
from sandbox.api.connections import connect
from sandbox.api.context import Context, app_number
from sandbox.api.search import Searchable, compile_query
from sandbox.model import (
    BulkOperation,
    Collection,
    Consent,
    Customer,
    Metafield,
    Product,
    StoreCreditAccount,
    StoreCreditTransaction,
    Variant,
)
from sandbox.world import ShopState


def amount(minor: int, currency: str) -> dict[str, Any]:
    """GraphQL prints money with as few digits as needed, at least one after the point."""
    text = money.to_text(minor, currency)
    if "." in text:
        whole, fraction = text.split(".")
        text = f"{whole}.{fraction.rstrip('0') or '0'}"
    else:
        text = f"{text}.0"
    return {"amount": text, "currencyCode": currency}


def bag(minor: int, currency: str) -> dict[str, Any]:
    """The sandbox knows one currency per order."""
    return {"shopMoney": amount(minor, currency), "presentmentMoney": amount(minor, currency)}


class View:
    kind = ""  # the GraphQL type

    def __init__(self, context: Context, it: Any) -> None:
        self.context, self.it = context, it

    def __getattr__(self, name: str) -> Any:
        return getattr(self.it, name)

    @property
    def here(self) -> ShopState:
        return self.context.state

    @property
    def id(self) -> str:
        return payloads.gid(self.kind, self.it.id)

    @property
    def legacy_resource_id(self) -> str:
        return str(self.it.id)

    def page(self, items: Iterable[Any], view: type[View], key: Any = None, **args: Any) -> dict[str, Any]:
        by = key or (lambda item: item.id)
        return connect(items, lambda item: view(self.context, item), by, **args)


class WithMetafields(View):
    def metafield(self, key: str, namespace: str | None = None) -> MetafieldView | None:
        full = self.context.namespace(namespace)
        found = self.here.metafields.get((self.id, full, key))
        return MetafieldView(self.context, found) if found else None

    def metafields(
        self, namespace: str | None = None, keys: list[str] | None = None, **args: Any
    ) -> dict[str, Any]:
        full = self.context.namespace(namespace) if namespace else None
        found = [
            m
            for (owner, space, key), m in self.here.metafields.items()
            if owner == self.id
            and full in (None, space)
            and (keys is None or key in keys or f"{space}.{key}" in keys)
        ]
        return self.page(found, MetafieldView, **args)


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class MetafieldView(View):
    kind = "Metafield"
    it: Metafield

    @property
    def json_value(self) -> Any:
        if self.it.type == "json" or self.it.type.startswith("list."):
            return json.loads(self.it.value)
        if self.it.type == "number_integer":
            return int(self.it.value)
        return self.it.value == "true" if self.it.type == "boolean" else self.it.value

    @property
    def compare_digest(self) -> str:
        return digest(self.it.value)

    @property
    def owner(self) -> Any:
        return self.context.services["node"](self.context, self.it.owner)

    @property
    def owner_type(self) -> str:
        name = self.it.owner.split("/")[3]
        return {"AppInstallation": "API_PERMISSION", "ProductVariant": "PRODUCTVARIANT"}.get(
            name, name.upper()
        )


# -- shop and app ----------------------------------------------------------------------------------


class ShopView(WithMetafields):
    kind = "Shop"

    @property
    def contact_email(self) -> str:
        return str(self.it.email)

    @property
    def myshopify_domain(self) -> str:
        return str(self.it.domain)

    @property
    def currency_code(self) -> str:
        return str(self.it.currency)

    @property
    def enabled_presentment_currencies(self) -> list[str]:
        return [self.it.currency]

    @property
    def iana_timezone(self) -> str:
        return str(self.it.timezone)

    @property
    def plan(self) -> dict[str, Any]:
        plus = self.it.plan in ("plus", "enterprise")
        return {"publicDisplayName": self.it.plan.title(), "partnerDevelopment": False, "shopifyPlus": plus}

    @property
    def features(self) -> dict[str, bool]:
        return {"sellsSubscriptions": self.it.sells_subscriptions}

    @property
    def url(self) -> str:
        return f"https://{self.it.domain}"

    @property
    def primary_domain(self) -> dict[str, Any]:
        return {"id": payloads.gid("Domain", self.it.id), "host": self.it.domain, "url": self.url}


class AppView(View):
    kind = "App"

    @property
    def id(self) -> str:
        return payloads.gid("App", app_number(self.context.config))

    @property
    def handle(self) -> str:
        return "loyalty"

    @property
    def title(self) -> str:
        return str(self.context.services["app"].name)

    @property
    def api_key(self) -> str:
        return self.context.config.client_id

    @property
    def embedded(self) -> bool:
        return True

    @property
    def webhook_api_version(self) -> str:
        return str(self.context.services["app"].api_version)


class InstallationView(WithMetafields):
    kind = "AppInstallation"

    @property
    def app(self) -> AppView:
        return AppView(self.context, None)

    @property
    def access_scopes(self) -> list[dict[str, str]]:
        return [{"handle": s, "description": s.replace("_", " ")} for s in sorted(self.context.scopes)]

    @property
    def launch_url(self) -> str:
        return f"https://{self.here.domain}/admin/apps/loyalty"


# -- catalogue -------------------------------------------------------------------------------------


class ProductView(WithMetafields):
    kind = "Product"
    it: Product

    @property
    def description_html(self) -> str:
        return self.it.description

    @property
    def status(self) -> str:
        return "ACTIVE"

    @property
    def is_gift_card(self) -> bool:
        return self.it.gift_card

    def variants(self, sort_key: str = "POSITION", **args: Any) -> dict[str, Any]:
        return self.page(self.it.variants, VariantView, **args)

    def collections(self, sort_key: str = "ID", query: str | None = None, **args: Any) -> dict[str, Any]:
        found = [c for c in self.here.collections.values() if self.it.id in c.product_ids]
        return self.page(found, CollectionView, **args)

    @property
    def price_range_v2(self) -> dict[str, Any]:
        prices = [variant.price for variant in self.it.variants] or [0]
        currency = self.here.shop.currency
        return {
            "minVariantPrice": amount(min(prices), currency),
            "maxVariantPrice": amount(max(prices), currency),
        }


class VariantView(WithMetafields):
    kind = "ProductVariant"
    it: Variant

    @property
    def price(self) -> str:
        return money.to_text(self.it.price, self.here.shop.currency)

    @property
    def product(self) -> ProductView:
        return ProductView(self.context, self.here.products[self.it.product_id])

    @property
    def display_name(self) -> str:
        return f"{self.product.title} - {self.it.title}"


class CollectionView(WithMetafields):
    kind = "Collection"
    it: Collection

    def products(self, sort_key: str = "COLLECTION_DEFAULT", **args: Any) -> dict[str, Any]:
        found = [self.here.products[i] for i in self.it.product_ids if i in self.here.products]
        return self.page(found, ProductView, **args)


# -- customers -------------------------------------------------------------------------------------


def _consent(given: Consent | None) -> dict[str, Any]:
    return {
        "marketingState": given.state if given else "NOT_SUBSCRIBED",
        "marketingUpdatedAt": given and given.updated_at,
    }


class CustomerView(WithMetafields):
    kind = "Customer"
    it: Customer

    @property
    def default_email_address(self) -> dict[str, Any] | None:
        if not self.it.email:
            return None
        return {"emailAddress": self.it.email, **_consent(self.it.email_consent)}

    @property
    def default_phone_number(self) -> dict[str, Any] | None:
        if not self.it.phone:
            return None
        return {"phoneNumber": self.it.phone, **_consent(self.it.sms_consent)}

    @property
    def state(self) -> str:
        return "ENABLED"

    @property
    def tags(self) -> list[str]:
        return sorted(self.it.tags, key=str.lower)

    @property
    def verified_email(self) -> bool:
        return self.it.email is not None

    def _orders(self) -> list[Any]:
        return [order for order in self.here.orders_of(self.it.id) if self.context.visible(order)]

    @property
    def number_of_orders(self) -> str:
        """Of the whole life, however old, cancelled ones too; test orders aren't counted."""
        return str(sum(not order.test for order in self.here.orders_of(self.it.id)))

    @property
    def amount_spent(self) -> dict[str, Any]:
        spent = sum(totals.received(o) - totals.refunded(o) for o in self._orders() if not o.test)
        return amount(spent, self.here.shop.currency)

    @property
    def last_order(self) -> Any:
        orders = self._orders()
        return self.context.services["order_view"](self.context, orders[0]) if orders else None

    def orders(self, **args: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.context.services["find_orders"](self.context, self._orders(), **args)
        return found

    def store_credit_accounts(self, query: str | None = None, **args: Any) -> dict[str, Any]:
        matches = compile_query(query, _ACCOUNTS, self.context.world.now())
        own = [a for a in self.here.store_credit.values() if a.customer_id == self.it.id]
        return self.page(filter(matches, own), StoreCreditView, **args)


_ACCOUNTS = Searchable(exact={"id": lambda a: a.id, "currency_code": lambda a: a.currency}, dates={})
_MOVES = Searchable(
    exact={"id": lambda t: t.id, "type": lambda t: t.kind},
    dates={"expires_at": lambda t: t.expires_at},
)
_MOVE_SORT = {
    "CREATED_AT": lambda t: t.created_at,
    "EXPIRES_AT": lambda t: t.expires_at.isoformat() if t.expires_at else "",
}
_MOVE_KINDS = {
    "credit": "StoreCreditAccountCreditTransaction",
    "debit": "StoreCreditAccountDebitTransaction",
    "debit_revert": "StoreCreditAccountDebitRevertTransaction",
    "expiration": "StoreCreditAccountExpirationTransaction",
}


class StoreCreditView(View):
    kind = "StoreCreditAccount"
    it: StoreCreditAccount

    def __init__(self, context: Context, it: StoreCreditAccount) -> None:
        super().__init__(context, store_credit.lapse(context.world, context.state, it))

    @property
    def balance(self) -> dict[str, Any]:
        return amount(self.it.balance, self.it.currency)

    @property
    def owner(self) -> CustomerView:
        return CustomerView(self.context, self.here.customers[self.it.customer_id])

    def transactions(
        self, query: str | None = None, sort_key: str = "CREATED_AT", **args: Any
    ) -> dict[str, Any]:
        def view(transaction: StoreCreditTransaction) -> StoreCreditTransactionView:
            return StoreCreditTransactionView(self.context, transaction, self.it)

        matches = compile_query(query, _MOVES, self.context.world.now())
        return connect(filter(matches, self.it.transactions), view, _MOVE_SORT[sort_key], **args)


class StoreCreditTransactionView(View):
    def __init__(self, context: Context, it: StoreCreditTransaction, account: StoreCreditAccount) -> None:
        super().__init__(context, it)
        self._account = account
        self.kind = _MOVE_KINDS[it.kind]

    @property
    def account(self) -> StoreCreditView:
        return StoreCreditView(self.context, self._account)

    @property
    def amount(self) -> dict[str, Any]:
        return amount(self.it.amount, self._account.currency)

    @property
    def balance_after_transaction(self) -> dict[str, Any]:
        return amount(self.it.balance_after, self._account.currency)

    @property
    def remaining_amount(self) -> dict[str, Any]:
        return amount(self.it.remaining, self._account.currency)

    def _parent(self) -> StoreCreditTransactionView:
        found = next(one for one in self._account.transactions if one.id == self.it.parent_id)
        return StoreCreditTransactionView(self.context, found, self._account)

    credit_transaction = property(_parent)
    debit_transaction = property(_parent)


class BulkOperationView(View):
    kind = "BulkOperation"
    it: BulkOperation

    @property
    def type(self) -> str:
        return "QUERY"

    @property
    def file_size(self) -> str | None:
        return None if self.it.result is None else str(len(self.it.result.encode()))

    @property
    def url(self) -> str | None:
        """None when nothing was found, as at Shopify."""
        if not self.it.result:
            return None
        return f"{self.it.base_url}/sandbox/bulk/{self.it.id}-{self.it.secret}.jsonl"

    @property
    def partial_data_url(self) -> str | None:
        return None
