"""What all mutations share: a refusal becomes a userError in the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from sandbox.api.context import Context
from sandbox.api.views import ShopView
from sandbox.orders import Refused

Payload = dict[str, Any]


class MutationSet:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.world, self.here = context.world, context.state


def mutation(
    errors: str = "userErrors",
) -> Callable[[Callable[..., Payload]], Callable[..., Payload]]:
    """`errors`: the field of the payload that takes the errors."""

    def decorate(run: Callable[..., Payload]) -> Callable[..., Payload]:
        @wraps(run)
        def resolve(self: MutationSet, **args: Any) -> Payload:
            payload: Payload = {"userErrors": [], "shop": ShopView(self.context, self.here.shop)}
            try:
                return payload | {errors: []} | run(self, **args)
            except Refused as refused:
                error = {"field": refused.field, "message": refused.message, "code": refused.code}
                return payload | {errors: [error], "userErrors": [error]}

        return resolve

    return decorate
