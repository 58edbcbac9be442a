"""Orders, refunds and edits drawn from the seed, made by several tills at once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock

from tests.smoke import loading, purchases
from tests.smoke.expected import Line, Refund, Sale, balance
from tests.smoke.shop import Json, gid
from tests.soak.state import Soak

TILLS = 4
BASKETS = 10
"""Orders that a till makes in one call."""
LEFT_FOR_LATER = 100
"""Of those to be changed. Most are changed seconds after they were sold, as people do; a few at once."""
REFUNDED = 0.10
EDITED = 0.05
DELIVERIES = {"shuffle": 3.0, "duplicate": 0.05, "renamed": 0.5, "drop": 0.10}


class Traffic:
    """What was sold, and what became of it. The model and the shop are changed together."""

    def __init__(self, soak: Soak, name: str, orders: int) -> None:
        self._soak, self._run, self._name = soak, soak.run, name
        self._lock = Lock()
        self._wanted = orders // (TILLS * BASKETS) * TILLS * BASKETS
        self.made = self.refunded = self.edited = 0
        self.seconds = 0.0

    def sell(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(TILLS) as tills:
            list(tills.map(self._keep, range(TILLS)))
        self.seconds = time.monotonic() - began

    def share(self) -> float:
        return self.made / self._wanted

    def _keep(self, till: int) -> None:
        """One till: sells, and now and then takes back or changes what it has sold before."""
        chance = self._soak.chance(f"{self._name}, till {till}")
        due: list[tuple[Sale, int, list[int], bool]] = []
        for _ in range(self._wanted // (TILLS * BASKETS)):
            due += self._sell_some(chance)
            while len(due) > LEFT_FOR_LATER:
                self._change(chance, *due.pop(chance.randrange(len(due))))
        for late in due:
            self._change(chance, *late)

    def _sell_some(self, chance: random.Random) -> list[tuple[Sale, int, list[int], bool]]:
        """What of it will be taken back (True) or edited."""
        sales = [_draw(chance, len(self._run.customers)) for _ in range(BASKETS)]
        sold = loading.sell_several(self._run, sales)
        with self._lock:
            self._run.sales += sales
            self.made += BASKETS
        rolls = [chance.random() for _ in sales]
        return [
            (sale, order, lines, roll < REFUNDED)
            for sale, (order, lines), roll in zip(sales, sold, rolls, strict=True)
            if roll < REFUNDED + EDITED
        ]

    def _change(self, chance: random.Random, sale: Sale, order: int, lines: list[int], back: bool) -> None:
        if back:
            draw = purchases.refund_of_lines if chance.random() < 0.7 else purchases.refund_of_money
            given = draw(sale, chance)
            loading.refund_one(self._run, sale, given, order, lines)
            sale.refunds.append(given)
        else:
            self._edit(chance, sale, order, lines)
        with self._lock:
            self.refunded += back
            self.edited += not back

    def _edit(self, chance: random.Random, sale: Sale, order: int, lines: list[int]) -> None:
        """A line is added, or one taken off without its money."""
        shop = self._run.shop
        begun = shop.admin(EDIT_BEGIN, id=gid("Order", order))
        edit = begun["orderEditBegin"]["calculatedOrder"]["id"]
        if chance.random() < 0.5:
            price = chance.randint(100, 9_999)
            amount = shop.money(loading.dollars(price))["shopMoney"]
            shop.admin(EDIT_ADD, id=edit, title="One more", price=amount)
            change = [Line("One more", price)], []
        else:
            place = chance.randrange(len(lines))
            shop.admin(EDIT_REMOVE, id=edit, line=gid("CalculatedLineItem", lines[place]))
            change = [], [Refund((place,), 0)]
        shop.admin(EDIT_COMMIT, id=edit)
        sale.lines += change[0]
        sale.refunds += change[1]

    def said(self) -> str:
        return (
            f"{self.made} orders, {self.made / self.seconds:.0f} per second, "
            f"{self.refunded} refunded, {self.edited} edited"
        )


def sign_up(soak: Soak) -> str:
    for number in range(soak.size.customers):
        soak.run.customers[number] = soak.run.shop.new_customer(f"Shopper {number}")
    return f"{len(soak.run.customers)} customers"


def accidents(soak: Soak) -> list[Json]:
    """Of the calls that the app makes."""
    return [
        {"operation": "*", "fault": "timeout_after_work", "rate": 0.01, "seconds": soak.too_late},
        {"operation": "*", "fault": "5xx", "rate": 0.03},
        {"operation": "*", "fault": "throttle", "rate": 0.03},
        {"operation": "*", "fault": "cut", "rate": 0.01},
    ]


def reckon(soak: Soak) -> None:
    """What every customer is owed, by the independent calculation."""
    sales: dict[int, list[Sale]] = {number: [] for number in soak.run.customers}
    for sale in soak.run.sales:
        sales[sale.household].append(sale)
    for number, customer in soak.run.customers.items():
        soak.run.owed[customer] = balance(sales[number])


def _draw(chance: random.Random, customers: int) -> Sale:
    lines = []
    for place in range(chance.randint(1, 4)):
        price = chance.randint(99, 12_000)
        discounts = (chance.randint(1, price // 2),) if chance.random() < 0.3 else ()
        lines.append(Line(f"Thing {place}", price, discounts))
    return Sale(chance.randrange(customers), datetime.now(UTC), lines)


EDIT_BEGIN = """
mutation($id: ID!) {
  orderEditBegin(id: $id) { calculatedOrder { id } userErrors { field message } }
}"""
EDIT_ADD = """
mutation($id: ID!, $title: String!, $price: MoneyInput!) {
  orderEditAddCustomItem(id: $id, title: $title, price: $price, quantity: 1) {
    calculatedOrder { id } userErrors { field message }
  }
}"""
EDIT_REMOVE = """
mutation($id: ID!, $line: ID!) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: 0) {
    calculatedOrder { id } userErrors { field message }
  }
}"""
EDIT_COMMIT = """
mutation($id: ID!) { orderEditCommit(id: $id) { order { id } userErrors { field message } } }"""
