"""`orderCreate`: from the input to a draft of the order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from sandbox import money, orders, totals
from sandbox.api.context import app_number, number
from sandbox.api.customer_mutations import CustomerMutations, clean_tags
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.order_views import OrderView
from sandbox.model import LineItem, Order, ShippingLine, TaxLine
from sandbox.orders import CodeOff, Draft, Refused
from sandbox.refunds import Wanted, refund

Input = dict[str, Any]


class OrderCreate(MutationSet):
    @mutation()
    def order_create(self, order: Input, options: Input | None = None) -> Payload:
        currency = order.get("currency") or self.here.shop.currency
        draft = Draft(
            lines=[
                self._line(line, currency, ["order", "lineItems", str(i)])
                for i, line in enumerate(order.get("lineItems") or [])
            ],
            currency=currency,
            shipping_lines=[self._shipping(line, currency) for line in order.get("shippingLines") or []],
            codes=self._codes(order.get("discountCode"), currency),
            taxes_included=bool(order.get("taxesIncluded")),
            test=bool(order.get("test")),
            note=order.get("note"),
            tags=clean_tags(order.get("tags") or []),
            processed_at=self._processed_at(order.get("processedAt")),
            source_name=order.get("sourceName") or str(app_number(self.context.config)),
            app_id=app_number(self.context.config),
        )
        payments = [self._payment(given, currency) for given in order.get("transactions") or []]
        whole_taxes = self._tax_lines(order.get("taxLines"), currency, ["order", "taxLines"])
        self._check(order, draft)
        self._attach_customer(order, draft)
        # Nothing is refused from here on: the order exists.
        made = orders.create(self.world, self.here, draft)
        self._reckon_taxes(made, whole_taxes)
        self._settle(made, order.get("financialStatus"), payments)
        if order.get("fulfillmentStatus") == "FULFILLED":
            orders.fulfill(self.world, self.here, made, silent=True)
        orders.announce(self.world, self.here, made)
        return {"order": OrderView(self.context, made)}

    def _check(self, order: Input, draft: Draft) -> None:
        if not draft.lines:
            raise Refused("Line items must have at least one line item", ["order", "lineItems"], "INVALID")
        needs_transactions = order.get("financialStatus") in (
            "PARTIALLY_REFUNDED",
            "EXPIRED",
            "PARTIALLY_PAID",
        )
        if needs_transactions and not order.get("transactions"):
            path = ["order", "financialStatus"]
            raise Refused("The sandbox takes this financial status from transactions", path, "INVALID")
        if order.get("fulfillmentStatus") in ("PARTIAL", "RESTOCKED"):
            raise Refused("The sandbox only knows FULFILLED", ["order", "fulfillmentStatus"], "INVALID")
        if order.get("taxLines") and any(line.tax_lines for line in draft.lines):
            path = ["order", "taxLines"]
            raise Refused("Tax lines are on the order or on its lines, not both", path, "INVALID")

    def _processed_at(self, given: Any) -> Any:
        if given is not None and given > self.world.now() + timedelta(minutes=5):
            raise Refused(
                "Processed at must be in the past", ["order", "processedAt"], "PROCESSED_AT_INVALID"
            )
        return given

    # -- money ---------------------------------------------------------------------------------------

    def _amount(self, bag: Input, currency: str, path: list[str]) -> int:
        given = bag["shopMoney"]
        if given["currencyCode"] != currency:
            raise Refused(f"Currency must be {currency}", [*path, "shopMoney", "currencyCode"], "INVALID")
        if given["amount"] < 0:
            raise Refused("Amount must not be negative", [*path, "shopMoney", "amount"], "INVALID")
        return money.to_minor(given["amount"], currency)

    def _line(self, given: Input, currency: str, path: list[str]) -> LineItem:
        product = variant = None
        if given.get("variantId"):
            variant = self.here.variants.get(number(given["variantId"], "ProductVariant"))
            if variant is None:
                raise Refused("Variant does not exist", [*path, "variantId"], "INVALID")
        if given.get("productId") or variant:
            known = variant.product_id if variant else number(given["productId"], "Product")
            product = self.here.products.get(known)
            if product is None:
                raise Refused("Product does not exist", [*path, "productId"], "INVALID")
        title = given.get("title") or (product.title if product else None)
        if not title:
            raise Refused("Title can't be blank", [*path, "title"], "INVALID")
        if given["quantity"] < 1:
            raise Refused("Quantity must be greater than 0", [*path, "quantity"], "INVALID")
        price = self._price(given, variant, currency, path)
        line = LineItem(
            id=self.world.new_id(),
            title=title,
            quantity=given["quantity"],
            current_quantity=given["quantity"],
            price=price,
            product_id=product.id if product else None,
            variant_id=variant.id if variant else None,
            variant_title=given.get("variantTitle") or (variant.title if variant else None),
            sku=given.get("sku") or (variant.sku if variant else None),
            vendor=given.get("vendor") or (product.vendor if product else None),
            gift_card=bool(given.get("giftCard") or (product and product.gift_card)),
            taxable=given.get("taxable", True),
            requires_shipping=bool(given.get("requiresShipping")),
        )
        line.tax_lines = self._tax_lines(given.get("taxLines"), currency, path)
        return line

    def _price(self, given: Input, variant: Any, currency: str, path: list[str]) -> int:
        if given.get("priceSet"):
            return self._amount(given["priceSet"], currency, [*path, "priceSet"])
        if variant is None:
            raise Refused("Price can't be blank", [*path, "priceSet"], "INVALID")
        return int(variant.price)

    def _tax_lines(self, given: Any, currency: str, path: list[str]) -> list[TaxLine]:
        """Those with a rate alone are reckoned when the discounts are known."""
        found = []
        for tax in given or []:
            price = self._amount(tax["priceSet"], currency, path) if tax.get("priceSet") else -1
            found.append(TaxLine(tax["title"], str(tax["rate"]), price))
        return found

    def _shipping(self, given: Input, currency: str) -> ShippingLine:
        path = ["order", "shippingLines"]
        line = ShippingLine(
            id=self.world.new_id(),
            title=given["title"],
            price=self._amount(given["priceSet"], currency, path),
            code=given.get("code") or given["title"],
        )
        line.tax_lines = self._tax_lines(given.get("taxLines"), currency, path)
        return line

    def _codes(self, given: Input | None, currency: str) -> list[CodeOff]:
        if not given:
            return []
        if len(given) != 1:
            raise GraphQLError("Only one type of discount can be applied to an order")
        ((kind, code),) = given.items()
        if kind == "freeShippingDiscountCode":
            return [CodeOff(code["code"], "shipping", Decimal(0))]
        if kind == "itemFixedDiscountCode":
            minor = self._amount(code["amountSet"], currency, ["order", "discountCode"])
            return [CodeOff(code["code"], "fixed_amount", money.to_decimal(minor, currency))]
        return [CodeOff(code["code"], "percentage", Decimal(str(code.get("percentage") or 0)))]

    def _reckon_taxes(self, made: Order, whole: list[TaxLine]) -> None:
        for line in made.lines:
            _fill_in(line.tax_lines, totals.line_net(line), made.taxes_included)
        for shipping in made.shipping_lines:
            _fill_in(shipping.tax_lines, totals.shipping_net(shipping), made.taxes_included)
        nets = [totals.line_net(line) if line.taxable else 0 for line in made.lines]
        _fill_in(whole, sum(nets), made.taxes_included)
        for tax in whole:
            for line, part in zip(made.lines, money.split(tax.price, nets), strict=True):
                line.tax_lines.append(TaxLine(tax.title, tax.rate, part))

    # -- people and payment --------------------------------------------------------------------------

    def _attach_customer(self, order: Input, draft: Draft) -> None:
        customer = None
        given = order.get("customer") or {}
        if len(given) > 1:
            raise Refused("Use toAssociate or toUpsert", ["order", "customer"], "REDUNDANT_CUSTOMER_FIELDS")
        if "toAssociate" in given:
            customer = self._find(given["toAssociate"])
            if customer is None:
                raise Refused("Customer does not exist", ["order", "customer", "toAssociate"], "INVALID")
        elif "toUpsert" in given:
            upsert = given["toUpsert"]
            people = CustomerMutations(self.context)
            customer = self._find(upsert) or people.new_customer(upsert)
        elif order.get("email"):
            customer = self._find({"email": order["email"]})
        draft.customer_id = customer.id if customer else None
        draft.email = order.get("email") or (customer.email if customer else None)
        draft.phone = order.get("phone") or (customer.phone if customer else None)

    def _find(self, given: Input) -> Any:
        if given.get("id"):
            return self.context.customer(given["id"])
        email = (given.get("email") or "").lower()
        everybody = self.here.customers.values()
        return next((c for c in everybody if email and (c.email or "").lower() == email), None)

    def _payment(self, given: Input, currency: str) -> Input:
        """The arguments of `orders.pay`."""
        return {
            "amount": self._amount(given["amountSet"], currency, ["order", "transactions"]),
            "kind": given["kind"].lower(),
            "gateway": given.get("gateway") or "manual",
            "processed_at": given.get("processedAt"),
            "status": given["status"].lower(),
        }

    def _settle(self, made: Order, wanted: str | None, payments: list[Input]) -> None:
        """Payment as the input tells it; a status alone stands for one transaction over the total."""
        whole = totals.total(made)
        if not payments and wanted in ("PAID", "AUTHORIZED", "REFUNDED") and whole:
            kind = "authorization" if wanted == "AUTHORIZED" else "sale"
            payments = [{"amount": whole, "kind": kind, "gateway": "manual", "processed_at": None}]
        for payment in payments:
            at = payment.pop("processed_at") or made.processed_at
            orders.pay(self.world, self.here, made, processed_at=at, **payment)
        made.voided = wanted == "VOIDED"
        if wanted == "REFUNDED":
            lines = [(line.id, line.quantity, "no_restock") for line in made.lines]
            money_back = [(totals.received(made), None, "manual")]
            refund(self.world, self.here, made, Wanted(lines, totals.current_shipping(made), money_back))


def _fill_in(taxes: list[TaxLine], amount: int, included: bool) -> None:
    """Reckons those that came with a rate alone."""
    for tax in taxes:
        if tax.price < 0:
            tax.price = orders.tax_of(amount, tax.rate, included)
