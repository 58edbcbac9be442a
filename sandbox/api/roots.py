"""The two roots, put together from the parts."""

from __future__ import annotations

from typing import Any

from sandbox.api.context import Context
from sandbox.api.customer_mutations import CustomerMutations
from sandbox.api.discount_mutations import DiscountMutations
from sandbox.api.metafield_mutations import MetafieldMutations
from sandbox.api.order_create import OrderCreate
from sandbox.api.order_mutations import OrderMutations


class Mutations(CustomerMutations, OrderCreate, OrderMutations, DiscountMutations, MetafieldMutations):
    kind = "Mutation"


def more_queries(context: Context, name: str) -> Any:
    raise AttributeError(name)
