"""Orders as Shopify delivers them: eight lines, a discount code, taxes, a customer with two addresses."""

from functools import cache
from typing import Any

from bench.stage import ROOT
from sandbox.subscriptions import read_app_config, reduce_payload

Order = dict[str, Any]
LINES = 8


def whole(number: int, *, customer: int | None = None, lines: int = LINES) -> Order:
    """A paid order with every field that matters in size: about 11 KB with eight lines."""
    prices = [995 + 100 * ((number + line) % 40) for line in range(lines)]
    total = sum(prices) - 50 * lines + 490
    return {
        "id": 5_000_000_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{5_000_000_000_000 + number}",
        "app_id": 580111,
        "browser_ip": "198.51.100.7",
        "cancel_reason": None,
        "cancelled_at": None,
        "checkout_id": 35_000_000_000_000 + number,
        "confirmation_number": f"C{number:08d}",
        "confirmed": True,
        "contact_email": f"customer{number}@example.com",
        "created_at": "2026-11-20T12:00:00+01:00",
        "currency": "EUR",
        "current_shipping_price_set": _set(490),
        "current_subtotal_price": _text(total - 490),
        "current_subtotal_price_set": _set(total - 490),
        "current_total_discounts": _text(50 * lines),
        "current_total_price": _text(total),
        "current_total_tax": _text(total // 6),
        "customer_locale": "en-IE",
        "discount_codes": [{"code": "AUTUMN", "amount": _text(50 * lines), "type": "fixed_amount"}],
        "email": f"customer{number}@example.com",
        "estimated_taxes": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "landing_site": "/collections/all?utm_source=newsletter",
        "name": f"#{1000 + number}",
        "note": None,
        "note_attributes": [],
        "number": number,
        "order_number": 1000 + number,
        "order_status_url": f"https://bench.example.com/60001/orders/{number:032x}/authenticate?key={number:032x}",
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "presentment_currency": "EUR",
        "processed_at": "2026-11-20T12:00:00+01:00",
        "source_name": "web",
        "subtotal_price": _text(total - 490),
        "subtotal_price_set": _set(total - 490),
        "tags": "",
        "tax_exempt": False,
        "tax_lines": [_tax(total // 6)],
        "taxes_included": True,
        "test": False,
        "total_discounts": _text(50 * lines),
        "total_line_items_price": _text(sum(prices)),
        "total_outstanding": "0.00",
        "total_price": _text(total),
        "total_price_set": _set(total),
        "total_shipping_price_set": _set(490),
        "total_tax": _text(total // 6),
        "updated_at": "2026-11-20T12:00:01+01:00",
        "billing_address": _address(number),
        "customer": {
            "id": customer or 7_000_000_000_000 + number,
            "email": f"customer{number}@example.com",
            "created_at": "2024-02-01T09:00:00+01:00",
            "updated_at": "2026-11-20T12:00:00+01:00",
            "state": "disabled",
            "verified_email": True,
            "currency": "EUR",
            "default_address": _address(number),
        },
        "discount_applications": [_application(50 * lines)],
        "fulfillments": [],
        "line_items": [_line(number, line, price) for line, price in enumerate(prices)],
        "payment_terms": None,
        "refunds": [],
        "shipping_address": _address(number),
        "shipping_lines": [_shipping(number)],
    }


def wanted(order: Order) -> Order:
    """What our subscription to paid orders asks for, as shopify.app.toml says."""
    reduced: Order = reduce_payload(order, _include_fields())
    return reduced


@cache
def _include_fields() -> tuple[str, ...]:
    return read_app_config(ROOT / "shopify.app.toml").of_topic("orders/paid")[0].include_fields


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _set(cents: int) -> Order:
    money = {"amount": _text(cents), "currency_code": "EUR"}
    return {"shop_money": money, "presentment_money": money}


def _tax(cents: int) -> Order:
    return {
        "channel_liable": False,
        "price": _text(cents),
        "price_set": _set(cents),
        "rate": 0.2,
        "title": "VAT",
    }


def _line(number: int, line: int, price: int) -> Order:
    return {
        "id": 14_000_000_000_000 + number * 100 + line,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{14_000_000_000_000 + number * 100 + line}",
        "current_quantity": 1,
        "fulfillment_status": None,
        "gift_card": False,
        "price": _text(price),
        "price_set": _set(price),
        "product_id": 8_000_000_000_000 + line,
        "quantity": 1,
        "sku": f"LINEN-{line:03d}-M",
        "taxable": True,
        "title": f"Linen shirt {line}",
        "total_discount": "0.00",
        "variant_id": 44_000_000_000_000 + line,
        "vendor": "Bench",
        "tax_lines": [_tax(price // 6)],
        "discount_allocations": [{"amount": "0.50", "amount_set": _set(50), "discount_application_index": 0}],
    }


def _shipping(number: int) -> Order:
    return {
        "id": 4_000_000_000_000 + number,
        "carrier_identifier": None,
        "code": "Standard",
        "discounted_price": "4.90",
        "is_removed": False,
        "phone": None,
        "price": "4.90",
        "price_set": _set(490),
        "source": "shopify",
        "title": "Standard",
        "tax_lines": [_tax(81)],
        "discount_allocations": [],
    }


def _application(cents: int) -> Order:
    return {
        "target_type": "line_item",
        "type": "discount_code",
        "value": _text(cents),
        "value_type": "fixed_amount",
        "allocation_method": "across",
        "target_selection": "all",
        "code": "AUTUMN",
    }


def _address(number: int) -> Order:
    return {
        "first_name": "Aoife",
        "address1": f"{number % 200} Harbour Street",
        "phone": None,
        "city": "Galway",
        "zip": "H91 ABCD",
        "province": "Galway",
        "country": "Ireland",
        "last_name": "Byrne",
        "address2": None,
        "company": None,
        "latitude": 53.27,
        "longitude": -9.05,
        "name": "Aoife Byrne",
        "country_code": "IE",
        "province_code": "G",
    }
