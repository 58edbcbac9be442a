"""The independent calculation itself, against the worked examples of what points mean."""

from datetime import UTC, datetime

import pytest

from tests.smoke import purchases
from tests.smoke.expected import Line, Refund, Sale, balance

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sale(*lines: Line, refunds: tuple[Refund, ...] = ()) -> Sale:
    return Sale(1, NOW, list(lines), list(refunds))


def prices(*cents: int) -> list[Line]:
    return [Line("Thing", price) for price in cents]


@pytest.mark.parametrize(
    ("sold", "points"),
    [
        (sale(*prices(333, 333, 333)), 9),
        (sale(*prices(333, 333, 333), refunds=(Refund((0,), 333),)), 6),
        (sale(*prices(333, 333, 333), refunds=(Refund((0,), 333), Refund((1,), 333))), 3),
        (sale(*prices(333, 333, 333), refunds=(Refund((0, 1, 2), 999),)), 0),
        (sale(Line("Thing", 6000, (600,)), Line("Thing", 4000, (300, 100))), 90),
        (sale(*prices(5000), refunds=(Refund((), 1200),)), 38),
        (sale(*prices(1500, 500), refunds=(Refund((1,), 500),)), 15),
        (sale(*prices(99)), 0),
    ],
)
def test_the_worked_examples(sold: Sale, points: int) -> None:
    assert sold.points == points


def test_lines_that_go_without_their_money_earn_nothing_any_more() -> None:
    assert sale(*prices(1000, 1000), refunds=(Refund((0,), 0),)).points == 10


def test_money_beyond_the_lines_counts_once() -> None:
    generous = Refund((0,), 1150)
    assert sale(*prices(1000, 1000), refunds=(generous,)).points == 8


def test_money_kept_from_one_refund_explains_more_of_another() -> None:
    """What went back is judged for the order as a whole, as Shopify's books do."""
    assert sale(*prices(1000, 1000), refunds=(Refund((0,), 800), Refund((), 200))).points == 10


def test_a_balance_rounds_each_order_for_itself() -> None:
    assert balance([sale(*prices(199)), sale(*prices(199))]) == 50 + 1 + 1


def test_the_purchases_are_those_that_were_asked_for() -> None:
    sales = purchases.load(NOW)
    assert len({sold.household for sold in sales}) == 32
    assert (len(sales), sum(len(sold.lines) for sold in sales)) == (2250, 19815)
    assert max(sold.sold_at for sold in sales) == NOW
    assert all(line.net >= 0 and line.price >= 0 for sold in sales for line in sold.lines)


def test_a_seed_chooses_the_same_refunds_of_each_sort_again() -> None:
    sales = purchases.load(NOW)[:400]
    chosen = [refund for _, refund in purchases.choose_refunds(sales, seed=1)]
    assert chosen == [refund for _, refund in purchases.choose_refunds(sales, seed=1)]
    assert {bool(refund.lines) for refund in chosen} == {True, False}
