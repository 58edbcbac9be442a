"""The two roots, put together from the parts."""

from __future__ import annotations

from sandbox.api.bulk import BulkMutations, BulkQueries
from sandbox.api.credit_mutations import CreditMutations
from sandbox.api.customer_mutations import CustomerMutations
from sandbox.api.discount_mutations import DiscountMutations
from sandbox.api.editing import OrderEditing
from sandbox.api.gift_card_mutations import GiftCardMutations
from sandbox.api.metafield_mutations import MetafieldMutations
from sandbox.api.order_create import OrderCreate
from sandbox.api.order_mutations import OrderMutations
from sandbox.api.product_mutations import ProductMutations
from sandbox.api.redeem_code_mutations import RedeemCodeMutations
from sandbox.api.webhook_mutations import WebhookMutations


class Mutations(
    CustomerMutations,
    OrderCreate,
    OrderMutations,
    OrderEditing,
    DiscountMutations,
    RedeemCodeMutations,
    CreditMutations,
    GiftCardMutations,
    MetafieldMutations,
    ProductMutations,
    BulkMutations,
    WebhookMutations,
):
    kind = "Mutation"


class Queries(BulkQueries):
    kind = "QueryRoot"
