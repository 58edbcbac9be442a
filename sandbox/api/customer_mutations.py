"""Customers and tags."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from sandbox import catalogue, events, orders
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.order_views import OrderView
from sandbox.api.views import CustomerView, ProductView
from sandbox.model import Consent, Customer
from sandbox.orders import Refused
from sandbox.world import ShopState, World

_TEXTS = {
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "note": "note",
}

_EMAIL_CONSENT = ["input", "emailMarketingConsent"]
_SMS_CONSENT = ["input", "smsMarketingConsent"]


def clean_tags(tags: list[str]) -> list[str]:
    """Trimmed, without repetitions; upper and lower case are the same tag."""
    found: dict[str, str] = {}
    for tag in tags:
        for part in tag.split(","):
            if part.strip():
                found.setdefault(part.strip().lower(), part.strip())
    return list(found.values())


class CustomerMutations(MutationSet):
    @mutation()
    def customer_create(self, input: dict[str, Any]) -> Payload:
        if "id" in input:
            raise Refused("Id is not allowed", ["id"])
        if not any(input.get(name) for name in ("email", "phone", "firstName", "lastName")):
            raise Refused("A name, phone number, or email address must be present", None)
        customer = self.new_customer(input)
        return {"customer": CustomerView(self.context, customer)}

    def new_customer(self, fields: dict[str, Any]) -> Customer:
        now = self.world.now()
        self._check_unique(fields, None)
        customer = Customer(self.world.new_id(), None, None, None, None, now, now)
        self._fill(customer, fields)
        self.world.save(self.here, customer)
        events.customer(self.world, self.here, customer, "customers/create")
        if customer.tags:
            events.tags(self.world, self.here, customer, customer.tags, [])
        return customer

    @mutation()
    def customer_update(self, input: dict[str, Any]) -> Payload:
        if not input.get("id"):
            raise Refused("Id can't be blank", ["id"])
        customer = self.context.must_customer(input["id"], ["id"])
        self._check_unique(input, customer)
        before = customer.tags
        self._fill(customer, input)
        self._changed(customer, before)
        return {"customer": CustomerView(self.context, customer)}

    def _check_unique(self, fields: dict[str, Any], own: Customer | None) -> None:
        email, phone = fields.get("email"), fields.get("phone")
        if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise Refused("Email is invalid", ["email"], "INVALID")
        for other in self.here.customers.values():
            if other is own:
                continue
            if email and (other.email or "").lower() == email.lower():
                raise Refused("Email has already been taken", ["email"], "TAKEN")
            if phone and other.phone == phone:
                raise Refused("Phone has already been taken", ["phone"], "TAKEN")

    def _fill(self, customer: Customer, fields: dict[str, Any]) -> None:
        for name, attribute in _TEXTS.items():
            if name in fields:
                setattr(customer, attribute, fields[name] or None)
        if fields.get("tags") is not None:
            customer.tags = clean_tags(fields["tags"])
        if fields.get("taxExempt") is not None:
            customer.tax_exempt = fields["taxExempt"]

    def _changed(self, customer: Customer, tags_before: list[str]) -> None:
        customer.updated_at = self.world.now()
        self.world.save(self.here, customer)
        events.customer(self.world, self.here, customer, "customers/update")
        added = [tag for tag in customer.tags if tag not in tags_before]
        removed = [tag for tag in tags_before if tag not in customer.tags]
        events.tags(self.world, self.here, customer, added, removed)

    # -- consent to marketing ------------------------------------------------------------------------

    @mutation()
    def customer_email_marketing_consent_update(self, input: dict[str, Any]) -> Payload:
        customer = self.context.must_customer(input["customerId"], ["input", "customerId"])
        if not customer.email:
            raise Refused("An email address is required to set marketing consent", _EMAIL_CONSENT, "INVALID")
        customer.email_consent = self._consent(input["emailMarketingConsent"], _EMAIL_CONSENT)
        return self._agreed(customer, events.email_consent)

    @mutation()
    def customer_sms_marketing_consent_update(self, input: dict[str, Any]) -> Payload:
        customer = self.context.must_customer(input["customerId"], ["input", "customerId"])
        if not customer.phone:
            raise Refused("A phone number is required to set marketing consent", _SMS_CONSENT, "INVALID")
        customer.sms_consent = self._consent(input["smsMarketingConsent"], _SMS_CONSENT)
        return self._agreed(customer, events.sms_consent)

    def _consent(self, given: dict[str, Any], field: list[str]) -> Consent:
        """Shopify takes three of its states as input, and no moment that is still to come."""
        now, state = self.world.now(), given["marketingState"]
        if state not in ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING"):
            raise Refused(
                "Marketing state is not included in the list", [*field, "marketingState"], "INCLUSION"
            )
        at = given.get("consentUpdatedAt") or now
        if at > now:
            raise Refused("Consent updated at must be in the past", [*field, "consentUpdatedAt"], "INVALID")
        return Consent(state, given.get("marketingOptInLevel") or "SINGLE_OPT_IN", at)

    def _agreed(self, customer: Customer, tell: Callable[[World, ShopState, Customer], None]) -> Payload:
        customer.updated_at = self.world.now()
        self.world.save(self.here, customer)
        events.customer(self.world, self.here, customer, "customers/update")
        tell(self.world, self.here, customer)
        return {"customer": CustomerView(self.context, customer)}

    @mutation()
    def customer_delete(self, input: dict[str, Any]) -> Payload:
        customer = self.context.must_customer(input["id"], ["id"])
        if self.here.orders_of(customer.id):
            raise Refused("Customer can't be deleted because they have associated orders", ["id"])
        self._forget(customer)
        events.customer_deleted(self.world, self.here, customer)
        return {"deletedCustomerId": input["id"]}

    def _forget(self, customer: Customer) -> None:
        self.world.remove(self.here, customer)
        for account in [a for a in self.here.store_credit.values() if a.customer_id == customer.id]:
            self.world.remove(self.here, account)
        gid = f"gid://shopify/Customer/{customer.id}"
        for metafield in [m for m in self.here.metafields.values() if m.owner == gid]:
            self.world.remove(self.here, metafield)

    @mutation()
    def customer_merge(
        self, customer_one_id: str, customer_two_id: str, override_fields: dict[str, Any] | None = None
    ) -> Payload:
        one = self._merge_side(customer_one_id, "customerOneId")
        two = self._merge_side(customer_two_id, "customerTwoId")
        if one is two:
            raise Refused("Customers must be different", ["customerTwoId"], "INVALID_CUSTOMER")
        kept, lost = self._survivor(one, two, override_fields or {})
        self._merge(kept, lost, override_fields or {})
        return {
            "resultingCustomerId": f"gid://shopify/Customer/{kept.id}",
            "job": {"id": f"gid://shopify/Job/{uuid.uuid4()}", "done": True},
        }

    def _merge_side(self, gid: str, field: str) -> Customer:
        found = self.context.customer(gid)
        if found is None:
            raise Refused("Customer does not exist", [field], "INVALID_CUSTOMER_ID")
        if any(card.customer_id == found.id for card in self.here.gift_cards.values()):
            raise Refused("Customers with gift cards can't be merged", [field], "CUSTOMER_HAS_GIFT_CARDS")
        if any(one.customer_id == found.id and one.balance for one in self.here.store_credit.values()):
            raise Refused("Customers with store credit can't be merged", [field], "INVALID_CUSTOMER")
        return found

    def _survivor(self, one: Customer, two: Customer, override: dict[str, Any]) -> tuple[Customer, Customer]:
        """Shopify doesn't promise which one stays; here it is the one whose e-mail stays, else the first."""
        keeps_email = override.get("customerIdOfEmailToKeep")
        if keeps_email is not None and self.context.customer(keeps_email) is two:
            return two, one
        if two.email and not one.email:
            return two, one
        return one, two

    def _merge(self, kept: Customer, lost: Customer, override: dict[str, Any]) -> None:
        before = kept.tags
        for attribute in ("email", "phone", "first_name", "last_name"):
            setattr(kept, attribute, getattr(kept, attribute) or getattr(lost, attribute))
        if override.get("customerIdOfFirstNameToKeep") == f"gid://shopify/Customer/{lost.id}":
            kept.first_name = lost.first_name
        if override.get("customerIdOfLastNameToKeep") == f"gid://shopify/Customer/{lost.id}":
            kept.last_name = lost.last_name
        if override.get("customerIdOfPhoneNumberToKeep") == f"gid://shopify/Customer/{lost.id}":
            kept.phone = lost.phone
        kept.note = override.get("note") or "\n".join(note for note in (kept.note, lost.note) if note) or None
        kept.tags = clean_tags(override.get("tags") or [*kept.tags, *lost.tags])
        moved = self.here.orders_of(lost.id)
        for order in moved:
            order.customer_id = kept.id
            orders.touch(self.world, order)
            self.world.save(self.here, order)
        self._move_bindings(kept, lost)
        self._forget(lost)
        self._changed(kept, before)
        events.customers_merged(self.world, self.here, kept, lost)

    def _move_bindings(self, kept: Customer, lost: Customer) -> None:
        """Sessions and customer-bound discounts go on as the survivor's."""
        for session in self.here.sessions.values():
            if session.customer_id == lost.id:
                session.customer_id = kept.id
                self.world.save(self.here, session)
        for discount in self.here.discounts.values():
            if lost.id in (discount.customer_ids or []):
                discount.customer_ids = [kept.id if i == lost.id else i for i in discount.customer_ids or []]
                self.world.save(self.here, discount)

    # -- tags ----------------------------------------------------------------------------------------

    @mutation()
    def tags_add(self, id: str, tags: list[str]) -> Payload:
        return self._retag(id, lambda present: clean_tags([*present, *tags]))

    @mutation()
    def tags_remove(self, id: str, tags: list[str]) -> Payload:
        unwanted = {tag.strip().lower() for tag in tags}
        return self._retag(id, lambda present: [tag for tag in present if tag.lower() not in unwanted])

    def _retag(self, gid: str, change: Any) -> Payload:
        kind = gid.split("/")[3] if gid.count("/") == 4 else ""
        scope = {"Customer": "write_customers", "Order": "write_orders", "Product": "write_products"}.get(
            kind
        )
        if scope is None:
            raise GraphQLError(f"Invalid global id '{gid}'", extensions={"code": "RESOURCE_NOT_FOUND"})
        self.context.need("tagsAdd", scope)
        if kind == "Customer":
            customer = self.context.must_customer(gid, ["id"])
            before = customer.tags
            customer.tags = change(before)
            if customer.tags != before:
                self._changed(customer, before)
            return {"node": CustomerView(self.context, customer)}
        if kind == "Order":
            order = self.context.must_order(gid, ["id"])
            order.tags = change(order.tags)
            orders.changed(self.world, self.here, order)
            return {"node": OrderView(self.context, order)}
        product = self.context.product(gid)
        if product is None:
            raise Refused("Product does not exist", ["id"])
        product.tags = change(product.tags)
        catalogue.product_changed(self.world, self.here, product)
        return {"node": ProductView(self.context, product)}
