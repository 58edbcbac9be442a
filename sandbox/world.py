"""Everything that exists, behind one lock, and the only way to change it.

Reading and writing happen inside `with world.change():`. What was saved there is written to the store
at its end in one transaction, together with the webhooks that it caused.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox import codec
from sandbox.config import DEFAULT_SHOP
from sandbox.model import (
    BulkOperation,
    CodeCreation,
    Collection,
    Customer,
    Delivery,
    Discount,
    Dispute,
    GiftCard,
    HookSubscription,
    Installation,
    Metafield,
    Order,
    Product,
    RedeemCode,
    Repeated,
    Session,
    Shop,
    StoreCreditAccount,
    Token,
    Variant,
)
from sandbox.store import Store

FIRST_ID = 6_500_000_000_001
_KINDS: dict[str, type] = {
    "shop": Shop, "installation": Installation, "product": Product, "collection": Collection,
    "customer": Customer, "discount": Discount, "order": Order, "metafield": Metafield, "session": Session,
    "delivery": Delivery, "token": Token, "repeated": Repeated, "store_credit": StoreCreditAccount,
    "bulk_operation": BulkOperation, "hook_subscription": HookSubscription, "dispute": Dispute,
    "redeem_code": RedeemCode, "code_creation": CodeCreation, "gift_card": GiftCard,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass
class ShopState:
    """One shop with all it holds; the dicts are keyed by id."""

    shop: Shop
    installation: Installation
    products: dict[int, Product] = field(default_factory=dict)
    collections: dict[int, Collection] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    discounts: dict[int, Discount] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    metafields: dict[tuple[str, str, str], Metafield] = field(default_factory=dict)  # owner, namespace, key
    sessions: dict[str, Session] = field(default_factory=dict)  # by token
    variants: dict[int, Variant] = field(default_factory=dict)
    orders_by_customer: dict[int, dict[int, Order]] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)  # by access token and by refresh token
    repeated: dict[str, Repeated] = field(default_factory=dict)  # by idempotency key
    store_credit: dict[int, StoreCreditAccount] = field(default_factory=dict)
    gift_cards: dict[int, GiftCard] = field(default_factory=dict)
    bulk_operations: dict[int, BulkOperation] = field(default_factory=dict)
    hook_subscriptions: dict[int, HookSubscription] = field(default_factory=dict)
    disputes: dict[int, Dispute] = field(default_factory=dict)
    edits: dict[int, Any] = field(default_factory=dict)  # staged order edits; not kept over a restart
    codes: dict[str, RedeemCode] = field(default_factory=dict)  # by the code in upper case
    codes_by_discount: dict[int, dict[int, RedeemCode]] = field(default_factory=dict)
    code_creations: dict[int, CodeCreation] = field(default_factory=dict)
    _code_of: dict[int, str] = field(default_factory=dict)
    _customer_of: dict[int, int] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return self.shop.domain

    def redeem_code(self, code: str) -> RedeemCode | None:
        return self.codes.get(code.strip().upper())

    def discount_by_code(self, code: str) -> Discount | None:
        found = self.redeem_code(code)
        return self.discounts[found.discount_id] if found else None

    def codes_of(self, discount: Discount) -> list[RedeemCode]:
        """Oldest first."""
        return list(self.codes_by_discount.get(discount.id, {}).values())

    def orders_of(self, customer_id: int) -> list[Order]:
        """Newest first."""
        orders = self.orders_by_customer.get(customer_id, {}).values()
        return sorted(orders, key=lambda order: (order.processed_at, order.id), reverse=True)

    def gift_card_by_code(self, code: str) -> GiftCard | None:
        return next((card for card in self.gift_cards.values() if card.code == code.lower()), None)

    def product_by_handle(self, handle: str) -> Product | None:
        return next((p for p in self.products.values() if p.handle == handle), None)

    def collection_by_handle(self, handle: str) -> Collection | None:
        return next((c for c in self.collections.values() if c.handle == handle), None)

    def place(self, thing: Any) -> None:
        match thing:
            case Shop():
                self.shop = thing
            case Installation():
                self.installation = thing
            case Product():
                self.products[thing.id] = thing
                self.variants.update({variant.id: variant for variant in thing.variants})
            case Collection():
                self.collections[thing.id] = thing
            case Customer():
                self.customers[thing.id] = thing
            case Discount():
                self.discounts[thing.id] = thing
            case RedeemCode():
                self._place_code(thing)
            case CodeCreation():
                self.code_creations[thing.id] = thing
            case Order():
                self._place_order(thing)
            case Metafield():
                self.metafields[(thing.owner, thing.namespace, thing.key)] = thing
            case Session():
                self.sessions[thing.token] = thing
            case Delivery():
                self.deliveries[thing.id] = thing
            case Token():
                self.tokens[thing.access] = thing
                if thing.refresh is not None:
                    self.tokens[thing.refresh] = thing
            case Repeated():
                self.repeated[thing.key] = thing
            case StoreCreditAccount():
                self.store_credit[thing.id] = thing
            case GiftCard():
                self.gift_cards[thing.id] = thing
            case BulkOperation():
                self.bulk_operations[thing.id] = thing
            case HookSubscription():
                self.hook_subscriptions[thing.id] = thing
            case Dispute():
                self.disputes[thing.id] = thing

    def _place_code(self, code: RedeemCode) -> None:
        self.codes.pop(self._code_of.get(code.id, ""), None)
        self.codes[code.code.upper()] = code
        self.codes_by_discount.setdefault(code.discount_id, {})[code.id] = code
        self._code_of[code.id] = code.code.upper()

    def _place_order(self, order: Order) -> None:
        self.orders[order.id] = order
        self.orders_by_customer.get(self._customer_of.get(order.id, 0), {}).pop(order.id, None)
        self._customer_of.pop(order.id, None)
        if order.customer_id is not None:
            self.orders_by_customer.setdefault(order.customer_id, {})[order.id] = order
            self._customer_of[order.id] = order.customer_id

    def take_away(self, thing: Any) -> None:
        match thing:
            case Product():
                self.products.pop(thing.id, None)
                for variant in thing.variants:
                    self.variants.pop(variant.id, None)
            case Collection():
                self.collections.pop(thing.id, None)
            case Customer():
                self.customers.pop(thing.id, None)
            case Discount():
                self.discounts.pop(thing.id, None)
            case RedeemCode():
                self.codes.pop(self._code_of.pop(thing.id, ""), None)
                self.codes_by_discount.get(thing.discount_id, {}).pop(thing.id, None)
            case Order():
                self.orders.pop(thing.id, None)
                self.orders_by_customer.get(thing.customer_id or 0, {}).pop(thing.id, None)
            case StoreCreditAccount():
                self.store_credit.pop(thing.id, None)
            case Metafield():
                self.metafields.pop((thing.owner, thing.namespace, thing.key), None)
            case Session():
                self.sessions.pop(thing.token, None)
            case Delivery():
                self.deliveries.pop(thing.id, None)
            case HookSubscription():
                self.hook_subscriptions.pop(thing.id, None)
            case Token():
                self.tokens.pop(thing.access, None)
                self.tokens.pop(thing.refresh or "", None)


class World:
    def __init__(self, store: Store, now: Callable[[], datetime] | None = None) -> None:
        self.shops: dict[str, ShopState] = {}
        self.lock = threading.RLock()
        self._now = now
        self._store = store
        self._depth = 0
        self._listeners: list[Callable[[ShopState, str, dict[str, Any], str], None]] = []
        self._after_commit: list[Callable[[], None]] = []
        self._event_id = ""
        self._saved: dict[tuple[str, str, int], Any] = {}
        self._removed: dict[tuple[str, str, int], None] = {}
        self._facts: dict[str, str] = {}
        self._next_id = int(store.fact("next_id") or FIRST_ID)
        self._load()

    def _load(self) -> None:
        waiting: list[tuple[str, Any]] = []
        shops: dict[str, dict[str, Any]] = {}
        for domain, kind, _, body in self._store.objects():
            thing: Any = codec.load(_KINDS[kind], body)
            if kind in ("shop", "installation"):
                shops.setdefault(domain, {})[kind] = thing
            else:
                waiting.append((domain, thing))
        for domain, parts in shops.items():
            self.shops[domain] = ShopState(parts["shop"], parts["installation"])
        for domain, thing in waiting:
            self.shops[domain].place(thing)

    # -- looking -----------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Shopify's times have a resolution of one second."""
        moment = self._now() if self._now else datetime.now(UTC)
        return moment.replace(microsecond=0)

    def shop_for_host(self, host: str) -> ShopState | None:
        """`demo.myshopify.com` or `demo.localhost`, any port; a host that names no shop is the demo shop."""
        name = host.rsplit(":", 1)[0].lower() if ":" in host else host.lower()
        if name.endswith(".localhost"):
            name = name.removesuffix(".localhost") + ".myshopify.com"
        if name.endswith(".myshopify.com"):
            return self.shops.get(name)
        return self.shops.get(DEFAULT_SHOP)

    def session(self, state: ShopState, token: str | None) -> Session | None:
        return state.sessions.get(token) if token else None

    # -- changing ----------------------------------------------------------------------------------

    @contextmanager
    def change(self) -> Iterator[None]:
        with self.lock:
            if self._depth == 0:
                self._event_id = str(uuid.uuid4())
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._flush()

    def new_id(self) -> int:
        # Gaps, as in a real shop, so that nobody relies on neighbours.
        self._next_id += 1 + secrets.randbelow(40_000)
        self._facts["next_id"] = str(self._next_id)
        return self._next_id

    def fact(self, name: str) -> str | None:
        return self._store.fact(name)

    def set_fact(self, name: str, value: str) -> None:
        self._facts[name] = value

    def add_shop(self, shop: Shop, installation: Installation) -> ShopState:
        state = ShopState(shop, installation)
        self.shops[shop.domain] = state
        self.save(state, shop)
        self.save(state, installation)
        return state

    def save(self, state: ShopState, thing: Any) -> None:
        state.place(thing)
        key = (state.domain, _NAMES[type(thing)], thing.id)
        self._removed.pop(key, None)
        self._saved[key] = thing

    def remove(self, state: ShopState, thing: Any) -> None:
        state.take_away(thing)
        key = (state.domain, _NAMES[type(thing)], thing.id)
        self._saved.pop(key, None)
        self._removed[key] = None

    def new_session(self, state: ShopState) -> Session:
        session = Session(self.new_id(), secrets.token_urlsafe(24), self.now())
        self.save(state, session)
        return session

    def listen(self, listener: Callable[[ShopState, str, dict[str, Any], str], None]) -> None:
        """`listener(state, topic, payload, event_id)` is called inside the change that caused the event."""
        self._listeners.append(listener)

    def emit(self, state: ShopState, topic: str, payload: dict[str, Any]) -> None:
        """One change is one event of the merchant or shopper, whatever the number of its topics."""
        for listener in self._listeners:
            listener(state, topic, payload, self._event_id)

    def after_commit(self, action: Callable[[], None]) -> None:
        self._after_commit.append(action)

    def _flush(self) -> None:
        saved = [(*key, codec.dump(thing)) for key, thing in self._saved.items()]
        removed = list(self._removed)
        facts = self._facts
        self._saved, self._removed, self._facts = {}, {}, {}
        if saved or removed or facts:
            self._store.write(saved, removed, facts)
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            action()
