"""What exists in a shop. All amounts are integers of minor units, all times are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

# The only one: all subscriptions are of it.
SELLING_PLAN_ID = 1
SELLING_PLAN_NAME = "Delivered every month"


@dataclass
class Shop:
    id: int
    domain: str  # demo.myshopify.com
    name: str
    email: str
    currency: str
    timezone: str
    country: str
    taxes_included: bool
    tax_rate: str  # "0.08"; the sandbox knows one tax per shop
    tax_title: str
    plan: str  # basic, advanced, plus, enterprise: decides the cost bucket
    shipping_title: str
    shipping_price: int
    created_at: datetime
    updated_at: datetime
    next_order_number: int = 1001
    sells_subscriptions: bool = True
    store_credit: bool = True  # may it be spent at the checkout?


@dataclass
class Installation:
    """The app in a shop; it stays after an uninstall so that a reinstall finds its id again."""

    id: int
    scopes: list[str] = field(default_factory=list)
    installed: bool = False


@dataclass
class Variant:
    id: int
    product_id: int
    title: str
    price: int
    sku: str
    taxable: bool = True
    requires_shipping: bool = True


@dataclass
class Product:
    id: int
    title: str
    handle: str
    description: str
    vendor: str
    product_type: str
    picture: str  # a hint for the drawing: "mug", "grinder", ...
    created_at: datetime
    updated_at: datetime
    tags: list[str] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    gift_card: bool = False


@dataclass
class Collection:
    id: int
    title: str
    handle: str
    description: str
    updated_at: datetime
    product_ids: list[int] = field(default_factory=list)


@dataclass
class Consent:
    """To marketing; state and level in the words of the GraphQL API."""

    state: str
    level: str
    updated_at: datetime


@dataclass
class Customer:
    id: int
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    created_at: datetime
    updated_at: datetime
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    tax_exempt: bool = False
    email_consent: Consent | None = None
    sms_consent: Consent | None = None
    merged_into: int | None = None

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email or ""


@dataclass
class Items:
    """Goods that a discount is about; without any list: all of them."""

    product_ids: list[int] | None = None
    variant_ids: list[int] | None = None
    collection_ids: list[int] | None = None

    @property
    def are_all(self) -> bool:
        return self.product_ids is None and self.variant_ids is None and self.collection_ids is None


@dataclass
class Buys:
    """What has to be bought for the rest of a "buy X, get Y"; either `quantity` or `amount` is set."""

    items: Items
    quantity: int | None = None
    amount: int | None = None
    one_time: bool = True
    subscription: bool = False


@dataclass
class Discount:
    """A discount, whose codes stand apart. `value_*`: exactly one is set, but none for free_shipping."""

    id: int
    kind: str  # basic, free_shipping, bxgy
    title: str
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    app_id: int
    value_percentage: str | None = None  # "0.1" is ten percent
    value_amount: int | None = None
    on_each_item: bool = False
    items: Items = field(default_factory=Items)  # those whose price is lowered
    one_time: bool = True
    subscription: bool = False
    recurring_cycle_limit: int = 1  # 0: for all deliveries of a subscription
    customer_ids: list[int] | None = None  # None: everybody
    minimum_subtotal: int | None = None
    minimum_quantity: int | None = None
    combines_with_order: bool = False
    combines_with_product: bool = False
    combines_with_shipping: bool = False
    once_per_customer: bool = False
    usage_limit: int | None = None  # of each code
    tags: list[str] = field(default_factory=list)
    usage_count: int = 0  # of all codes
    # free_shipping
    maximum_shipping_price: int | None = None
    countries: list[str] | None = None  # None: all of them
    rest_of_world: bool = False
    # bxgy
    buys: Buys | None = None
    gets_quantity: int = 1
    uses_per_order: int | None = None


@dataclass
class RedeemCode:
    """One of the codes of a discount."""

    id: int
    discount_id: int
    code: str
    created_at: datetime
    usage_count: int = 0
    used_by: list[int] = field(default_factory=list)


@dataclass
class NewCode:
    """What became of one code of a bulk creation."""

    id: int
    code: str
    redeem_code_id: int | None = None
    error: str | None = None


@dataclass
class CodeCreation:
    """Codes that are added to a discount a moment after they were asked for."""

    id: int
    discount_id: int
    created_at: datetime
    codes: list[NewCode]
    done: bool = False


@dataclass
class TaxLine:
    title: str
    rate: str
    price: int


@dataclass
class Allocation:
    amount: int
    application: int  # index in Order.discount_applications


@dataclass
class DiscountApplication:
    kind: str  # discount_code, manual
    title: str  # the code, or the title of a manual discount
    value: str
    value_type: str  # fixed_amount, percentage
    allocation_method: str  # across, each
    target_selection: str  # all, entitled
    target_type: str  # line_item, shipping_line


@dataclass
class DiscountUse:
    code: str
    amount: int
    kind: str  # fixed_amount, percentage, shipping


@dataclass
class LineItem:
    id: int
    title: str
    quantity: int
    current_quantity: int
    price: int  # of one piece, before discounts
    product_id: int | None = None
    variant_id: int | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    gift_card: bool = False
    taxable: bool = True
    requires_shipping: bool = True
    subscription: bool = False
    fulfilled_quantity: int = 0
    allocations: list[Allocation] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)

    @property
    def gross(self) -> int:
        return self.price * self.quantity

    @property
    def discount(self) -> int:
        return sum(allocation.amount for allocation in self.allocations)

    @property
    def tax(self) -> int:
        return sum(tax.price for tax in self.tax_lines)


@dataclass
class ShippingLine:
    id: int
    title: str
    price: int
    code: str | None = None
    allocations: list[Allocation] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)

    @property
    def discount(self) -> int:
        return sum(allocation.amount for allocation in self.allocations)

    @property
    def tax(self) -> int:
        return sum(tax.price for tax in self.tax_lines)


@dataclass
class Transaction:
    id: int
    kind: str  # sale, authorization, capture, refund, void
    status: str  # success, pending, failure
    amount: int
    gateway: str
    created_at: datetime
    processed_at: datetime
    parent_id: int | None = None
    test: bool = False
    paid_from: int | None = None  # the gift card, or the debit of store credit


@dataclass
class RefundLine:
    id: int
    line_item_id: int
    quantity: int
    subtotal: int
    tax: int
    restock_type: str  # no_restock, cancel, return


@dataclass
class OrderAdjustment:
    id: int
    kind: str  # refund_discrepancy, shipping_refund
    amount: int  # negative: money that left and that no line explains
    tax: int
    reason: str


@dataclass
class ShippingRefund:
    id: int
    shipping_line_id: int
    subtotal: int
    tax: int


@dataclass
class Refund:
    id: int
    created_at: datetime
    processed_at: datetime
    note: str | None
    lines: list[RefundLine] = field(default_factory=list)
    adjustments: list[OrderAdjustment] = field(default_factory=list)
    shipping: list[ShippingRefund] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def money(self) -> int:
        return sum(t.amount for t in self.transactions if t.kind == "refund" and t.status == "success")


@dataclass
class FulfillmentLine:
    line_item_id: int
    quantity: int


@dataclass
class Fulfillment:
    id: int
    created_at: datetime
    status: str = "success"
    lines: list[FulfillmentLine] = field(default_factory=list)


@dataclass
class Order:
    id: int
    number: int
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    currency: str
    taxes_included: bool
    source_name: str  # web, pos, shopify_draft_order, an app's id
    presentment_currency: str | None = None  # None: the shop's
    presentment_rate: str = "1"
    app_id: int | None = None
    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    test: bool = False
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    edited: bool = False
    original_total: int | None = None  # before the first edit; None: not edited
    voided: bool = False
    lines: list[LineItem] = field(default_factory=list)
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    discount_applications: list[DiscountApplication] = field(default_factory=list)
    discount_codes: list[DiscountUse] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def all_lines(self) -> list[LineItem | ShippingLine]:
        return [*self.lines, *self.shipping_lines]


@dataclass
class Metafield:
    id: int
    owner: str  # the owner's gid
    namespace: str  # resolved: app--123, never $app
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime


@dataclass
class CartLine:
    variant_id: int
    quantity: int
    subscription: bool = False


@dataclass
class Session:
    """A visitor of the storefront, known by a cookie."""

    id: int
    token: str
    created_at: datetime
    customer_id: int | None = None
    cart: list[CartLine] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)  # as typed into the cart
    country: str | None = None  # where it is to be sent, once that is known
    uses_store_credit: bool = False
    gift_card_ids: list[int] = field(default_factory=list)


@dataclass
class HookSubscription:
    """A webhook subscription of one shop; those of the configuration file belong to the app."""

    id: int
    topic: str
    uri: str
    include_fields: list[str]
    created_at: datetime


@dataclass
class Dispute:
    """A payment that the buyer's bank questions."""

    id: int
    order_id: int
    kind: str  # inquiry, chargeback
    amount: int
    currency: str
    status: str
    initiated_at: datetime
    finalized_at: datetime | None = None


@dataclass
class Delivery:
    """A webhook on its way; it is removed when the app has answered 2xx or all tries are used."""

    id: int
    topic: str
    uri: str
    body: str
    webhook_id: str
    event_id: str
    triggered_at: str
    name: str | None = None
    tries: int = 0


@dataclass
class Token:
    id: int
    access: str
    owner: str  # app, admin
    expires_at: datetime | None
    refresh: str | None = None
    refresh_expires_at: datetime | None = None
    replaces: str | None = None  # the access token whose refresh token was used for this one
    used: bool = False


@dataclass
class Repeated:
    """The answer to a mutation with an idempotency key."""

    id: int
    key: str
    fingerprint: str
    result_id: int


@dataclass
class StoreCreditTransaction:
    id: int
    kind: str  # credit, debit, debit_revert, expiration
    amount: int  # negative: it left the account
    balance_after: int
    created_at: datetime
    event: str  # in the words of the GraphQL API
    expires_at: datetime | None = None  # of a credit
    remaining: int = 0  # of a credit: what no debit has spent
    lapsed: bool = False  # of a credit: what remained has left the account
    parent_id: int | None = None  # the credit that expired, or the debit that was reverted


@dataclass
class StoreCreditAccount:
    """The money that a shop owes a customer, in one currency."""

    id: int
    customer_id: int
    currency: str
    balance: int = 0
    transactions: list[StoreCreditTransaction] = field(default_factory=list)


@dataclass
class GiftCard:
    id: int
    code: str  # lower case
    currency: str
    initial: int
    balance: int
    created_at: datetime
    updated_at: datetime
    customer_id: int | None = None
    expires_on: str | None = None  # the last day, 2027-12-31
    note: str | None = None
    deactivated_at: datetime | None = None


@dataclass
class BulkOperation:
    id: int
    query: str
    created_at: datetime
    secret: str  # a part of the result's address
    base_url: str
    status: str = "CREATED"  # CREATED, RUNNING, COMPLETED, FAILED
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_object_count: int = 0
    result: str | None = None  # JSON lines
