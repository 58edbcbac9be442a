"""Shopify's JSON becomes facts, and what can't be understood says why."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rewards.facts import Dispute, as_data, from_data
from shopify_bridge import payloads
from shopify_bridge.payloads import BadPayload

ORDER = json.loads((Path(__file__).parent.parent / "payloads" / "orders_updated.json").read_text())


def changed(**changes):
    return {**ORDER, **changes}


def test_an_order_becomes_a_fact():
    fact = payloads.order(ORDER, 3)
    assert (fact.source_id, fact.external_id, fact.customer_id) == (3, 5001, 7001)
    assert (fact.paid, fact.cancelled, fact.test, fact.wholly_refunded) == (True, False, False, False)
    assert [(line.price, line.ordered, line.current, line.discount, line.tax) for line in fact.lines] == [
        (1000, 4, 3, 1000, 250),
        (5000, 1, 1, 0, 0),
    ]
    assert [line.gift_card for line in fact.lines] == [False, True]
    assert fact.unexplained_refund == 1200
    assert fact.codes == ("SAVE10",)
    assert fact.shipping == 490


def test_a_fact_survives_being_kept():
    fact = payloads.order(ORDER, 3)
    assert from_data(json.loads(json.dumps(as_data(fact)))) == fact


def test_money_refunded_too_little_lowers_nothing():
    kept = [{"id": 1, "order_adjustments": [{"kind": "refund_discrepancy", "amount": "5.00"}]}]
    assert payloads.order(changed(refunds=kept), 3).unexplained_refund == 0


def test_money_counts_in_the_shops_currency():
    """Where a part says both, the set is what names its currency."""

    def both(shop, presentment):
        return {
            "shop_money": {"amount": shop, "currency_code": "USD"},
            "presentment_money": {"amount": presentment, "currency_code": "CAD"},
        }

    (line, *_) = ORDER["line_items"]
    line = {
        **line,
        "discount_allocations": [{"amount": "13.50", "amount_set": both("10.00", "13.50")}],
        "tax_lines": [{"price": "3.37", "price_set": both("2.50", "3.37")}],
    }
    adjustment = {"kind": "refund_discrepancy", "amount": "-16.20", "amount_set": both("-12.00", "-16.20")}
    refunds = [{"id": 801, "order_adjustments": [adjustment]}]
    fact = payloads.order(changed(line_items=[line], refunds=refunds, presentment_currency="CAD"), 3)
    assert (fact.lines[0].discount, fact.lines[0].tax, fact.unexplained_refund) == (1000, 250, 1200)


def test_refunded_shipping_explains_itself():
    shipping = [{"id": 1, "order_adjustments": [{"kind": "shipping_refund", "amount": "-4.90"}]}]
    assert payloads.order(changed(refunds=shipping), 3).unexplained_refund == 0


def test_an_order_without_customer_is_a_guests():
    assert payloads.order(changed(customer=None), 3).customer_id is None


@pytest.mark.parametrize("status", ["paid", "partially_refunded", "refunded"])
def test_once_paid_counts_as_paid(status):
    assert payloads.order(changed(financial_status=status), 3).paid


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("id", None, "id is missing"),
        ("id", 2**63, "no id"),
        ("id", True, "no id"),
        ("id", "5001", "no id"),
        ("updated_at", "yesterday", "no moment"),
        ("updated_at", "2026-11-20T12:00:00", "no moment"),
        ("financial_status", "teleported", "unknown financial_status"),
        ("line_items", {"id": 1}, "no list"),
        ("line_items", [{"id": 1, "quantity": -1, "price": "1.00"}], "no quantity"),
        ("line_items", [{"id": 1, "quantity": 1, "price": "1.001"}], "more decimals"),
        ("line_items", [{"id": 1, "quantity": 1, "price": "1e400"}], "outside"),
        ("line_items", [{"id": 1, "quantity": 1, "price": "NaN"}], "outside"),
        ("line_items", [{"id": 1, "quantity": 1}], "price is missing"),
        ("currency", None, "currency is missing"),
    ],
)
def test_what_cant_be_understood_says_why(field, value, why):
    with pytest.raises(BadPayload, match=why):
        payloads.order(changed(**{field: value}), 3)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b"\xff\xfe{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5_000,
    ],
)
def test_unreadable_bytes_are_refused_in_words(raw):
    with pytest.raises(BadPayload):
        payloads.parse(raw)


def test_characters_the_database_refuses_are_left_out():
    codes = [{"code": "A\x00B"}, {"code": "\ud800"}, {"code": None}]
    assert payloads.order(changed(discount_codes=codes, source_name="w\x00eb"), 3).codes == ("AB",)


def test_numbers_keep_their_digits():
    assert payloads.parse(b'{"a": 0.1, "b": 9007199254740993}') == {
        "a": payloads.Decimal("0.1"),
        "b": 9007199254740993,
    }


def test_a_delivery_and_an_answer_of_one_moment_are_the_same_fact():
    """Deliveries write the shop's offset, answers write Z: as texts they differ, and nothing had changed."""
    elsewhere = changed(updated_at="2026-11-20T12:30:00Z", processed_at="2026-11-20T12:00:00Z")
    assert as_data(payloads.order(elsewhere, 3)) == as_data(payloads.order(ORDER, 3))


DISPUTE = {"id": 7, "type": "chargeback", "status": "lost", "currency": "EUR", "amount": "12.30"}
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "lost", "final"),
    [
        ({}, True, True),
        ({"status": "accepted"}, True, True),
        ({"status": "won"}, False, True),
        ({"status": "charge_refunded"}, False, True),
        ({"status": "prevented"}, False, True),
        ({"status": "needs_response"}, False, False),
        ({"status": "under_review"}, False, False),
        ({"type": "inquiry"}, False, True),
    ],
)
def test_a_dispute_becomes_a_fact(changes, lost, final):
    expected = Dispute(id=7, amount=1230, currency="EUR", lost=lost, final=final, at=AT)
    assert payloads.dispute({**DISPUTE, **changes}, AT) == expected


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "unheard"}, "unknown status 'unheard'"),
        ({"status": None}, "a dispute without a status or a type"),
        ({"type": None}, "a dispute without a status or a type"),
        ({"type": ["chargeback"]}, "unknown type ''"),
        ({"amount": "-0.01"}, "amount is below zero"),
        ({"amount": None}, "amount is missing or no amount"),
        ({"currency": "euro"}, "currency is no currency"),
        ({"id": 0}, "id is missing or no id"),
    ],
)
def test_a_dispute_that_makes_no_sense_says_why(changes, why):
    with pytest.raises(BadPayload) as refused:
        payloads.dispute({**DISPUTE, **changes}, AT)
    assert str(refused.value) == why


def test_nothing_was_disputed_over_nothing():
    assert payloads.dispute({**DISPUTE, "amount": "0.00"}, AT).amount == 0
