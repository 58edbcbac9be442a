"""What each topic means: one dict, topic -> function.

A handler turns a delivery into news of orders, which the inbox settles in batches, or does its small
work itself, in the inbox's transaction. No handler calls Shopify.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rewards import actions, orders, people, programs
from rewards.facts import OrderFact, OrderRef
from rewards.models import Program
from shopify_bridge import catalogue, credits, customer_tags, goods, install, payloads
from shopify_bridge.models import DataRequest, Shop
from shopify_bridge.payloads import BadPayload, Json


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a known shop, read."""

    shop: Shop
    program: Program
    payload: Json
    triggered_at: datetime
    topic: str
    received_at: datetime
    due_at: datetime


REFUND_PATIENCE = timedelta(seconds=2)
"""So long a refund waits for the order's new state to be delivered before that is asked for."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not decided yet: look again at this moment."""

    at: datetime


Outcome = OrderFact | OrderRef | Later | None
Handler = Callable[[Delivery], Outcome]


def order_changed(delivery: Delivery) -> Outcome:
    """The delivery carries the order's state, and where it leaves out what the rules look at, its name."""
    fact = payloads.order(delivery.payload, delivery.shop.pk)
    if payloads.names_products(delivery.payload) or not programs.look_at_lines(delivery.program):
        return fact
    return OrderRef(fact.source_id, fact.external_id)


def order_fetched(delivery: Delivery) -> Outcome:
    """The delivery says only that something happened to an order."""
    edit = delivery.payload.get("order_edit", delivery.payload)
    if not isinstance(edit, dict):
        raise BadPayload("order_edit is no object")
    return OrderRef(delivery.shop.pk, payloads.identifier(edit, "order_id"))


def refund_made(delivery: Delivery) -> Outcome:
    """Carries no state of the order, but Shopify sends `orders/updated` along, in any order.

    So wait a moment for that and ask only when it doesn't come: a busy hour of refunds would use up the
    shop's cost limit, one question each. The moment is a place in the queue: where deliveries have piled up,
    the state may be among those that wait before it.
    """
    ref = OrderRef(delivery.shop.pk, payloads.identifier(delivery.payload, "order_id"))
    if orders.knows_refund(delivery.program, ref, payloads.identifier(delivery.payload, "id")):
        return None
    patient_until = delivery.received_at + REFUND_PATIENCE
    return ref if delivery.due_at >= patient_until else Later(patient_until)


def order_deleted(delivery: Delivery) -> Outcome:
    ref = OrderRef(delivery.shop.pk, payloads.identifier(delivery.payload, "id"))
    orders.settle_deleted(delivery.program, ref, delivery.triggered_at)
    return None


def dispute_changed(delivery: Delivery) -> Outcome:
    """Told only to shops that gave the permission. A chargeback that is lost counts as refunded."""
    dispute = payloads.dispute(delivery.payload, delivery.triggered_at)
    if delivery.payload.get("order_id") is None:
        return None  # of a payment without an order
    if dispute.currency != delivery.program.currency:
        if not dispute.lost:
            return None
        raise BadPayload(
            f"The lost chargeback is in {dispute.currency}, the points count in {delivery.program.currency}, "
            "and nothing is converted. Cancel the order in Shopify to take its points back"
        )
    ref = OrderRef(delivery.shop.pk, payloads.identifier(delivery.payload, "order_id"))
    unsure = orders.settle_dispute(delivery.program, ref, dispute).unsure
    return unsure[0] if unsure else None


def customer_changed(delivery: Delivery) -> Outcome:
    """Every customer is a member."""
    ref = (delivery.shop.pk, payloads.identifier(delivery.payload, "id"))
    has_date = delivery.payload.get("created_at")
    joined_at = payloads.moment(delivery.payload, "created_at") if has_date else delivery.triggered_at
    people.enrol(delivery.program, {ref: joined_at})
    return None


def customer_deleted(delivery: Delivery) -> Outcome:
    """Deletion isn't erasure: it may be the other half of a merge. Who is to be erased is redacted."""
    ref = (delivery.shop.pk, payloads.identifier(delivery.payload, "id"))
    people.close(delivery.program, ref, at=delivery.triggered_at)
    return None


def customers_merged(delivery: Delivery) -> Outcome:
    """Which of the two ids survives is Shopify's decision; the delivery says it."""
    payload = delivery.payload
    status = str(payload.get("status", "completed")).lower()
    if status not in ("completed", "success"):
        return None
    kept = payloads.gid_number(payload.get("admin_graphql_api_customer_kept_id"))
    gone = payloads.gid_number(payload.get("admin_graphql_api_customer_deleted_id"))
    people.merge(
        delivery.program,
        survivor=(delivery.shop.pk, kept),
        lost=(delivery.shop.pk, gone),
        happened_at=delivery.triggered_at,
    )
    customer_tags.merged(delivery.shop, kept, gone)
    return None


def customer_tags_changed(delivery: Delivery) -> Outcome:
    payload = delivery.payload
    tags = payload.get("tags")
    if not isinstance(tags, list):
        raise BadPayload("tags is no list")
    customer = payload.get("customerId") or payload.get("customer_id")
    people.remember_tags(
        delivery.program.pk,
        (delivery.shop.pk, payloads.gid_number(customer)),
        [payloads.printable(tag) for tag in tags],
        added=delivery.topic == "customer.tags_added",
    )
    return None


def product_changed(delivery: Delivery) -> Outcome:
    """Told of every sale too. Rules ask again only where something else than the moment is new."""
    product = payloads.identifier(delivery.payload, "id")
    told = {name: value for name, value in delivery.payload.items() if name != "updated_at"}
    catalogue.changed(delivery.shop, product, told)
    return None


def product_deleted(delivery: Delivery) -> Outcome:
    product = payloads.identifier(delivery.payload, "id")
    catalogue.deleted(delivery.shop, product)
    goods.deleted(delivery.shop, ("product", product))
    return None


def collection_changed(delivery: Delivery) -> Outcome:
    """It doesn't say which products came or went."""
    collection = payloads.identifier(delivery.payload, "id")
    catalogue.forget(delivery.shop)
    if delivery.topic == "collections/delete":
        goods.deleted(delivery.shop, ("collection", collection))
    return None


def consent_changed(delivery: Delivery) -> Outcome:
    """Who agrees to marketing may earn by it, once.

    The moment of the consent decides: one that is older than the rule is no news, however late it is told.
    """
    consent = payloads.consent(delivery.payload)
    if not consent.given:
        return None
    ref = (delivery.shop.pk, consent.customer_id)
    member_id = people.enrol(delivery.program, {ref: delivery.triggered_at}).get(ref)
    if member_id is not None:
        kind = "sms" if consent.by_text_message else "newsletter"
        at = min(consent.at or delivery.triggered_at, delivery.triggered_at)
        actions.earn_by_kind(delivery.program, member_id, kind, at=at)
    return None


def shop_changed(delivery: Delivery) -> Outcome:
    """Name and time zone follow. A new currency is the merchant's decision: until then first awards stop."""
    shop, payload = delivery.shop, delivery.payload
    _same_shop(delivery, "myshopify_domain")
    shop.name = payloads.printable(payload.get("name"))[:255] or shop.name
    if payload.get("iana_timezone"):
        shop.timezone = payloads.zone(payload["iana_timezone"])
        Program.objects.filter(pk=shop.program_id).update(timezone=shop.timezone)
    shop.save(update_fields=["name", "timezone"])
    return None


def app_uninstalled(delivery: Delivery) -> Outcome:
    _same_shop(delivery, "myshopify_domain")
    install.uninstalled(delivery.shop, delivery.triggered_at)
    return None


def scopes_changed(delivery: Delivery) -> Outcome:
    current = delivery.payload.get("current")
    if not isinstance(current, list):
        raise BadPayload("current is no list of scopes")
    install.scopes_changed(delivery.shop, ",".join(payloads.printable(scope) for scope in current))
    return None


def data_requested(delivery: Delivery) -> Outcome:
    """The merchant is told in the panel, and finds there what is stored, as a file."""
    _same_shop(delivery, "shop_domain")
    asked = delivery.payload.get("data_request")
    if not isinstance(asked, dict):
        raise BadPayload("data_request is missing")
    DataRequest.objects.get_or_create(
        program_id=delivery.program.pk,
        shop_id=delivery.shop.pk,
        external_id=payloads.identifier(asked, "id"),
        defaults={"customer_id": _customer(delivery), "asked_at": delivery.triggered_at},
    )
    return None


def customer_redacted(delivery: Delivery) -> Outcome:
    _same_shop(delivery, "shop_domain")
    customer = _customer(delivery)
    people.forget(delivery.program, (delivery.shop.pk, customer))
    customer_tags.forget(delivery.shop, customer)
    asked = DataRequest.objects.filter(program_id=delivery.program.pk, shop_id=delivery.shop.pk)
    asked.filter(customer_id=customer).delete()
    credits.forget_customer(delivery.program.pk, delivery.shop.pk, customer)
    return None


def shop_redacted(delivery: Delivery) -> Outcome:
    _same_shop(delivery, "shop_domain")
    install.redact_shop(delivery.shop, delivery.triggered_at)
    return None


HANDLERS: dict[str, Handler] = {
    "orders/paid": order_changed,
    "orders/updated": order_changed,
    "orders/cancelled": order_changed,
    "orders/fulfilled": order_changed,
    "orders/edited": order_fetched,
    "refunds/create": refund_made,
    "orders/delete": order_deleted,
    "disputes/create": dispute_changed,
    "disputes/update": dispute_changed,
    "customers/create": customer_changed,
    "customers/update": customer_changed,
    "customers/delete": customer_deleted,
    "customers/merge": customers_merged,
    "customer.tags_added": customer_tags_changed,
    "customer.tags_removed": customer_tags_changed,
    "products/update": product_changed,
    "products/delete": product_deleted,
    "collections/create": collection_changed,
    "collections/update": collection_changed,
    "collections/delete": collection_changed,
    "customers_email_marketing_consent/update": consent_changed,
    "customers_marketing_consent/update": consent_changed,
    "shop/update": shop_changed,
    "app/uninstalled": app_uninstalled,
    "app/scopes_update": scopes_changed,
    "customers/data_request": data_requested,
    "customers/redact": customer_redacted,
    "shop/redact": shop_redacted,
}

READING_ONLY = frozenset({order_changed, order_fetched})
"""Handlers that touch no row: they need no savepoint of their own."""


def _same_shop(delivery: Delivery, name: str) -> None:
    """The signature covers the body only: where the body names its shop, the header must say the same."""
    if delivery.payload.get(name) != delivery.shop.domain:
        raise BadPayload(f"{name} is not the shop of the header")


def _customer(delivery: Delivery) -> int:
    customer = delivery.payload.get("customer")
    if not isinstance(customer, dict):
        raise BadPayload("customer is missing")
    return payloads.identifier(customer, "id")
