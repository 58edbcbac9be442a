"""The file of a bulk operation over orders: a line for each, behind it its three items and its shipping."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

LINES = 3
VARIANTS = 40
ORDER, CUSTOMER, NUMBER = 5_000_000_000_000, 7_777_777_777_777, 88_888_888
MADE, PAID = "2001-01-01T01:01:01Z", "2001-01-01T01:01:02Z"
"""What stands in the templates where an order's own go."""
TOOK = timedelta(days=700)


def write(file: Path, orders: int, customers: list[int]) -> None:
    """So many orders of the last two years, the customers in turn."""
    begin = datetime.now(UTC) - TOOK - timedelta(days=1)
    with open(file, "wb") as out:
        for number in range(orders):
            made = begin + TOOK * number / orders
            text = _template(number % VARIANTS)
            for before, after in (
                (str(ORDER), str(ORDER + number)),
                (str(CUSTOMER), str(customers[number % len(customers)])),
                (str(NUMBER), str(number)),
                (MADE, f"{made:%Y-%m-%dT%H:%M:%SZ}"),
                (PAID, f"{made + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"),
            ):
                text = text.replace(before, after)
            out.write(text.encode())


@cache
def _template(variant: int) -> str:
    gid = f"gid://shopify/Order/{ORDER}"
    lines = [
        _order(gid, variant),
        *({**_line(index, variant), "__parentId": gid} for index in range(LINES)),
        {"id": f"gid://shopify/ShippingLine/4{ORDER}", "taxLines": [_tax(81)], "__parentId": gid},
    ]
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _order(gid: str, variant: int) -> dict[str, Any]:
    total = sum(_price(index, variant) - 50 for index in range(LINES)) + 490
    return {
        "id": gid,
        "legacyResourceId": str(ORDER),
        "name": f"#{NUMBER}",
        "updatedAt": PAID,
        "processedAt": MADE,
        "cancelledAt": None,
        "test": False,
        "currencyCode": "EUR",
        "taxesIncluded": True,
        "sourceName": "web",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "discountCodes": ["AUTUMN"],
        "customer": {"legacyResourceId": str(CUSTOMER), "tags": ["newsletter"]},
        "transactions": [{"kind": "SALE", "status": "SUCCESS", "processedAt": PAID}],
        "refunds": [],
        "fulfillments": [{"createdAt": PAID}],
        "currentShippingPriceSet": _money(490),
        "originalTotalPriceSet": _money(total),
        "totalReceivedSet": _money(total),
        "refundDiscrepancySet": _money(0),
    }


def _line(index: int, variant: int) -> dict[str, Any]:
    price = _price(index, variant)
    return {
        "id": f"gid://shopify/LineItem/{index}{ORDER}",
        "quantity": 1,
        "currentQuantity": 1,
        "isGiftCard": False,
        "originalUnitPriceSet": _money(price),
        "discountAllocations": [{"allocatedAmountSet": _money(50)}],
        "taxLines": [_tax(price // 6)],
    }


def _price(index: int, variant: int) -> int:
    return 995 + 100 * ((variant + index) % 40)


def _tax(cents: int) -> dict[str, Any]:
    return {"priceSet": _money(cents)}


def _money(cents: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{cents // 100}.{cents % 100:02d}"}}
