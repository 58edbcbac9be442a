"""Whatever is refunded in whatever order, the books come out even."""

import random
from decimal import Decimal

import pytest

from sandbox import orders, refunds, totals
from sandbox.model import LineItem, Order, ShippingLine, TaxLine
from sandbox.orders import CodeOff, Draft
from sandbox.refunds import Wanted
from sandbox.world import ShopState, World


def random_order(chance: random.Random, world: World, state: ShopState, included: bool) -> Order:
    lines = []
    for _ in range(chance.randint(1, 5)):
        price, pieces = chance.randint(0, 5000), chance.randint(1, 6)
        tax = TaxLine("Tax", "0.07", orders.tax_of(price * pieces, "0.07", included))
        lines.append(LineItem(world.new_id(), "Thing", pieces, pieces, price, tax_lines=[tax]))
    post = ShippingLine(world.new_id(), "Post", 599, tax_lines=[TaxLine("Tax", "0.07", 42)])
    code = CodeOff("CODE", "fixed_amount", Decimal(chance.randint(0, 2000)) / 100)
    order = orders.create(world, state, Draft(lines, "USD", [post], [code], taxes_included=included))
    orders.pay(world, state, order, totals.total(order))
    return order


def worth(order: Order, line: LineItem, pieces: int) -> int:
    subtotal, tax = totals.worth(line, pieces)
    return subtotal + (0 if order.taxes_included else tax)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("included", [True, False])
def test_partial_refunds_end_at_exactly_nothing(
    world: World, state: ShopState, seed: int, included: bool
) -> None:
    chance = random.Random(seed)
    with world.change():
        order = random_order(chance, world, state, included)
        assert totals.outstanding(order) == 0
        while open_lines := [line for line in order.lines if line.current_quantity]:
            line = chance.choice(open_lines)
            pieces = chance.randint(1, line.current_quantity)
            amount = worth(order, line, pieces)
            money = [(amount, None, "sandbox")] if amount else []
            refunds.refund(world, state, order, Wanted([(line.id, pieces, "return")], None, money))
            assert totals.outstanding(order) == 0
            assert totals.refund_discrepancy(order) == 0
        left = totals.received(order) - totals.refunded(order)
        refunds.refund(world, state, order, Wanted([], 599, [(left, None, "sandbox")]))
    assert (totals.current_total(order), totals.current_tax(order), totals.outstanding(order)) == (0, 0, 0)
    assert totals.financial_status(order) == "refunded"
    assert totals.refund_discrepancy(order) == 0


@pytest.mark.parametrize("seed", range(10))
def test_money_and_lines_refunded_apart_still_add_up(world: World, state: ShopState, seed: int) -> None:
    chance = random.Random(seed)
    with world.change():
        order = random_order(chance, world, state, included=False)
        for _ in range(4):
            left = totals.received(order) - totals.refunded(order)
            open_lines = [(line.id, 1, "return") for line in order.lines if line.current_quantity]
            money = [(chance.randint(1, left), None, "sandbox")] if left else []
            lines = chance.sample(open_lines, chance.randint(0, len(open_lines)))
            if lines or money:
                refunds.refund(world, state, order, Wanted(lines, None, money))
            assert totals.outstanding(order) == 0
            explained = totals.total(order) - totals.current_total(order)
            assert totals.refund_discrepancy(order) == explained - totals.refunded(order)
        refunds.cancel(world, state, order, "customer", give_back=True, restock=True)
    assert (totals.outstanding(order), totals.refund_discrepancy(order)) == (0, 0)
    assert totals.refunded(order) == totals.received(order)
