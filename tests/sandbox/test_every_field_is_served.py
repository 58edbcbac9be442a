"""A field in the schema that nothing answers would only be found by whoever needs it."""

from dataclasses import fields
from typing import Any

import pytest

from sandbox import model
from sandbox.api import (
    discount_views,
    editing,
    gift_card_views,
    order_part_views,
    order_views,
    roots,
    views,
    webhook_mutations,
)
from sandbox.api.context import snake
from sandbox.api.schema import RENAMED
from sandbox.graphql import SCHEMA

SHOWN = {
    "Shop": (views.ShopView, model.Shop),
    "App": (views.AppView, None),
    "AppInstallation": (views.InstallationView, model.Installation),
    "Metafield": (views.MetafieldView, model.Metafield),
    "Product": (views.ProductView, model.Product),
    "ProductVariant": (views.VariantView, model.Variant),
    "Collection": (views.CollectionView, model.Collection),
    "Customer": (views.CustomerView, model.Customer),
    "StoreCreditAccount": (views.StoreCreditView, model.StoreCreditAccount),
    "StoreCreditAccountCreditTransaction": (views.StoreCreditTransactionView, model.StoreCreditTransaction),
    "StoreCreditAccountDebitTransaction": (views.StoreCreditTransactionView, model.StoreCreditTransaction),
    "StoreCreditAccountDebitRevertTransaction": (
        views.StoreCreditTransactionView,
        model.StoreCreditTransaction,
    ),
    "StoreCreditAccountExpirationTransaction": (
        views.StoreCreditTransactionView,
        model.StoreCreditTransaction,
    ),
    "GiftCard": (gift_card_views.GiftCardView, model.GiftCard),
    "Order": (order_views.OrderView, model.Order),
    "LineItem": (order_part_views.LineView, model.LineItem),
    "ShippingLine": (order_part_views.ShippingLineView, model.ShippingLine),
    "OrderTransaction": (order_part_views.TransactionView, model.Transaction),
    "Refund": (order_part_views.RefundView, model.Refund),
    "RefundLineItem": (order_part_views.RefundLineView, model.RefundLine),
    "RefundShippingLine": (order_part_views.RefundShippingView, model.ShippingRefund),
    "Fulfillment": (order_part_views.FulfillmentView, model.Fulfillment),
    "FulfillmentOrder": (order_views.FulfillmentOrderView, model.Order),
    "DiscountNode": (discount_views.DiscountNodeView, None),
    "DiscountCodeNode": (discount_views.DiscountCodeNodeView, None),
    "DiscountCodeBasic": (discount_views.DiscountView, model.Discount),
    "DiscountCodeFreeShipping": (discount_views.DiscountView, model.Discount),
    "DiscountCodeBxgy": (discount_views.DiscountView, model.Discount),
    "DiscountRedeemCode": (discount_views.RedeemCodeView, model.RedeemCode),
    "DiscountRedeemCodeBulkCreation": (discount_views.CodeCreationView, model.CodeCreation),
    "CalculatedOrder": (editing.CalculatedOrderView, None),
    "BulkOperation": (views.BulkOperationView, model.BulkOperation),
    "WebhookSubscription": (webhook_mutations.WebhookSubscriptionView, model.HookSubscription),
    "QueryRoot": (roots.Queries, None),
    "Mutation": (roots.Mutations, None),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_field_of_the_type_has_an_answer(name: str) -> None:
    view, shown = SHOWN[name]
    stored = {f.name for f in fields(shown)} | set(dir(shown)) if shown else set()
    served: Any = stored | set(dir(view)) | set(order_views.SUMS if name == "Order" else ())
    wanted = {RENAMED.get(field) or snake(field) for field in SCHEMA.type_map[name].fields}
    assert wanted - served == set()
