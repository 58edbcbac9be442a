"""Orders, refunds and edits drawn from the seed, made by several tills at once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, Lock

from tests.smoke import loading, purchases
from tests.smoke.expected import Line, Refund, Sale, balance
from tests.smoke.shop import gid
from tests.soak.state import Soak

TILLS = 4
REFUNDED = 0.10
EDITED = 0.05
DELIVERIES = {"shuffle": 3.0, "duplicate": 0.05, "renamed": 0.5, "drop": 0.10}
# Of the calls that the app makes. Few time-outs: each holds up its caller for as long as the app waits.
OPERATIONS = [
    {"operation": "*", "fault": "timeout_after_work", "rate": 0.05, "seconds": 9, "times": 3},
    {"operation": "*", "fault": "5xx", "rate": 0.03},
    {"operation": "*", "fault": "throttle", "rate": 0.03},
    {"operation": "*", "fault": "cut", "rate": 0.01},
]


class Traffic:
    """What was sold, and what became of it. The model and the shop are changed together."""

    def __init__(self, soak: Soak) -> None:
        self._soak, self._run = soak, soak.run
        self._lock = Lock()
        self.made = self.refunded = self.edited = 0
        self.seconds = 0.0
        self.over = Event()

    def sign_up(self) -> str:
        for number in range(self._soak.size.customers):
            self._run.customers[number] = self._run.shop.new_customer(f"Shopper {number}")
        return f"{len(self._run.customers)} customers"

    def sell(self) -> None:
        """Until all orders are made or the time is up."""
        size, began = self._soak.size, time.monotonic()
        try:
            with ThreadPoolExecutor(TILLS) as tills:
                until = began + size.selling_seconds
                list(tills.map(lambda till: self._keep(till, until), range(TILLS)))
        finally:
            self.seconds = time.monotonic() - began
            self.over.set()

    def _keep(self, till: int, until: float) -> None:
        """One till: sells, and now and then takes back or changes what it has sold before."""
        chance = self._soak.chance(f"till {till}")
        due: list[tuple[Sale, int, list[int], bool]] = []
        for _ in range(self._soak.size.orders // TILLS):
            if time.monotonic() > until:
                break
            sale = _draw(chance, len(self._run.customers))
            order, lines = loading.sell_one(self._run, sale)
            with self._lock:
                self._run.sales.append(sale)
                self.made += 1
            roll = chance.random()
            if roll < REFUNDED + EDITED:
                due.append((sale, order, lines, roll < REFUNDED))
            if due and (len(due) > 10 or chance.random() < 0.2):
                self._change(chance, *due.pop(chance.randrange(len(due))))
        for late in due:
            self._change(chance, *late)

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

    def reckon(self) -> None:
        """What every customer is owed, by the independent calculation."""
        sales: dict[int, list[Sale]] = {number: [] for number in self._run.customers}
        for sale in self._run.sales:
            sales[sale.household].append(sale)
        for number, customer in self._run.customers.items():
            self._run.owed[customer] = balance(sales[number])

    def said(self) -> str:
        return (
            f"{self.made} orders, {self.made / self.seconds:.0f} per second, "
            f"{self.refunded} refunded, {self.edited} edited"
        )


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
