"""Rewards that are discount codes: one discount of its own for each.

Our code is chosen and stored before Shopify is asked, so an unknown outcome is only a question: does
the code exist?
https://shopify.dev/docs/api/admin-graphql/latest/mutations/discountCodeBasicCreate
"""

import logging
from datetime import datetime
from typing import Any

from rewards.models import Redemption
from rewards.orders import settle_orders
from shopify_bridge import catalogue, orders
from shopify_bridge.client import AdminClient, TryAgain, user_errors
from shopify_bridge.issuers.base import Issuer, Refused
from shopify_bridge.issuers.terms import Terms, ending, mutation

log = logging.getLogger(__name__)

Json = dict[str, Any]


class DiscountIssuer(Issuer):
    def find(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        return found(client, redemption.code, title(redemption), within)

    def create(self, client: AdminClient, redemption: Redemption, within: float) -> str | None:
        return created(client, terms(redemption, client.shop.currency), within)

    def extend(self, client: AdminClient, redemption: Redemption, until: datetime, within: float) -> None:
        operation, field, change = ending(terms(redemption, client.shop.currency), until)
        data = client.run(operation, {"id": redemption.external_ref, "discount": change}, within=within)
        refuse_errors(data[field])

    def take_back(self, client: AdminClient, external_ref: str, within: float) -> None:
        deactivate(client, external_ref, within)

    def note_use(self, client: AdminClient, redemption: Redemption) -> bool:
        """Settle the orders that carry the code; whether there was one."""
        used = False
        for order_id, _, _ in orders.changed(client.shop, f"discount_code:{redemption.code}"):
            fetched = orders.fetch(client.shop, order_id)
            if fetched is not None:
                products = catalogue.complete(client.shop, redemption.program, [fetched])
                settle_orders(redemption.program, [fetched], catalogue=products)
                used = used or redemption.code in {code.upper() for code in fetched.fact.codes}
        return used


def terms(redemption: Redemption, currency: str) -> Terms:
    """What a redemption's discount says."""
    return Terms(
        reward=redemption.reward,
        title=title(redemption),
        code=redemption.code,
        value=redemption.value,
        currency=currency,
        starts_at=redemption.starts_at,
        ends_at=redemption.expires_at,
        customer_id=redemption.customer_id,
    )


def title(redemption: Redemption) -> str:
    """What the merchant sees in Shopify's list; its end tells us that a code is ours."""
    return f"{redemption.reward['title']} [loyalty {redemption.program_id}-{redemption.pk}]"


def created(client: AdminClient, terms: Terms, within: float) -> str | None:
    """Ask Shopify to make a discount; its id, or None when another one is seen to have the code."""
    operation, field, discount = mutation(terms)
    data = client.run(operation, {"discount": discount}, within=within)[field]
    errors = user_errors(data)
    if not errors:
        made: str = data["codeDiscountNode"]["id"]
        return made
    if any(error.get("code") == "TAKEN" for error in errors):
        return _adopted(client, terms, within)
    raise _refusal(errors)


def refuse_errors(answer: Json) -> None:
    """Raises Refused with what Shopify said, where it said no."""
    if errors := user_errors(answer):
        raise _refusal(errors)


def _refusal(errors: list[Json]) -> Refused:
    return Refused("Shopify refused the discount: " + "; ".join(str(error["message"]) for error in errors))


def found(client: AdminClient, code: str, title: str, within: float) -> str | None:
    """Shopify's id of the code, if it exists and is ours."""
    holder = _holder(client, code, within)
    return holder["id"] if holder is not None and _is_ours(holder, title) else None


def deactivate(client: AdminClient, external_ref: str, within: float) -> None:
    """Disable a discount; one that the merchant deleted can't be used either."""
    data = client.run("discount_deactivate", {"id": external_ref}, within=within)
    if errors := user_errors(data["discountCodeDeactivate"]):
        log.info("code was gone already", extra={"why": errors[0].get("code")})


def _adopted(client: AdminClient, terms: Terms, within: float) -> str | None:
    """The code is taken: by a request of ours whose answer was lost, or (None) by another discount.

    While nobody is seen to have it, it may be ours: with another code there could be two in the end.
    """
    holder = _holder(client, terms.code, within)
    if holder is None:
        raise TryAgain("Shopify says that the code is taken and doesn't show by what", sent=True)
    return holder["id"] if _is_ours(holder, terms.title) else None


def _holder(client: AdminClient, code: str, within: float) -> Json | None:
    """The discount that has the code, whosever it is."""
    data = client.run("discount_by_code", {"code": code}, within=within)
    holder: Json | None = data["codeDiscountNodeByCode"]
    return holder


def _is_ours(holder: Json, title: str) -> bool:
    return bool(holder["codeDiscount"].get("title") == title)
