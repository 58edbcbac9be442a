"""Webhook payloads in their REST shape: strings, numbers and nulls exactly as Shopify sends them.

Those of orders stand in order_payloads.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.model import BulkOperation, Consent, Customer
from sandbox.world import ShopState, World

Json = dict[str, Any]


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def bag(minor: int, currency: str) -> Json:
    amount = {"amount": money.to_text(minor, currency), "currency_code": currency}
    return {"shop_money": amount, "presentment_money": dict(amount)}


def time_text(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")


def tags_text(tags: Iterable[str]) -> str:
    return ", ".join(sorted(tags, key=str.lower))


# -- customers -------------------------------------------------------------------------------------


def customer(state: ShopState, customer: Customer) -> Json:
    return {**customer_body(state, customer), "addresses": []}


def customer_body(state: ShopState, customer: Customer) -> Json:
    zone = ZoneInfo(state.shop.timezone)
    return {
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
        "state": "enabled",
        "verified_email": customer.email is not None,
        "created_at": time_text(customer.created_at, zone),
        "updated_at": time_text(customer.updated_at, zone),
        "note": customer.note,
        "multipass_identifier": None,
        "tax_exempt": customer.tax_exempt,
        "tax_exemptions": [],
        "currency": state.shop.currency,
        "default_address": None,
    }


def customer_deleted(customer: Customer) -> Json:
    return {
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "phone": customer.phone,
        "addresses": [],
        "tax_exemptions": [],
    }


def customer_merge(world: World, kept: Customer, lost: Customer) -> Json:
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", kept.id),
        "admin_graphql_api_customer_deleted_id": gid("Customer", lost.id),
        "admin_graphql_api_job_id": f"gid://shopify/Job/{uuid.uuid4()}",
        "status": "completed",
        "errors": [],
    }


def customer_tags(world: World, customer: Customer, tags: list[str]) -> Json:
    return {
        "customerId": gid("Customer", customer.id),
        "tags": tags,
        "occurredAt": world.now().isoformat(timespec="seconds"),
    }


def email_consent(state: ShopState, customer: Customer) -> Json:
    consent = _consent(state, customer.email_consent)
    return {
        "customer_id": customer.id,
        "email_address": customer.email,
        "email_marketing_consent": consent,
    }


def sms_consent(state: ShopState, customer: Customer) -> Json:
    consent = {**_consent(state, customer.sms_consent), "consent_collected_from": "OTHER"}
    return {"id": customer.id, "phone": customer.phone, "sms_marketing_consent": consent}


def _consent(state: ShopState, given: Consent | None) -> Json:
    if given is None:
        return {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None}
    return {
        "state": given.state.lower(),
        "opt_in_level": given.level.lower(),
        "consent_updated_at": time_text(given.updated_at, ZoneInfo(state.shop.timezone)),
    }


# -- shop and app ----------------------------------------------------------------------------------


def shop(state: ShopState) -> Json:
    shop = state.shop
    zone = ZoneInfo(shop.timezone)
    return {
        "id": shop.id,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "myshopify_domain": shop.domain,
        "currency": shop.currency,
        "enabled_presentment_currencies": [shop.currency],
        "iana_timezone": shop.timezone,
        "plan_name": shop.plan,
        "country_code": shop.country,
        "primary_locale": "en",
        "taxes_included": shop.taxes_included,
        "created_at": time_text(shop.created_at, zone),
        "updated_at": time_text(shop.updated_at, zone),
    }


def scopes_update(state: ShopState, world: World, previous: list[str], current: list[str]) -> Json:
    return {
        "id": state.installation.id,
        "shop_id": gid("Shop", state.shop.id),
        "previous": previous,
        "current": current,
        "updated_at": world.now().isoformat(timespec="seconds"),
    }


def bulk_finish(operation: BulkOperation) -> Json:
    return {
        "admin_graphql_api_id": gid("BulkOperation", operation.id),
        "completed_at": operation.completed_at and operation.completed_at.isoformat(timespec="seconds"),
        "created_at": operation.created_at.isoformat(timespec="seconds"),
        "error_code": operation.error_code and operation.error_code.lower(),
        "status": operation.status.lower(),
        "type": "query",
    }


def data_request(state: ShopState, world: World, customer: Customer) -> Json:
    orders = [order.id for order in state.orders_of(customer.id)]
    return {
        **_privacy(state, customer),
        "orders_requested": orders,
        "data_request": {"id": world.new_id()},
    }


def customer_redact(state: ShopState, customer: Customer) -> Json:
    return {
        **_privacy(state, customer),
        "orders_to_redact": [order.id for order in state.orders_of(customer.id)],
    }


def shop_redact(state: ShopState) -> Json:
    return {"shop_id": state.shop.id, "shop_domain": state.domain}


def _privacy(state: ShopState, customer: Customer) -> Json:
    who = {"id": customer.id, "email": customer.email, "phone": customer.phone}
    return {**shop_redact(state), "customer": who}
