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
        self._check(order, draft)
        self._attach_customer(order, draft)
        made = orders.create(self.world, self.here, draft)
        self._taxes(made, order, currency)
        self._settle(made, order)
        if order.get("fulfillmentStatus") == "FULFILLED":
            orders.fulfill(self.world, self.here, made, silent=True)
        orders.announce(self.world, self.here, made)
        return {"order": OrderView(self.context, made)}

    def _check(self, order: Input, draft: Draft) -> None:
        if not draft.lines:
            raise Refused("Line items must have at least one line item", ["order", "lineItems"], "INVALID")
        if order.get("financialStatus") in (
            "PARTIALLY_REFUNDED",
            "EXPIRED",
            "PARTIALLY_PAID",
        ) and not order.get("transactions"):
            raise Refused("Financial status needs transactions here", ["order", "financialStatus"], "INVALID")
        if order.get("fulfillmentStatus") in ("PARTIAL", "RESTOCKED"):
            raise Refused("The sandbox only knows FULFILLED", ["order", "fulfillmentStatus"], "INVALID")

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
        line.tax_lines = self._tax_lines(given.get("taxLines"), line, currency, path)
        return line

    def _price(self, given: Input, variant: Any, currency: str, path: list[str]) -> int:
        if given.get("priceSet"):
            return self._amount(given["priceSet"], currency, [*path, "priceSet"])
        if variant is None:
            raise Refused("Price can't be blank", [*path, "priceSet"], "INVALID")
        return int(variant.price)

    def _tax_lines(self, given: Any, line: Any, currency: str, path: list[str]) -> list[TaxLine]:
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
        line.tax_lines = self._tax_lines(given.get("taxLines"), line, currency, path)
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

    def _taxes(self, made: Order, order: Input, currency: str) -> None:
        for line in [*made.lines, *made.shipping_lines]:
            net = totals.line_net(line) if isinstance(line, LineItem) else totals.shipping_net(line)
            for tax in line.tax_lines:
                if tax.price < 0:
                    tax.price = orders.tax_of(net, tax.rate, made.taxes_included)
        whole = order.get("taxLines") or []
        if whole and any(line.tax_lines for line in made.lines):
            raise Refused(
                "Tax lines are on the order or on its lines, not both", ["order", "taxLines"], "INVALID"
            )
        nets = [totals.line_net(line) if line.taxable else 0 for line in made.lines]
        for tax in whole:
            if tax.get("priceSet"):
                price = self._amount(tax["priceSet"], currency, ["order", "taxLines"])
            else:
                price = orders.tax_of(sum(nets), str(tax["rate"]), made.taxes_included)
            for line, part in zip(made.lines, money.split(price, nets), strict=True):
                line.tax_lines.append(TaxLine(tax["title"], str(tax["rate"]), part))

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

    def _settle(self, made: Order, order: Input) -> None:
        """Payment as the input tells it; a status alone stands for one transaction over the total."""
        wanted = order.get("financialStatus")
        given = order.get("transactions") or []
        for transaction in given:
            orders.pay(
                self.world,
                self.here,
                made,
                self._amount(transaction["amountSet"], made.currency, ["order", "transactions"]),
                transaction["kind"].lower(),
                transaction.get("gateway") or "manual",
                transaction.get("processedAt") or made.processed_at,
                transaction["status"].lower(),
            )
        if not given and wanted in ("PAID", "AUTHORIZED", "REFUNDED") and totals.total(made):
            kind = "authorization" if wanted == "AUTHORIZED" else "sale"
            orders.pay(self.world, self.here, made, totals.total(made), kind, "manual", made.processed_at)
        made.voided = wanted == "VOIDED"
        if wanted == "REFUNDED":
            from sandbox.refunds import Wanted, refund

            lines = [(line.id, line.quantity, "no_restock") for line in made.lines]
            paid = totals.received(made)
            shipping = totals.current_shipping(made)
            refund(self.world, self.here, made, Wanted(lines, shipping, [(paid, None, "manual")]))
