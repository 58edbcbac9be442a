"""A delivery and a fetched order, each with everything in it, become the same whole fact."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rewards.facts import FetchedOrder, Line, OrderFact, as_data, from_data, remembering
from shopify_bridge import payloads
from shopify_bridge.payloads import BadPayload

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
EARLIER = datetime(2026, 11, 20, 12, tzinfo=UTC)

FACT = OrderFact(
    source_id=3,
    external_id=5001,
    updated_at=AT,
    processed_at=EARLIER,
    currency="KWD",
    lines=(Line(11, 1500, 3, 2, 700, 120, False, 901, 902, "Kiln & Co"), Line(12, 5000, 1, 1, 0, 0, True)),
    name="#1002",
    customer_id=7001,
    paid=True,
    fulfilled=True,
    cancelled=True,
    wholly_refunded=True,
    test=True,
    taxes_included=True,
    channel="pos",
    shipping=490,
    shipping_tax=55,
    unexplained_refund=1300,
    codes=("SAVE10", "MORE"),
    refunds=(8, 9),
)

DELIVERY = {
    "id": 5001,
    "name": "#1002",
    "created_at": "2026-11-20T10:59:00Z",
    "updated_at": "2026-11-20T13:30:00+01:00",
    "processed_at": "2026-11-20T13:00:00+01:00",
    "cancelled_at": "2026-11-20T13:20:00+01:00",
    "currency": "KWD",
    "financial_status": "refunded",
    "fulfillment_status": "fulfilled",
    "test": True,
    "taxes_included": True,
    "source_name": "pos",
    "customer": {"id": 7001},
    "line_items": [
        {
            "id": 11,
            "price": "1.500",
            "quantity": 3,
            "current_quantity": 2,
            "discount_allocations": [{"amount": "0.400"}, {"amount": "0.300"}],
            "tax_lines": [{"price": "0.100"}, {"price": "0.020"}],
            "gift_card": False,
            "product_id": 901,
            "variant_id": 902,
            "vendor": "Kiln & Co",
        },
        {
            "id": 12,
            "price": "5.000",
            "quantity": 1,
            "gift_card": True,
            "product_id": None,
            "variant_id": None,
            "vendor": None,
        },
    ],
    "current_shipping_price_set": {"shop_money": {"amount": "0.490"}},
    "shipping_lines": [{"tax_lines": [{"price": "0.050"}]}, {"tax_lines": [{"price": "0.005"}]}],
    "discount_codes": [{"code": "SAVE10"}, {"code": "MORE"}, {"code": "SAVE10"}],
    "refunds": [
        {"id": 9, "order_adjustments": [{"kind": "refund_discrepancy", "amount": "-1.200"}]},
        {
            "id": 8,
            "order_adjustments": [
                {"kind": "refund_discrepancy", "amount": "-0.100"},
                {"kind": "shipping_refund", "amount": "-9.000"},
            ],
        },
    ],
}


def money(amount):
    return {"shopMoney": {"amount": amount}}


def paid(kind, status, minute):
    return {"kind": kind, "status": status, "processedAt": minute and f"2026-11-20T12:{minute}:00Z"}


NODE = {
    "legacyResourceId": "5001",
    "name": "#1002",
    "updatedAt": "2026-11-20T12:30:00Z",
    "processedAt": "2026-11-20T12:00:00Z",
    "cancelledAt": "2026-11-20T12:20:00Z",
    "currencyCode": "KWD",
    "displayFinancialStatus": "REFUNDED",
    "displayFulfillmentStatus": "FULFILLED",
    "test": True,
    "taxesIncluded": True,
    "sourceName": "pos",
    "customer": {"legacyResourceId": "7001", "tags": ["vip", "b2b"]},
    "lineItems": {
        "nodes": [
            {
                "id": "gid://shopify/LineItem/11",
                "originalUnitPriceSet": money("1.500"),
                "quantity": 3,
                "currentQuantity": 2,
                "discountAllocations": [
                    {"allocatedAmountSet": money("0.400")},
                    {"allocatedAmountSet": money("0.300")},
                ],
                "taxLines": [{"priceSet": money("0.100")}, {"priceSet": money("0.020")}],
                "isGiftCard": False,
                "product": {"legacyResourceId": "901"},
                "variant": {"legacyResourceId": "902"},
                "vendor": "Kiln & Co",
            },
            {
                "id": "gid://shopify/LineItem/12",
                "originalUnitPriceSet": money("5.000"),
                "quantity": 1,
                "currentQuantity": 1,
                "discountAllocations": [],
                "taxLines": [],
                "isGiftCard": True,
                "product": None,
                "variant": None,
                "vendor": None,
            },
        ]
    },
    "currentShippingPriceSet": money("0.490"),
    "shippingLines": {
        "nodes": [{"taxLines": [{"priceSet": money("0.050")}]}, {"taxLines": [{"priceSet": money("0.005")}]}]
    },
    "originalTotalPriceSet": money("9.990"),
    "totalReceivedSet": money("0.000"),
    "refundDiscrepancySet": money("-1.300"),
    "discountCodes": ["SAVE10", "MORE", "SAVE10"],
    "refunds": [{"legacyResourceId": "9"}, {"legacyResourceId": "8"}],
    "transactions": [
        paid("SALE", "SUCCESS", "05"),
        paid("CAPTURE", "SUCCESS", "07"),
        paid("SALE", "FAILURE", "08"),
        paid("REFUND", "SUCCESS", "09"),
        paid("SALE", "SUCCESS", None),
    ],
    "fulfillments": [{"createdAt": "2026-11-20T12:10:00Z"}, {"createdAt": "2026-11-20T12:15:00Z"}],
}


def test_a_whole_delivery():
    assert payloads.order(DELIVERY, 3) == FACT


def test_a_whole_fetched_order():
    assert payloads.fetched_order(NODE, 3) == FetchedOrder(
        FACT,
        customer_tags=("vip", "b2b"),
        paid_at=EARLIER.replace(minute=7),
        fulfilled_at=EARLIER.replace(minute=15),
    )


def placed(count, *others, more=False, oldest=5001, **own):
    """The place of order 5001, processed at 12:00, among others: (id, moment, changes)."""
    orders = [
        {"legacyResourceId": str(id), "processedAt": at, "cancelledAt": None, "test": False, **changes}
        for id, at, changes in [(5001, NODE["processedAt"], {}), *others]
    ]
    connection = {"nodes": orders, "pageInfo": {"hasNextPage": more}}
    first = {"nodes": [{"legacyResourceId": str(oldest)}]}
    customer = {
        **NODE["customer"], "numberOfOrders": str(count), "orders": connection, "oldest": first
    }  # fmt: skip
    found = payloads.fetched_order({**NODE, "test": False, "customer": customer, **own}, 3)
    return found.ordinal, found.previous_at and found.previous_at.isoformat()[:10]


OLD = "2026-11-02T12:00:00Z"
CANCELLED, TEST = {"cancelledAt": "2026-11-20T12:00:00Z"}, {"test": True}


def test_the_place_of_an_order_among_its_customers():
    """Shopify's count, less the orders that came after it; those from before 60 days ago it doesn't show."""
    old, older = (4001, OLD, {}), (4000, "2026-11-01T12:00:00Z", {})
    later = (5002, "2026-11-21T12:00:00Z", {})
    assert placed(1) == (1, None)
    assert placed(3, old, older) == (3, "2026-11-02")
    assert placed(9, old) == (9, "2026-11-02")
    assert placed(9, old, later) == (8, "2026-11-02")
    assert placed(2, later) == (1, None)


def test_cancelled_orders_have_a_place_but_are_nobodys_order_before():
    old, older = (4001, OLD, CANCELLED), (4000, "2026-11-01T12:00:00Z", {})
    assert placed(3, old, older) == (3, "2026-11-01")
    assert placed(3, old, (5002, "2026-11-21T12:00:00Z", CANCELLED)) == (2, None)


def test_test_orders_have_no_place_and_take_none():
    assert placed(1, (4001, OLD, TEST), (5002, "2026-11-21T12:00:00Z", TEST)) == (1, None)
    assert placed(1, test=True) == (None, None)


def test_orders_of_one_second_follow_each_other_by_their_ids():
    assert placed(2, (5000, NODE["processedAt"], {})) == (2, "2026-11-20")
    assert placed(2, (5002, NODE["processedAt"], {})) == (1, None)


def test_behind_more_orders_than_are_shown_it_is_the_first_or_it_isnt():
    """Found by the walk through a second shop: two orders of one customer were both the first."""
    later = [(6000 + n, "2026-11-21T12:00:00Z", {}) for n in range(50)]
    assert placed(60, *later, more=True) == (10, None)
    behind = {"legacyResourceId": "4999", "processedAt": OLD}
    assert placed(60, *later, more=True, oldest=4999, **behind) == (1, None)
    assert placed(60, *later, more=True, oldest=4998, **behind) == (2, None)


def test_a_count_that_lags_behind_doesnt_give_two_orders_one_place():
    assert placed(1, (4001, OLD, {})) == (2, "2026-11-02")
    assert placed(0) == (1, None)


def test_an_order_of_nobody_or_of_a_bulk_operation_has_no_place():
    for customer in (None, NODE["customer"]):
        found = payloads.fetched_order({**NODE, "test": False, "customer": customer}, 3)
        assert (found.ordinal, found.previous_at) == (None, None)


def test_an_app_that_may_not_read_products_is_told_of_none():
    lines = [
        {name: value for name, value in line.items() if name not in ("product", "variant")}
        for line in NODE["lineItems"]["nodes"]
    ]
    (line, _) = payloads.fetched_order({**NODE, "lineItems": {"nodes": lines}}, 3).fact.lines
    assert (line.product_id, line.variant_id, line.vendor) == (0, 0, "Kiln & Co")


def test_a_product_that_is_deleted_later_is_remembered():
    """Shopify no longer names it in the order's lines, which says nothing about the order itself."""
    first, second = FACT.lines
    bare = replace(FACT, lines=(replace(first, product_id=0, variant_id=0), second))
    assert remembering(bare, as_data(FACT)) == FACT
    assert remembering(FACT, as_data(bare)) == FACT
    assert remembering(bare, None) == bare


def test_a_fact_that_was_kept_before_products_were_known_can_be_read():
    kept = as_data(FACT)
    for line in kept["lines"]:
        for name in ("product_id", "variant_id", "vendor"):
            line.pop(name, None)
    first, second = from_data(kept).lines
    assert (first.product_id, first.variant_id, first.vendor) == (0, 0, "")
    assert second == FACT.lines[1]


BARE = {
    "id": 1,
    "created_at": "2026-11-20T12:00:00Z",
    "updated_at": "2026-11-20T12:30:00Z",
    "currency": "EUR",
}


def test_a_bare_delivery():
    assert payloads.order(BARE, 3) == OrderFact(3, 1, AT, EARLIER, "EUR")


def test_a_bare_fetched_order():
    node = deepcopy(NODE)
    node |= {
        "displayFinancialStatus": None,
        "displayFulfillmentStatus": "UNFULFILLED",
        "cancelledAt": None,
        "test": False,
        "taxesIncluded": False,
        "sourceName": None,
        "customer": None,
        "lineItems": {"nodes": []},
        "currentShippingPriceSet": None,
        "shippingLines": {"nodes": []},
        "refundDiscrepancySet": money("1.000"),
        "discountCodes": [],
        "refunds": [],
        "transactions": [],
        "fulfillments": [],
    }
    assert payloads.fetched_order(node, 3) == FetchedOrder(
        OrderFact(3, 5001, AT, EARLIER, "KWD", name="#1002")
    )


@pytest.mark.parametrize(
    ("status", "paid", "cancelled", "refunded"),
    [
        ("paid", True, False, False),
        ("partially_refunded", True, False, False),
        ("refunded", True, False, True),
        ("voided", False, True, False),
        ("pending", False, False, False),
        ("authorized", False, False, False),
        ("partially_paid", False, False, False),
        ("expired", False, False, False),
        ("unpaid", False, False, False),
    ],
)
def test_each_financial_status(status, paid, cancelled, refunded):
    told = payloads.order({**BARE, "financial_status": status}, 3)
    asked = payloads.fetched_order(
        {**NODE, "cancelledAt": None, "displayFinancialStatus": status.upper()}, 3
    ).fact
    for fact in (told, asked):
        assert (fact.paid, fact.cancelled, fact.wholly_refunded) == (paid, cancelled, refunded)


def test_partly_fulfilled_is_not_fulfilled():
    assert not payloads.order({**BARE, "fulfillment_status": "partial"}, 3).fulfilled


def test_names_are_cut_to_what_is_kept():
    told = payloads.order({**BARE, "name": "n" * 99, "source_name": "c" * 99}, 3)
    asked = payloads.fetched_order({**NODE, "name": "n" * 99, "sourceName": "c" * 99}, 3).fact
    for fact in (told, asked):
        assert (fact.name, fact.channel) == ("n" * 60, "c" * 60)
    told = payloads.order(one_line(vendor="v\0" + "v" * 999), 3)
    assert told.lines[0].vendor == "v" * 255
    codes = [{"code": "x" * 999}]
    assert payloads.order({**BARE, "discount_codes": codes}, 3).codes == ("x" * 255,)


def test_texts_that_are_none():
    fact = payloads.order({**BARE, "name": None, "source_name": 7, "customer": {}, "test": "true"}, 3)
    assert fact == OrderFact(3, 1, AT, EARLIER, "EUR")


@pytest.mark.parametrize(
    ("gid", "number"), [("gid://shopify/Customer/7", 7), ("7", 7), (2**63 - 1, 2**63 - 1)]
)
def test_the_number_of_a_gid(gid, number):
    assert payloads.gid_number(gid) == number


@pytest.mark.parametrize(
    "gid", ["gid://shopify/Customer/", "x/0", "x/-1", "x/²", str(2**63), None, "x/" + "1" * 30]
)
def test_what_is_no_gid_says_so(gid):
    with pytest.raises(BadPayload) as refused:
        payloads.gid_number(gid)
    assert str(refused.value) == "expected an id such as gid://shopify/Customer/7"


def test_a_zone_exists_or_is_refused():
    assert payloads.zone("Europe/Berlin") == "Europe/Berlin"
    for bad in ("Mars/Base", None, 7, "", "../etc/passwd", "x\0y"):
        with pytest.raises(BadPayload) as refused:
            payloads.zone(bad)
        assert str(refused.value) == "iana_timezone is no time zone"


def one_line(**changes):
    return {**BARE, "line_items": [{"id": 1, "price": "1.00", "quantity": 1, **changes}]}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({**BARE, "currency": ""}, "currency is missing or no text"),
        ({**BARE, "id": 0}, "id is missing or no id"),
        ({**BARE, "updated_at": None}, "updated_at is missing or no text"),
        ({**BARE, "updated_at": "soon"}, "updated_at is no moment"),
        ({**BARE, "updated_at": "2026-11-20T12:00:00"}, "updated_at is no moment that can be kept"),
        ({**BARE, "updated_at": "1969-12-31T12:00:00Z"}, "updated_at is no moment that can be kept"),
        ({**BARE, "updated_at": "9001-01-01T12:00:00Z"}, "updated_at is no moment that can be kept"),
        ({**BARE, "financial_status": "odd"}, "unknown financial_status 'odd'"),
        ({**BARE, "refunds": {"id": 1}}, "refunds is no list of objects"),
        ({**BARE, "refunds": [7]}, "refunds is no list of objects"),
        (one_line(quantity=True), "quantity is no quantity"),
        (one_line(quantity=10**9 + 1), "quantity is no quantity"),
        (one_line(current_quantity=None), "current_quantity is no quantity"),
        (one_line(product_id="7"), "product_id is missing or no id"),
        (one_line(variant_id=-7), "variant_id is missing or no id"),
        (one_line(price=True), "price is missing or no amount"),
        (one_line(price=1.5), "price is missing or no amount"),
        (one_line(price="1.001"), "price: “1.001” has more decimals than EUR has (2)."),
    ],
)
def test_what_is_wrong_is_named(payload, said):
    with pytest.raises(BadPayload) as refused:
        payloads.order(payload, 3)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[]", "expected a JSON object, got list"),
        (b'{"a": NaN}', "no readable JSON: NaN is no number"),
        (b'{"a":' * 100_000, "the JSON is nested too deeply"),
    ],
)
def test_what_cant_be_read_is_named(raw, said):
    with pytest.raises(BadPayload) as refused:
        payloads.parse(raw)
    assert str(refused.value) == said


def test_the_first_and_last_years_and_quantities_that_can_be_kept():
    for moment in ("1970-01-01T00:00:00Z", "9000-12-31T00:00:00Z"):
        assert payloads.order({**BARE, "updated_at": moment}, 3).updated_at.isoformat()[:10] == moment[:10]
    (line,) = payloads.order(one_line(quantity=10**9, current_quantity=0, id=2**63 - 1), 3).lines
    assert line == Line(2**63 - 1, 100, 10**9, 0)
    assert payloads.order({**BARE, "current_shipping_price_set": {"shop_money": "odd"}}, 3).shipping == 0


@pytest.mark.parametrize(
    ("original", "received", "was_paid"),
    [
        ("20.000", "20.000", True),
        ("20.000", "20.010", True),
        ("20.000", "19.999", False),
        ("0.000", "0.000", False),
    ],
)
def test_an_order_that_an_edit_made_dearer_was_paid(original: str, received: str, was_paid: bool) -> None:
    """Found by the soak: told of neither its payment nor the news between, it earned nothing for ever."""
    node = deepcopy(NODE) | {
        "displayFinancialStatus": "PARTIALLY_PAID",
        "originalTotalPriceSet": money(original),
        "totalReceivedSet": money(received),
    }
    assert payloads.fetched_order(node, 3).fact.paid is was_paid
